/**
 * `npm run soak -- [--jobs 1000] [--samples 16] [--kills 5]`: many jobs at once while the origin is killed and started
 * again. Every job must succeed with each of its samples exactly once, the same ones that an undisturbed origin gives.
 */
import { existsSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { parseArgs } from "node:util";
import { buildWorker as setup } from "../../lib/build-worker.ts";
import { everySome } from "../../lib/every-some.ts";
import { completedSamples, completionInputs } from "../../src/delegation/graph/index.ts";
import { decodeResponse, encodeRequest } from "../../src/delegation/protocol/index.ts";
import type { CompletionSpec, Model } from "../../src/model/types.ts";
import { startWorker } from "../harness.ts";
import { OriginProcess } from "../origin/process.ts";
import { job, picture, status, submitted } from "./client.ts";

const { values } = parseArgs({
  options: {
    jobs: { type: "string", default: "1000" },
    samples: { type: "string", default: "16" },
    kills: { type: "string", default: "5" },
  },
});
const [jobs, samples, kills] = [Number(values.jobs), Number(values.samples), Number(values.kills)];
const CLIENTS = 16;
const DOWN_MS = 1_500;
/** So many jobs are looked at, so often, one after the other: looking is work for the Worker too. */
const LOOK_AT = 50;
const LOOK_MS = 1_000;
/** Jobs of one seed have the same samples, so that what they must be is computed for so many seeds only. */
const SEEDS = 100;
const KEEP_ROWS = 31;
const submission = (i: number) => ({
  image: picture(),
  samples,
  options: { keepRows: KEEP_ROWS, execution: "ORIGIN", seed: i % SEEDS },
  idempotencyKey: `soak ${i}`,
});

// The local stand-ins for Durable Objects, R2 and Workflows wait for the disk some fifty times a job, one after the other.
if (existsSync("/dev/shm")) process.env.TMPDIR = "/dev/shm";
await setup();
const origin = await OriginProcess.start();
const worker = await startWorker({ vars: { ORIGIN_URLS: origin.url, ENGINE: "kernel", FLOOD_GUARD: "off" } });
const start = performance.now();
const calls = () => origin.lines.filter(({ event }) => event === "infer");
const say = (text: string) => console.log(`${((performance.now() - start) / 1000).toFixed(1)} s: ${text}`);
try {
  let accepted = 0;
  const ids = await everySome(jobs, CLIENTS, async (i) => {
    const id = await submitted(worker, submission(i));
    if (++accepted % 100 === 0) say(`${accepted} accepted, ${calls().length} calls finished`);
    return id;
  });
  say(`${new Set(ids).size} jobs accepted`);
  await untilAllHaveEnded(ids);
  say("all have ended");
  const computeMs = calls().reduce((sum, { computeMs }) => sum + Number(computeMs), 0);
  say(`${calls().length} calls that the origin finished, ${(computeMs / 1000).toFixed(0)} s in its engine`);

  const problems = await problemsOf(ids);
  for (const problem of problems.slice(0, 20)) console.log(problem);
  say(`${jobs} jobs compared with an undisturbed origin's samples: ${problems.length} problems`);
  process.exitCode = problems.length === 0 ? 0 : 1;
} finally {
  await worker.close();
  await origin.stop("SIGKILL");
}

/** The origin is killed and started again when it has finished so many calls: evenly spread. */
async function untilAllHaveEnded(ids: readonly string[]): Promise<void> {
  const open = [...ids];
  for (let killed = 0; open.length > 0; ) {
    const some = open.splice(0, LOOK_AT);
    const states = await everySome(some.length, CLIENTS, (i) => status(worker, some[i] as string));
    open.push(...some.filter((_, i) => ["QUEUED", "RUNNING"].includes(states[i] as string)));
    if (killed < kills && open.length > 0 && calls().length >= (ids.length * killed) / (kills + 1)) {
      killed++;
      await origin.stop("SIGKILL");
      await setTimeout(DOWN_MS);
      await origin.start();
      say(`${calls().length} calls finished; the origin was killed and started again (${killed})`);
    }
    if (open.length > 0) await setTimeout(LOOK_MS);
  }
}

/** What was lost, doubled or altered. */
async function problemsOf(ids: readonly string[]): Promise<string[]> {
  const problems = ids.length === new Set(ids).size ? [] : ["two submissions were given one id"];
  if ((await submitted(worker, submission(7))) !== ids[7]) problems.push("the same idempotency key made another job");
  const { model, input } = await whatWasAsked(ids[0] as string);
  const right = await everySome(Math.min(SEEDS, jobs), 2, (seed) => undisturbed(model, input, seed));
  const found = await everySome(ids.length, CLIENTS, async (i) => {
    const id = ids[i] as string;
    const answer = await job(worker, id);
    if (answer?.status !== "SUCCEEDED") return `${id}: ${answer?.status} ${JSON.stringify(answer?.error)}`;
    const plain = answer.samples.map(({ index, nllPerPixel, image }) => ({ index, nllPerPixel, tokens: image.tokens }));
    return JSON.stringify(plain) === JSON.stringify(right[i % SEEDS]) ? undefined : `${id}: other samples`;
  });
  return [...problems, ...found.filter((problem) => problem !== undefined)];
}

/** The model and the picture as the model sees it. */
async function whatWasAsked(id: string) {
  const query = `query ($id: ID!) { completion(id: $id) { model { id version colors resolution } input { tokens } } }`;
  type Answer = { completion: { model: Model; input: { tokens: number[] } } };
  const { completion } = await worker.data<Answer>(query, { id });
  return { model: completion.model, input: completion.input.tokens };
}

/** All samples of a seed in one call to the origin, past the Worker. */
async function undisturbed(model: Model, input: readonly number[], seed: number) {
  const given = KEEP_ROWS * model.resolution;
  const spec: CompletionSpec = {
    ...{ samples, seed, execution: "ORIGIN", keepRows: KEEP_ROWS, sampling: { temperature: 1, topK: 0, topP: 1 } },
    keep: input.map((_, pixel) => pixel < given),
  };
  const all = { first: 0, count: samples };
  const { headers, bytes } = encodeRequest({ inputs: completionInputs(spec, input, all) }, true);
  const path = `/v2/models/${model.id}/versions/${model.version}/infer`;
  const response = await fetch(origin.url + path, { method: "POST", headers, body: bytes });
  const { outputs } = decodeResponse(response.headers, new Uint8Array(await response.arrayBuffer()));
  const made = completedSamples(outputs, model, spec, input, all);
  return made.map(({ index, nllPerPixel, tokens }) => ({ index, nllPerPixel, tokens: Array.from(tokens) }));
}
