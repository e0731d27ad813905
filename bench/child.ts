/** One measurement in a process of its own, so that heaps and caches are its own too: prints a Measurement as JSON. */
import { measure, type Subject, type Task } from "./measure.ts";
import { loadKernel } from "./peers/kernel.ts";
import { loadOrtNode } from "./peers/ort-node.ts";
import { loadOrtWeb } from "./peers/ort-web.ts";

const [engine = "", weights = "", json = "{}"] = process.argv.slice(2);
const task = JSON.parse(json) as Task;
const loaders: Record<string, () => Promise<Subject>> = {
  kernel: () => loadKernel(task, weights),
  "ort-web-fp32": () => loadOrtWeb(task, weights, "fp32", "rows"),
  "ort-web-int8": () => loadOrtWeb(task, weights, "int8", "rows"),
  "ort-web-stepwise": () => loadOrtWeb(task, weights, "fp32", "stepwise"),
  "full-forward": () => loadOrtWeb(task, weights, "fp32", "full-forward"),
  "ort-node-fp32": () => loadOrtNode(task, weights, "fp32"),
  "ort-node-int8": () => loadOrtNode(task, weights, "int8"),
};
const load = loaders[engine];
if (!load) throw new Error(`no engine ${engine}`);
process.stdout.write(JSON.stringify(await measure(load, task)));
process.exit(0);
