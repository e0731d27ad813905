import { spawn } from "node:child_process";
import { ROOT } from "../../lib/root.ts";

export interface Finished {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** A TypeScript example's command line. */
export function script(path: string, ...args: string[]): [string, ...string[]] {
  return [process.execPath, "--import", "tsx", path, ...args];
}

/** The variables of somebody whom wrangler does not know. @param home an empty folder */
export function loggedOut(home: string): Record<string, string | undefined> {
  return {
    HOME: home,
    XDG_CONFIG_HOME: home,
    CI: "1",
    CLOUDFLARE_API_TOKEN: undefined,
    CLOUDFLARE_API_KEY: undefined,
  };
}

/** Runs a command in the project's root to its end. `variables` are added to the environment; undefined takes one away. */
export async function run(
  [command, ...args]: readonly [string, ...string[]],
  variables: Record<string, string | undefined>,
): Promise<Finished> {
  const child = spawn(command, args, {
    cwd: ROOT,
    env: { ...process.env, ...variables },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk) => {
    stdout += chunk;
  });
  child.stderr.on("data", (chunk) => {
    stderr += chunk;
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  return { code, stdout, stderr };
}

/** The same where it must end well. @returns what it printed */
export async function printed(
  command: readonly [string, ...string[]],
  variables: Record<string, string | undefined>,
): Promise<string> {
  const { code, stdout, stderr } = await run(command, variables);
  if (code !== 0) throw new Error(`${command.join(" ")} ended with ${code}: ${stderr}${stdout}`);
  return stdout;
}
