import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterAll, expect, it } from "vitest";
import { openFolder } from "../../bundles/folder.ts";
import { publish } from "../../bundles/publish.ts";
import { openLocalState } from "../../lib/local-state.ts";
import { ASSETS, ROOT } from "../../lib/root.ts";
import { freePort, OriginProcess } from "../origin/process.ts";
import { JOB_FIELDS, type JobAnswer, picture } from "./client.ts";

let worker: ChildProcess | undefined;
let origin: OriginProcess | undefined;
let state = "";
afterAll(async () => {
  await kill(worker);
  await origin?.stop("SIGKILL");
  if (state) await rm(state, { recursive: true, force: true });
});

it("a job goes on when the Worker's process was killed in its midst", async () => {
  state = await mkdtemp(join(tmpdir(), "igpt-restart-"));
  const bucket = (await openLocalState(join(state, "v3"))).bucket;
  await publish((key) => openFolder(ASSETS).get(key), bucket);
  await bucket.close();
  // One thread, so that there is time to kill in.
  origin = await OriginProcess.start(["--threads", "1"]);
  const port = await freePort();
  worker = await startWorker(port, origin.url);
  const submit = `mutation ($image: ImageInput!) {
    submitCompletion(image: $image, samples: 64, options: { model: "igpt-small", keepRows: 24, seed: 3, execution: ORIGIN }) { completion { id } }
  }`;
  const { submitCompletion } = await ask<{ submitCompletion: { completion: { id: string } } }>(port, submit, {
    image: picture(),
  });
  const { id } = submitCompletion.completion;
  const calls = () => origin?.lines.filter(({ event }) => event === "infer").length ?? 0;
  while (calls() < 1) await setTimeout(50);
  await kill(worker);
  const before = calls();
  expect(before).toBeLessThan(4);
  worker = await startWorker(port, origin.url);
  let job: JobAnswer;
  do {
    await setTimeout(500);
    ({ completion: job } = await ask<{ completion: JobAnswer }>(
      port,
      `query ($id: ID!) { completion(id: $id) { ${JOB_FIELDS} } }`,
      { id },
    ));
  } while (job.status === "QUEUED" || job.status === "RUNNING");
  expect(job).toMatchObject({ status: "SUCCEEDED", seed: 3, ranOn: "ORIGIN" });
  expect(job.samples.map(({ index }) => index)).toEqual(Array.from({ length: 64 }, (_, i) => i));
  // What was stored is not made again: at most the calls that were under way are.
  expect(calls()).toBeLessThanOrEqual(8);
}, 300_000);

/** `wrangler dev` on a state of its own, in a process group of its own. */
async function startWorker(port: number, originUrl: string): Promise<ChildProcess> {
  const vars = {
    ORIGIN_URLS: originUrl,
    ANONYMOUS_SCOPES: "JOBS",
    FLOOD_GUARD: "off",
    ENGINE: "kernel",
    JOB_STALL_SECONDS: "5",
  };
  const args = [
    "dev",
    "--local",
    "--ip",
    "127.0.0.1",
    "--port",
    String(port),
    "--inspector-port",
    "0",
    "--persist-to",
    state,
  ];
  for (const [name, value] of Object.entries(vars)) args.push("--var", `${name}:${value}`);
  const env = { ...process.env, WRANGLER_SEND_METRICS: "false" };
  const child = spawn(join(ROOT, "node_modules/.bin/wrangler"), args, {
    cwd: ROOT,
    env,
    stdio: "ignore",
    detached: true,
  });
  for (;;) {
    if (child.exitCode !== null) throw new Error(`wrangler ended with ${child.exitCode}`);
    const ready = await fetch(`http://127.0.0.1:${port}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (ready) return child;
    await setTimeout(200);
  }
}

/** All of wrangler's processes, without a warning. */
async function kill(child: ChildProcess | undefined): Promise<void> {
  if (!child?.pid || child.exitCode !== null || child.signalCode !== null) return;
  const exited = new Promise((resolve) => child.once("exit", resolve));
  process.kill(-child.pid, "SIGKILL");
  await exited;
}

async function ask<T>(port: number, query: string, variables: Record<string, unknown>): Promise<T> {
  const response = await fetch(`http://127.0.0.1:${port}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = (await response.json()) as { data?: T; errors?: unknown };
  if (!data || errors) throw new Error(JSON.stringify(errors));
  return data;
}
