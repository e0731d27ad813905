/** `npm run origin -- [--port N] ...` and its environment. */
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { ROOT } from "../lib/root.ts";
import { userPath } from "../lib/user-path.ts";

type Environment = Readonly<Record<string, string | undefined>>;
export type EngineChoice = "auto" | "kernel" | "onnx";

export interface OriginConfig {
  host: string;
  port: number;
  /** Asked for as `Authorization: Bearer`; undefined: nobody is asked, and only this machine can reach it. */
  token: string | undefined;
  /** auto: the edge's kernel for models that the edge can run, else onnxruntime. */
  engine: EngineChoice;
  threads: number;
  /** Rows of one ONNX batch. */
  batchRows: number;
  maxQueueRows: number;
  maxDelayMs: number;
  /** How long requests may go on after SIGTERM, in milliseconds. */
  drainMs: number;
  /** A folder laid out like the bucket. */
  models: string;
  /** Instead of the folder: a bucket, see bundles/s3.ts. `models` is then its cache. */
  s3: { url: string; accessKeyId: string; secretAccessKey: string; region: string } | undefined;
}

/** @throws Error that says which setting is wrong and how to mend it. */
export function readConfig(args: readonly string[], env: Environment): OriginConfig {
  const { values } = parseArgs({
    args: [...args],
    options: {
      port: { type: "string", default: "9000" },
      host: { type: "string" },
      engine: { type: "string", default: "auto" },
      threads: { type: "string", default: String(availableParallelism()) },
      "batch-rows": { type: "string", default: "16" },
      "queue-rows": { type: "string", default: "512" },
      "batch-delay-ms": { type: "string", default: "3" },
      "drain-seconds": { type: "string", default: "30" },
      models: { type: "string" },
    },
  });
  const token = env.ORIGIN_TOKEN || undefined;
  const s3 = readS3(env);
  return {
    host: readHost(values.host, token),
    port: whole("port", values.port, 0),
    token,
    engine: oneOf("engine", values.engine, ["auto", "kernel", "onnx"]),
    threads: whole("threads", values.threads, 1),
    batchRows: whole("batch-rows", values["batch-rows"], 1),
    maxQueueRows: whole("queue-rows", values["queue-rows"], 1),
    maxDelayMs: whole("batch-delay-ms", values["batch-delay-ms"], 0),
    drainMs: whole("drain-seconds", values["drain-seconds"], 0) * 1000,
    models:
      values.models !== undefined
        ? userPath(values.models)
        : s3
          ? join(tmpdir(), "igpt-origin")
          : join(ROOT, "r2-assets"),
    s3,
  };
}

/** Without a token whoever can reach it may use it: so only this machine can. */
function readHost(given: string | undefined, token: string | undefined): string {
  const host = given ?? (token ? "0.0.0.0" : "127.0.0.1");
  if (!token && !["127.0.0.1", "::1", "localhost"].includes(host)) {
    throw new Error(`--host ${host} needs a token: set ORIGIN_TOKEN, here and as the Worker's secret.`);
  }
  return host;
}

function readS3(env: Environment): OriginConfig["s3"] {
  const { ORIGIN_BUCKET_URL: url, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION = "auto" } = env;
  if (!url) return undefined;
  if (!AWS_ACCESS_KEY_ID || !AWS_SECRET_ACCESS_KEY) {
    throw new Error("ORIGIN_BUCKET_URL needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.");
  }
  return { url, accessKeyId: AWS_ACCESS_KEY_ID, secretAccessKey: AWS_SECRET_ACCESS_KEY, region: AWS_REGION };
}

function whole(name: string, text: string, least: number): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw new Error(`--${name} must be a whole number from ${least} up, not ${JSON.stringify(text)}.`);
}

function oneOf<const T extends string>(name: string, text: string, choices: readonly T[]): T {
  const choice = choices.find((candidate) => candidate === text);
  if (choice) return choice;
  throw new Error(`--${name} must be one of ${choices.join(", ")}, not ${JSON.stringify(text)}.`);
}
