/** `npm run dev -- [--port N] [--origin URL] [--var NAME=VALUE]`: the Worker on this machine, with all it needs. */
import { readArguments } from "./lib/arguments.ts";
import { migrateLocalDatabase } from "./lib/database.ts";
import { startDevServer, untilReady } from "./lib/dev-server.ts";
import { buildAll, seedModels } from "./lib/prepare.ts";

const USAGE = `npm run dev -- [--port N] [--origin URL] [--var NAME=VALUE]

  --port N           default 8787
  --origin URL       a GPU origin for large jobs, such as http://127.0.0.1:9000 (npm run origin)
  --var NAME=VALUE   another value of a variable of wrangler.toml, may be repeated`;

const { values } = readArguments(USAGE, {
  options: {
    port: { type: "string", default: "8787" },
    origin: { type: "string" },
    var: { type: "string", multiple: true, default: [] },
  },
});
const variables = Object.fromEntries(
  values.var.map((pair) => [pair.split(/[=:]/, 1)[0], pair.replace(/^[^=:]*[=:]/, "")]),
);

await buildAll();
await seedModels();
await migrateLocalDatabase();
const port = Number(values.port);
const server = startDevServer({ port, origin: values.origin, variables, output: "inherit" });
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => server.kill(signal));
server.once("exit", (code) => process.exit(code ?? 0));

const url = `http://127.0.0.1:${port}`;
await untilReady(url, server);
console.log(`\nigpt-edge is ready at ${url}\n  playground  ${url}/\n  GraphiQL    ${url}/graphql\n`);
