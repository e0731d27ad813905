/** `npm run dev -- [--port N] [--origin URL] [--var NAME=VALUE]`: the Worker on this machine, with all it needs. */
import { readArguments } from "../lib/arguments.ts";
import { buildAll } from "../lib/build-all.ts";
import { startDevServer, untilReady } from "../lib/dev-server.ts";
import { DEVELOPMENT_WEBHOOK_SECRET, developmentVariables, whatIsOpen } from "../lib/development.ts";
import { onEnd } from "../lib/on-end.ts";
import { freePort, isFree, parsePort } from "../lib/port.ts";
import { prepareState } from "../lib/prepare-state.ts";

const USAGE = `npm run dev -- [--port N] [--origin URL] [--var NAME=VALUE]

  --port N           the port; default 8787; 0 = any free port
  --origin URL       a GPU origin for large jobs, such as http://127.0.0.1:9000 (npm run origin)
  --var NAME=VALUE   another value for a variable in wrangler.toml; you may repeat it`;

const { values } = readArguments(USAGE, {
  options: {
    port: { type: "string", default: "8787" },
    origin: { type: "string" },
    var: { type: "string", multiple: true, default: [] },
  },
});

let stop = async () => {};
onEnd(async () => {
  await stop();
  process.exit(0);
});
try {
  await start();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  await stop();
  process.exit(1);
}

async function start(): Promise<void> {
  const port = await claimedPort();
  await buildAll();
  await prepareState({ database: true });
  const given = Object.fromEntries(
    values.var.map((pair) => [pair.split(/[=:]/, 1)[0], pair.replace(/^[^=:]*[=:]/, "")]),
  );
  const variables = developmentVariables(given, process.env);
  if (values.origin) variables.ORIGIN_URLS = values.origin;
  // It may have been taken while all that was made.
  await claimedPort();
  const server = startDevServer({ port, variables, output: "inherit" });
  stop = server.stop;
  server.leader.once("exit", (code) => process.exit(code ?? 1));

  const url = `http://127.0.0.1:${port}`;
  await untilReady(url, server.leader);
  console.log(`\nigpt-edge is ready at ${url}\n  playground  ${url}/\n  GraphiQL    ${url}/graphql`);
  if (variables.WEBHOOK_SECRET === DEVELOPMENT_WEBHOOK_SECRET) {
    console.log(`  webhooks of jobs without a key are signed with ${DEVELOPMENT_WEBHOOK_SECRET} (WEBHOOK_SECRET)`);
  }
  const open = whatIsOpen(variables);
  if (open) console.log(`  ${open}`);
}

/** @throws Error that says which port to take instead */
async function claimedPort(): Promise<number> {
  const port = parsePort(values.port);
  if (port === undefined) throw new Error(`--port: a number from 0 to 65535, not ${JSON.stringify(values.port)}.`);
  if (port === 0) return freePort();
  if (await isFree(port)) return port;
  throw new Error(
    `Port ${port} is taken, perhaps by another npm run dev. Another one: npm run dev -- --port ${await freePort()}`,
  );
}
