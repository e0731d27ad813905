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

/** The options that a command cannot do without. Ends the process, as for a wrong call, when one is missing. */
export function required<T, K extends keyof T & string>(
  usage: string,
  values: T,
  names: readonly K[],
): { [P in K]: NonNullable<T[P]> } {
  const missing = names.filter((name) => !values[name]);
  if (missing.length === 0) return values as { [P in K]: NonNullable<T[P]> };
  console.error(`--${missing.join(" and --")} must be given.\n\n${usage}`);
  process.exit(2);
}
