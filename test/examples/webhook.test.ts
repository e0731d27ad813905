import { type ChildProcess, spawn } from "node:child_process";
import { Webhook } from "standardwebhooks";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { freePort } from "../../lib/port.ts";
import { ROOT } from "../../lib/root.ts";
import { bearer, issueKey } from "../access/admin.ts";
import { type SharedWorker, sharedWorker } from "../shared-worker.ts";
import { photo } from "../worker/pictures.ts";
import { script } from "./run.ts";

let worker: SharedWorker;
let key: { secret: string; webhookSecret: string };
let receiver: ChildProcess;
let url: string;
let printed = "";

beforeAll(async () => {
  worker = await sharedWorker("development");
  key = await issueKey(worker, { scopes: ["JOBS"] });
  const port = await freePort();
  url = `http://127.0.0.1:${port}/`;
  const [node, ...args] = script("examples/webhook/receiver.ts");
  const env = { ...process.env, PORT: String(port), IGPT_WEBHOOK_SECRET: key.webhookSecret };
  receiver = spawn(node, args, { cwd: ROOT, env, stdio: ["ignore", "pipe", "inherit"] });
  receiver.stdout?.on("data", (chunk) => {
    printed += chunk;
  });
  await vi.waitFor(() => expect(printed).toContain("listening"), 30_000);
});
afterAll(async () => {
  receiver?.kill();
});

it("is told of a job's end, and believes it", async () => {
  const { submitCompletion } = await worker.data<{ submitCompletion: { completion: { id: string } } }>(
    `mutation ($image: ImageInput!, $url: URL) {
      submitCompletion(image: $image, options: { keepRows: 31 }, webhookUrl: $url) { completion { id } }
    }`,
    { image: photo, url },
    bearer(key.secret),
  );
  await vi.waitFor(() => expect(printed).toContain(`completion.succeeded ${submitCompletion.completion.id}`), 40_000);
});

it("refuses what is signed by somebody else, and tells a repeated delivery", async () => {
  const send = (secret: string, id: string, job = "job_x") => {
    const body = JSON.stringify({ type: "completion.failed", data: { id: job, status: "FAILED" } });
    const at = new Date();
    const headers = {
      "webhook-id": id,
      "webhook-timestamp": String(Math.floor(at.getTime() / 1000)),
      "webhook-signature": new Webhook(secret).sign(id, at, body),
    };
    return fetch(url, { method: "POST", headers, body });
  };
  expect((await send(`whsec_${btoa("x".repeat(32))}`, "msg_1")).status).toBe(401);
  // What the receiver prints comes on another way than its answer.
  await vi.waitFor(() => expect(printed).toContain("refused: "), 30_000);
  expect(printed).not.toContain("completion.failed");
  for (let i = 0; i < 2; i++) expect((await send(key.webhookSecret, "msg_1")).status).toBe(204);
  expect((await send(key.webhookSecret, "msg_2", "job_y")).status).toBe(204);
  await vi.waitFor(() => expect(printed).toContain("completion.failed job_y"), 30_000);
  expect(printed.match(/completion\.failed job_x/g)).toHaveLength(1);
});
