import { type ChildProcess, spawn } from "node:child_process";
import { createServer } from "node:net";
import { join } from "node:path";
import { ROOT } from "./root.ts";
import { STATE } from "./state.ts";

/** What development has that production has not; an environment variable of the same name, or --var, wins. */
const DEVELOPMENT_VARIABLES: Record<string, string> = {
  GRAPHIQL: "on",
  ANONYMOUS_SCOPES: "COMPLETE,EMBED,JOBS",
  FLOOD_GUARD: "off",
  // Jobs go on soon after the Worker or the origin was restarted.
  JOB_STALL_SECONDS: "20",
};

export interface DevServerOptions {
  port: number;
  /** A GPU origin's URL. */
  origin?: string | undefined;
  /** More variables, NAME -> value. */
  variables?: Record<string, string>;
  /** Where wrangler's own output goes. */
  output: "inherit" | "ignore";
}

/** `wrangler dev` with all local bindings. The child's exit is the caller's to watch. */
export function startDevServer({ port, origin, variables, output }: DevServerOptions): ChildProcess {
  const all = {
    ...DEVELOPMENT_VARIABLES,
    ...fromEnvironment(),
    ...variables,
    ...(origin ? { ORIGIN_URLS: origin } : {}),
  };
  const args = ["dev", "--local", "--ip", "127.0.0.1", "--port", String(port), "--inspector-port", "0"];
  args.push("--show-interactive-dev-session=false", "--log-level", output === "inherit" ? "log" : "error");
  for (const [name, value] of Object.entries(all)) args.push("--var", `${name}:${value}`);
  args.push("--persist-to", STATE);
  return spawn(join(ROOT, "node_modules/.bin/wrangler"), args, {
    cwd: ROOT,
    stdio: ["ignore", output, "inherit"],
    env: { ...process.env, WRANGLER_SEND_METRICS: "false", WRANGLER_HIDE_BANNER: "true" },
  });
}

/** Variables of wrangler.toml that are also set in this process's environment. */
function fromEnvironment(): Record<string, string> {
  const names = [
    "ENGINE",
    "ANONYMOUS_SCOPES",
    "GRAPHIQL",
    "DNS_OVER_HTTPS",
    "ALLOW_LOOPBACK_URLS",
    "ORIGIN_URLS",
    "FLOOD_GUARD",
    "ANONYMOUS_REQUESTS_PER_MINUTE",
    "ANONYMOUS_PIXELS_PER_MONTH",
    "CORS_ORIGINS",
  ];
  return Object.fromEntries(
    names.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  );
}

/** Waits until the Worker has its default model at hand. @throws Error when the server ends before. */
export async function untilReady(url: string, server: ChildProcess): Promise<void> {
  for (;;) {
    if (server.exitCode !== null)
      throw new Error(`wrangler dev ended with code ${server.exitCode} before it was ready.`);
    const response = await fetch(`${url}/readyz`).catch(() => null);
    await response?.body?.cancel();
    if (response?.ok) return;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** A port of this machine that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("No free port.");
  return address.port;
}
