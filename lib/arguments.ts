import { type ParseArgsConfig, parseArgs } from "node:util";

/**
 * A command's options: Node's `parseArgs`, with `--help`, and with the usage instead of a stack for a wrong call.
 * Ends the process in both cases (exit codes 0 and 2).
 */
export function readArguments<T extends ParseArgsConfig>(usage: string, config: T): ReturnType<typeof parseArgs<T>> {
  if (process.argv.slice(2).includes("--help")) {
    console.log(usage);
    process.exit(0);
  }
  try {
    return parseArgs(config);
  } catch (error) {
    if (!(error instanceof TypeError && "code" in error && String(error.code).startsWith("ERR_PARSE_ARGS_")))
      throw error;
    console.error(`${error.message}\n\n${usage}`);
    process.exit(2);
  }
}
