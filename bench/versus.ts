/**
 * `npx tsx bench/versus.ts OLD [NEW] [--model ID] [--what 1,embed,cold] [--rounds N]`: whole requests to two builds of the Worker, each in a workerd of
 * its own, in turns, so that both see the same machine. A build is what `wrangler deploy --dry-run --outdir FOLDER` writes.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { readArguments } from "../lib/arguments.ts";
import { buildWorker, WORKER_DIRECTORY } from "../lib/build-worker.ts";
import { ASSETS, ROOT } from "../lib/root.ts";
import { userPath } from "../lib/user-path.ts";
import type { Workerd } from "../lib/workerd.ts";
import { firstRow, modelsOf, operationsOf, quantile, query, startProduct } from "./requests.ts";

const USAGE = `npx tsx bench/versus.ts OLD [NEW] [options]

  OLD, NEW       folders with a bundled Worker (wrangler deploy --dry-run --outdir FOLDER); NEW: this project's
  --model ID     this model alone
  --what LIST    of 1,4,8 (samples of half a picture), embed, likelihood, row (the first row of a stream), cold (the same
                 of a Worker that has just started and has no model yet)
  --rounds N     of each kind, after one to warm up; default 5`;

const { values, positionals } = readArguments(USAGE, {
  allowPositionals: true,
  options: { model: { type: "string" }, rounds: { type: "string", default: "5" }, what: { type: "string" } },
});
const [old, fresh = WORKER_DIRECTORY] = positionals.map(userPath);
if (old === undefined) {
  console.error(USAGE);
  process.exit(2);
}
await buildWorker();

interface Times {
  wall: number[];
  cpu: number[];
}
interface Build {
  directory: string;
  worker: Workerd;
  /** Of the operation at hand. */
  times: Times;
}
const photo = await readFile(join(ROOT, "test/fixtures/baseline.jpg"));
const builds: Build[] = [];
for (const directory of [old, fresh]) builds.push({ directory, worker: await start(directory), times: noTimes() });

console.log("| model | operation | old, wall / CPU ms | new, wall / CPU ms | new / old, wall | CPU |");
console.log("|---|---|---|---|---|---|");
for (const { id: model, resolution } of await modelsOf(ASSETS)) {
  if (values.model !== undefined && values.model !== model) continue;
  for (const what of [...operationsOf(resolution), "row", "cold"] as const) {
    if (values.what !== undefined && !values.what.split(",").includes(String(what))) continue;
    // Such a request is given up, so what its Worker computes is not all counted.
    const isRow = what === "row" || what === "cold";
    for (const build of builds) build.times = noTimes();
    for (let round = 0; round <= Number(values.rounds); round++) {
      for (const build of builds) {
        if (what === "cold") {
          await build.worker.close();
          build.worker = await start(build.directory);
        }
        await time(build, round > 0, () =>
          isRow ? firstRow(build.worker, { model, what: 1 }, photo) : query(build.worker, { model, what }, photo),
        );
      }
    }
    const [before, after] = builds.map(({ times }) => medians(times));
    if (!before || !after) continue;
    const cell = ({ wall, cpu }: Medians) => `${wall.toFixed(0)} / ${isRow ? "-" : cpu.toFixed(0)}`;
    const [wall, cpu] = [after.wall / before.wall, after.cpu / before.cpu];
    console.log(
      `| ${model} | ${what} | ${cell(before)} | ${cell(after)} | ${wall.toFixed(2)} | ${isRow ? "-" : cpu.toFixed(2)} |`,
    );
  }
}
await Promise.all(builds.map(({ worker }) => worker.close()));

/** A Worker whose code has run, and which has loaded no model. */
async function start(directory: string): Promise<Workerd> {
  const worker = await startProduct(ASSETS, { ENGINE: "kernel" }, directory);
  await worker.request("/graphql?query=%7B__typename%7D", { headers: { "x-graphql-yoga-csrf": "1" } });
  return worker;
}

async function time({ worker, times }: Build, counts: boolean, work: () => Promise<unknown>): Promise<void> {
  const [begin, cpuBegin] = [performance.now(), await worker.cpuMs()];
  await work();
  if (!counts) return;
  times.wall.push(performance.now() - begin);
  times.cpu.push((await worker.cpuMs()) - cpuBegin);
}

function noTimes(): Times {
  return { wall: [], cpu: [] };
}

interface Medians {
  wall: number;
  cpu: number;
}
function medians({ wall, cpu }: Times): Medians {
  return { wall: quantile(wall, 0.5), cpu: quantile(cpu, 0.5) };
}
