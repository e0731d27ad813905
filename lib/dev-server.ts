import type { ChildProcess } from "node:child_process";
import { join } from "node:path";
import { type ProcessGroup, startGroup } from "./process-group.ts";
import { ROOT } from "./root.ts";
import { STATE } from "./state.ts";

export interface DevServerOptions {
  port: number;
  /** NAME -> value. */
  variables: Record<string, string>;
  /** Where wrangler's own output goes. */
  output: "inherit" | "ignore";
}

/** `wrangler dev` with all local bindings. Its end is the caller's to watch; it never outlives the caller. */
export function startDevServer({ port, variables, output }: DevServerOptions): ProcessGroup {
  // Not node_modules/.bin/wrangler: that starts this one and leaves it running when it is ended itself.
  const args = ["--no-warnings", join(ROOT, "node_modules/wrangler/wrangler-dist/cli.js")];
  args.push("dev", "--local", "--ip", "127.0.0.1", "--port", String(port), "--inspector-port", "0");
  args.push("--show-interactive-dev-session=false", "--log-level", output === "inherit" ? "log" : "error");
  for (const [name, value] of Object.entries(variables)) args.push("--var", `${name}:${value}`);
  args.push("--persist-to", STATE);
  return startGroup(process.execPath, args, {
    cwd: ROOT,
    stdio: ["ignore", output, "inherit"],
    env: { ...process.env, WRANGLER_SEND_METRICS: "false", WRANGLER_HIDE_BANNER: "true" },
  });
}

/** Waits until the Worker has its default model at hand. @throws Error when the server ends before. */
export async function untilReady(url: string, server: ChildProcess): Promise<void> {
  for (;;) {
    if (server.exitCode !== null || server.signalCode !== null) {
      throw new Error(
        `wrangler dev ended (${server.exitCode ?? server.signalCode}) before it was ready; what it said is above.`,
      );
    }
    const response = await fetch(`${url}/readyz`).catch(() => null);
    await response?.body?.cancel();
    if (response?.ok) return;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
