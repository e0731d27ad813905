/**
 * `npx tsx scripts/measure-memory.ts [kernel|onnx] [PHOTO] [MODELS]`: what the Worker's isolate holds in workerd beside its WASM
 * memories, by V8's own count after a collection: the JS heap, and array buffers. (V8 leaves WASM memories out of that;
 * engines know the size of theirs.) docs/memory.md quotes it.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import build, { WORKER_DIRECTORY } from "../test/global-setup.ts";
import { ROOT } from "./lib/root.ts";
import { builtModules, startWorkerd } from "./lib/workerd.ts";

const [engine = "kernel", photo = join(ROOT, "test/fixtures/phone.jpg"), models = join(ROOT, "r2-assets")] =
  process.argv.slice(2);

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
  const report = async (after: string) => {
    const { heap, buffers } = await worker.heap();
    rows.push({ after, "JS heap, MiB": mib(heap), "array buffers, MiB": mib(buffers) });
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
  await report("start");
  const completions = [
    [1, 16],
    [4, 16],
    [8, 16],
    [4, 0],
  ] as const;
  for (const [samples, keepRows] of completions) {
    await complete(samples, keepRows).then(
      () => report(`${32 - keepRows} rows, ${samples} samples`),
      (error) => console.error(`${samples} samples: ${error.message}`),
    );
  }
  await Promise.allSettled(Array.from({ length: 4 }, () => complete(4, 16)));
  await report("4 requests of 4 samples at once");
  console.table(rows);
} finally {
  await worker.close();
}
process.exit();
