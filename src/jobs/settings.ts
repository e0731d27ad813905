/** The Worker's variables that jobs know. */
export interface JobSettings {
  /** For so long after its end a job and its samples are kept. */
  keepMs: number;
  /** Between two tries of an origin: at first, doubled each time. */
  retryMs: number;
  /** Tries of an origin, when the edge cannot do it instead. */
  retries: number;
  /** A workflow without a sign of life for so long is taken for lost, and another one started. */
  stallMs: number;
  /** Before the second delivery of a webhook; doubled each time. */
  webhookRetryMs: number;
}

export type JobEnv = Pick<
  Env,
  "JOB_KEEP_DAYS" | "JOB_RETRY_SECONDS" | "JOB_RETRIES" | "JOB_STALL_SECONDS" | "WEBHOOK_RETRY_SECONDS"
>;

/** @throws Error that names the variable which is no number above 0 */
export function jobSettings(env: JobEnv): JobSettings {
  const read = (name: keyof JobEnv) => {
    const value = Number(env[name]);
    if (value > 0) return value;
    throw new Error(`${name} is ${JSON.stringify(env[name])}: it must be a number above 0`);
  };
  return {
    keepMs: read("JOB_KEEP_DAYS") * 86_400_000,
    retryMs: read("JOB_RETRY_SECONDS") * 1000,
    retries: read("JOB_RETRIES"),
    stallMs: read("JOB_STALL_SECONDS") * 1000,
    webhookRetryMs: read("WEBHOOK_RETRY_SECONDS") * 1000,
  };
}
