/** The reference origin with its models in a bucket: read over S3, from a server that others wrote. */
import { type ChildProcess, spawn } from "node:child_process";
import { appendFile, cp, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ROOT } from "../../lib/root.ts";
import { encodeRequest, fp32, int64 } from "../../src/delegation/protocol/index.ts";
import { OriginProcess } from "../origin/process.ts";
import { SHIPPED } from "../shipped.ts";
import { PEERS, peersPython } from "./python.ts";

interface Bucket {
  url: string;
  accessKeyId: string;
  secretAccessKey: string;
}

const MODEL = `/v2/models/${SHIPPED.id}`;
const READY = `${MODEL}/versions/${SHIPPED.version}/ready`;
const WEIGHTS = `models/${SHIPPED.id}/${SHIPPED.version}/weights.safetensors`;
const folders: string[] = [];
let server: ChildProcess;
let s3: Bucket;

beforeAll(async () => {
  const damaged = await folder();
  await cp(join(ROOT, "r2-assets"), damaged, { recursive: true });
  await appendFile(join(damaged, WEIGHTS), "x");
  const buckets = [`models=${join(ROOT, "r2-assets")}`, `damaged=${damaged}`];
  server = spawn(peersPython(), [join(PEERS, "s3_server.py"), ...buckets], { stdio: ["pipe", "pipe", "ignore"] });
  s3 = await new Promise<Bucket>((resolve, reject) => {
    server.once("exit", (code) => reject(new Error(`the S3 server ended with ${code}`)));
    createInterface({ input: server.stdout as NonNullable<typeof server.stdout> }).once("line", (line) =>
      resolve(JSON.parse(line) as Bucket),
    );
  });
}, 600_000);
afterAll(async () => {
  server?.kill();
  for (const path of folders) await rm(path, { recursive: true });
});

describe("an origin with its models in a bucket", () => {
  it("serves what one with the folder serves, from files that it has checked", async () => {
    const cache = await folder();
    const origin = await startOrigin("models", cache);
    const other = await OriginProcess.start();
    try {
      expect((await fetch(`${origin.url}/v2/health/ready`)).status).toBe(200);
      expect((await fetch(origin.url + READY)).status).toBe(200);
      expect((await fetch(`${origin.url}/v2/models/other`)).status).toBe(404);
      expect(await samples(origin.url)).toEqual(await samples(other.url));
      const [read, right] = [await readFile(join(cache, WEIGHTS)), await readFile(join(ROOT, "r2-assets", WEIGHTS))];
      expect(read.equals(right)).toBe(true);
    } finally {
      await origin.stop("SIGKILL");
      await other.stop("SIGKILL");
    }
  });

  it("is not ready with a secret that is not right, and says nothing of it to its callers", async () => {
    const origin = await startOrigin("models", await folder(), { AWS_SECRET_ACCESS_KEY: "wrong" });
    try {
      expect((await fetch(`${origin.url}/v2/health/ready`)).ok).toBe(false);
      const refused = await fetch(`${origin.url}${MODEL}`);
      expect(refused.status).toBe(500);
      expect(await refused.text()).not.toMatch(/bucket|403|127\.0\.0\.1/);
      const [line] = origin.lines.filter(({ event }) => event === "error");
      expect(line?.error).toContain("the bucket answered 403 for models/index.json");
    } finally {
      await origin.stop("SIGKILL");
    }
  });

  it("does not serve a bundle that is not what its manifest says", async () => {
    const origin = await startOrigin("damaged", await folder());
    try {
      expect((await fetch(origin.url + READY)).status).toBe(500);
      expect(String(origin.lines.find(({ event }) => event === "error")?.error)).toContain("weights.safetensors");
    } finally {
      await origin.stop("SIGKILL");
    }
  });
});

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "igpt-s3-"));
  folders.push(path);
  return path;
}

function startOrigin(bucket: string, cache: string, env: Record<string, string> = {}): Promise<OriginProcess> {
  return OriginProcess.start(["--models", cache], {
    ...{ ORIGIN_BUCKET_URL: `${s3.url}/${bucket}`, AWS_REGION: "auto" },
    ...{ AWS_ACCESS_KEY_ID: s3.accessKeyId, AWS_SECRET_ACCESS_KEY: s3.secretAccessKey },
    ...env,
  });
}

/** Two samples of a short request. */
async function samples(url: string): Promise<unknown> {
  const uniforms = Float32Array.from({ length: 24 }, (_, i) => i / 24);
  const inputs = [
    ...[int64("tokens", [2, 3], [1, 2, 3, 4, 5, 6]), int64("forced", [2, 12], new Array<number>(24).fill(-1))],
    ...[fp32("uniforms", [2, 12], uniforms), fp32("temperature", [2, 1], Float32Array.of(1, 1))],
    ...[int64("top_k", [2, 1], [0, 0]), fp32("top_p", [2, 1], Float32Array.of(1, 1))],
  ];
  const { headers, bytes } = encodeRequest({ inputs, outputs: ["samples", "nll"] }, false);
  const response = await fetch(`${url}${MODEL}/infer`, { method: "POST", headers, body: bytes });
  expect(response.status).toBe(200);
  return ((await response.json()) as { outputs: unknown }).outputs;
}
