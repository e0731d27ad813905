/**
 * `npx tsx scripts/measure-memory.ts [kernel|onnx] [PHOTO] [MODELS]`: what the Worker's isolate holds in workerd while the default
 * model of MODELS completes PHOTO: the JS heap and array buffers by V8's own count after a collection, which leaves WASM memories
 * out, and the engine's memory by its plan, which tests hold it to. docs/memory.md quotes it.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { buildWorker as build, WORKER_DIRECTORY } from "../lib/build-worker.ts";
import { ROOT } from "../lib/root.ts";
import { builtModules, startWorkerd } from "../lib/workerd.ts";
import { parseManifest, parseModelIndex } from "../src/model/bundle/manifest.ts";
import { factory as kernel } from "../src/model/engines/kernel/factory.ts";
import { factory as onnx } from "../src/model/engines/ort/factory.ts";

const [engine = "kernel", photo = join(ROOT, "test/fixtures/phone.jpg"), models = join(ROOT, "r2-assets")] =
  process.argv.slice(2);

/** What requests wait for: src/services.ts has the same number. */
const BUDGET_BYTES = 103 * 2 ** 20;

const index = parseModelIndex(await readFile(join(models, "models/index.json"), "utf8"));
const folder = join(models, "models", index.default, index.models[index.default]?.version ?? "");
const manifest = parseManifest(await readFile(join(folder, "manifest.json"), "utf8"));
const { resolution: side } = manifest.architecture;
const plan = (engine === "onnx" ? onnx : kernel).plan(manifest);
console.log(`${manifest.id} version ${manifest.version}, pictures of ${side}x${side}, on ${engine}`);

await build();
const worker = await startWorkerd({
  modules: await builtModules(WORKER_DIRECTORY),
  vars: { ENGINE: engine, ANONYMOUS_SCOPES: "COMPLETE", FLOOD_GUARD: "off" },
});
try {
  await worker.publish(models);
  const base64 = (await readFile(photo)).toString("base64");
  const mib = (bytes: number) => (bytes / 2 ** 20).toFixed(1);
  const rows: Record<string, string>[] = [];
  const report = async (after: string, engineBytes: number) => {
    const { heap, buffers } = await worker.heap();
    const columns = { "JS heap, MiB": heap, "array buffers, MiB": buffers, "engine at most, MiB": engineBytes };
    const all = mib(heap + buffers + engineBytes);
    rows.push({ after, ...Object.fromEntries(Object.entries(columns).map(([k, v]) => [k, mib(v)])), "all, MiB": all });
  };

  const complete = async (samples: number, keepRows: number) => {
    const query = `query ($image: ImageInput!) {
      complete(image: $image, samples: ${samples}, options: { keepRows: ${keepRows} }) { samples { nllPerPixel } } }`;
    const response = await worker.request("/graphql", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ query, variables: { image: { base64 } } }),
    });
    const { errors } = (await response.json()) as { errors?: { message: string }[] };
    if (errors) throw new Error(errors[0]?.message);
  };
  await worker.request("/readyz");
  await report("start", 0);
  const completions = [
    [1, side / 2],
    [4, side / 2],
    [8, side / 2],
    [4, 0],
  ] as const;
  for (const [samples, keepRows] of completions) {
    await complete(samples, keepRows).then(
      () =>
        report(
          `${side - keepRows} rows, ${samples} samples`,
          plan.residentBytes + plan.requestBytes(samples, keepRows * side),
        ),
      (error) => console.error(`${samples} samples: ${error.message}`),
    );
  }
  await Promise.allSettled(Array.from({ length: 4 }, () => complete(4, side / 2)));
  const four = plan.residentBytes + 4 * plan.requestBytes(4, side ** 2 / 2);
  await report("4 requests of 4 samples at once", Math.min(BUDGET_BYTES, four));
  console.table(rows);
} finally {
  await worker.close();
}
process.exit();
