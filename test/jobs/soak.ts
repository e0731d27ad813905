/**
 * `npm run soak -- [--jobs 1000] [--samples 16] [--kills 5]`: many jobs at once while the origin is killed and started
 * again. Every job must succeed with each of its samples exactly once, the same ones that an undisturbed run gives.
 */
import { parseArgs } from "node:util";
import setup from "../global-setup.ts";
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
const options = (seed: number) => ({ keepRows: 31, execution: "ORIGIN", seed });

await setup();
const origin = await OriginProcess.start();
const worker = await startWorker({ vars: { ORIGIN_URLS: origin.url, ENGINE: "kernel", FLOOD_GUARD: "off" } });
const start = performance.now();
const finished = () => origin.lines.filter(({ event }) => event === "infer").length;
const seconds = () => ((performance.now() - start) / 1000).toFixed(1);
try {
  let accepted = 0;
  const ids = await inParallel(jobs, CLIENTS, async (seed) => {
    const submission = { image: picture(), samples, options: options(seed), idempotencyKey: `soak ${seed}` };
    const id = await submitted(worker, submission);
    if (++accepted % 100 === 0) console.log(`${seconds()} s: ${accepted} accepted, ${finished()} calls finished`);
    return id;
  });
  console.log(`${seconds()} s: ${new Set(ids).size} jobs accepted`);
  const unended = new Set(ids);
  for (let killed = 0; unended.size > 0; ) {
    const open = [...unended];
    const states = await inParallel(open.length, CLIENTS, (i) => status(worker, open[i] as string));
    open.forEach((id, i) => {
      if (!["QUEUED", "RUNNING"].includes(states[i] as string)) unended.delete(id);
    });
    const done = jobs - unended.size;
    if (killed < kills && unended.size > 0 && done >= (jobs * killed) / (kills + 1)) {
      killed++;
      await origin.stop("SIGKILL");
      await new Promise((resolve) => setTimeout(resolve, DOWN_MS));
      await origin.start();
      console.log(`${seconds()} s: ${done} have ended; the origin was killed and started again (${killed})`);
    }
  }
  console.log(`${seconds()} s: all have ended`);
  const problems = (await inParallel(jobs, CLIENTS, (seed) => check(ids[seed] as string))).filter(Boolean);
  const repeated = await submitted(worker, {
    image: picture(),
    samples,
    options: options(7),
    idempotencyKey: "soak 7",
  });
  if (repeated !== ids[7]) problems.push("the same idempotency key made another job");
  for (const problem of problems.slice(0, 20)) console.log(problem);
  console.log(
    `${jobs} jobs, ${finished()} calls that the origin finished, ${problems.length} problems, ${seconds()} s`,
  );
  process.exitCode = problems.length === 0 ? 0 : 1;
} finally {
  await worker.close();
  await origin.stop("SIGKILL");
}

/** What is wrong with a job, if anything. */
async function check(id: string): Promise<string | undefined> {
  const answer = await job(worker, id);
  if (answer?.status !== "SUCCEEDED") return `${id}: ${answer?.status} ${JSON.stringify(answer?.error)}`;
  const indices = answer.samples.map(({ index }) => index).join();
  if (indices !== Array.from({ length: samples }, (_, i) => i).join()) return `${id}: samples ${indices}`;
  return undefined;
}

async function inParallel<T>(count: number, lanes: number, work: (i: number) => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  let next = 0;
  const lane = async () => {
    while (next < count) {
      const i = next++;
      results[i] = await work(i);
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return results;
}
