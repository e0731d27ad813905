/** One measurement in a process of its own, so that heaps and caches are its own too: prints a Measurement as JSON. */
import { join } from "node:path";
import { WEIGHTS_PATH } from "./bundle.ts";
import { local, type Measurement, measure, type Task } from "./measure.ts";
import { loadOrtNode } from "./peers/ort-node.ts";
import { runtimeOf } from "./plan.ts";
import { graphFor, startSubjectWorker } from "./workerd/subject.ts";
import type { WorkerEngine } from "./workerd/subject-worker.ts";

const [engine = "", models = "", json = "{}"] = process.argv.slice(2);
const task = JSON.parse(json) as Task;

async function inWorkerd(name: WorkerEngine): Promise<Measurement> {
  const worker = await startSubjectWorker(models, await graphFor(name, task));
  try {
    return await measure(() => worker.load(name, task), task);
  } finally {
    await worker.close();
  }
}

async function inNode(): Promise<Measurement> {
  const precision = engine === "ort-node-fp32" ? "fp32" : "int8";
  const load = async () => local(await loadOrtNode(task, join(models, WEIGHTS_PATH), precision));
  return measure(load, task);
}

const measured = await (runtimeOf(engine) === "workerd" ? inWorkerd(engine as WorkerEngine) : inNode());
process.stdout.write(JSON.stringify(measured));
process.exit(0);
