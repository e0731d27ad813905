/**
 * `npx tsx bench/loss.ts --data FILE`: what the kernel's arithmetic costs on real pictures. Kernel and onnxruntime-web run
 * the same weights with every colour of the pictures forced, one position at a time through the caches, and the
 * distributions are compared. Makes its own Python environment on first use.
 */
import { createReadStream } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { openFolder } from "../bundles/folder.ts";
import { python } from "../lib/python.ts";
import { ROOT } from "../lib/root.ts";
import { userPath } from "../lib/user-path.ts";
import { BundleStore } from "../origin/bundles/store.ts";
import { readSafetensors } from "../src/model/bundle/safetensors.ts";
import { Kernel } from "../src/model/engines/kernel/kernel.ts";
import { PagePool } from "../src/model/engines/kernel/pages.ts";
import { startRuntime } from "../src/model/engines/ort/runtime.ts";
import { Difference, type Summary } from "./loss/difference.ts";
import { openLogitsGraph } from "./loss/graph.ts";
import { forceKernel } from "./loss/kernel.ts";
import { addPlaces, type Walk, walk } from "./loss/walk.ts";

const USAGE = `npx tsx bench/loss.ts --data FILE.zip [options]

  --data FILE      pictures, a zip or folder
  --pictures N     how many of them, drawn the same way each time; default 48
  --samples B      pictures that run at once, 1 to 32; default 8
  --builds LIST    of the kernel; default kernel-r16 (made by npm run build:kernel)
  --model ID       default: the default model of --dir
  --dir FOLDER     where the bundles are; default r2-assets
  --json FILE      where the figures go too`;

const { values } = parseArgs({
  options: {
    data: { type: "string" },
    pictures: { type: "string", default: "48" },
    samples: { type: "string", default: "8" },
    builds: { type: "string", default: "kernel-r16" },
    model: { type: "string" },
    dir: { type: "string", default: join(ROOT, "r2-assets") },
    json: { type: "string" },
  },
});
const [most, samples] = [Number(values.pictures), Number(values.samples)];
if (!values.data || !(most > 0) || !(samples > 0)) {
  console.error(USAGE);
  process.exit(2);
}

const directory = userPath(values.dir);
const bundles = new BundleStore((key) => openFolder(directory).get(key), directory, false);
const id = values.model ?? (await bundles.index())?.default;
const version = id === undefined ? undefined : await bundles.version(id);
if (id === undefined || version === undefined) {
  console.error(`${directory} has no model ${id ?? ""}: --dir names the folder, --model one of its models.`);
  process.exit(1);
}
const bundle = await bundles.open(id, version);
const shape = bundle.manifest.architecture;
const { positions } = shape;

const run = await python();
const work = await mkdtemp(join(tmpdir(), "igpt-edge-loss-"));
try {
  const source = userPath(values.data);
  const set = join(work, "set");
  const common = ["--bundle", bundle.directory, "--out"];
  await run("igpt.evaluate", ["tokens", "--data", source, ...common, set, "--most", values.pictures]);
  await run("igpt.logits_graph", [...common, join(work, "logits.onnx.gz")]);
  const file = await readFile(join(set, "tokens.bin"));
  const tokens = Int32Array.from(new Uint16Array(file.buffer, file.byteOffset, file.byteLength / 2));
  const count = tokens.length / positions;

  const weights = join(bundle.directory, "weights.safetensors");
  const weightsFile = await readFile(weights);
  const binary = createRequire(import.meta.url).resolve("onnxruntime-web/ort-wasm-simd-threaded.wasm");
  const runtime = await startRuntime(await WebAssembly.compile(await readFile(binary)));
  const graph = await openLogitsGraph(runtime, await readFile(join(work, "logits.onnx.gz")), weightsFile, shape);
  const kernels = await Promise.all(values.builds.split(",").map(openKernel));

  for (let first = 0; first < count; first += samples) {
    const steps = walkOf(Math.min(samples, count - first), first);
    const reference = await walk(graph.begin(), steps);
    for (const { kernel, pool, difference } of kernels) {
      addPlaces(difference, reference, await walk(forceKernel(kernel, shape, pool), steps), `${first} `);
    }
    console.error(`${Math.min(count, first + samples)} of ${count} pictures`);
  }
  const results = kernels.map(({ build, difference }) => ({ build, ...difference.summary() }));
  console.log(tableOf(results, count));
  if (values.json)
    await writeFile(userPath(values.json), JSON.stringify({ model: id, version, pictures: count, results }));

  async function openKernel(build: string) {
    const module = await WebAssembly.compile(await readFile(join(ROOT, `build/${build}.wasm`)));
    const kernel = new Kernel(module, shape);
    const { data } = await readSafetensors(createReadStream(weights), weightsFile.length);
    let offset = 0;
    for await (const chunk of data) {
      kernel.writeWeights(offset, chunk);
      offset += chunk.length;
    }
    kernel.prepare();
    return { build, kernel, pool: new PagePool(kernel.memory, kernel.layout), difference: new Difference() };
  }

  /** Some pictures from `first` on, side by side, from their first pixels to their last. */
  function walkOf(pictures: number, first: number): Walk {
    const picture = (n: number) => tokens.subarray(n * positions, (n + 1) * positions);
    return {
      given: new Int32Array(),
      forks: [{ at: 0, samples: Array.from({ length: pictures }, (_, b) => picture(first + b)) }],
    };
  }
} finally {
  await rm(work, { recursive: true });
}

function tableOf(results: readonly ({ build: string } & Summary)[], pictures: number): string {
  const lines = results.map(
    ({ build, referenceNats, nats, natsError, kl, differing, worst }) =>
      `${build.padEnd(18)} ${(referenceNats + nats).toFixed(5)}  ${signed(nats)} +- ${natsError.toFixed(5)}  ` +
      `KL ${kl.toExponential(1)}  ${(differing * 100).toFixed(1)}% of colours differ  worst ${worst.toFixed(2)}`,
  );
  const [one] = results;
  return [
    `${id} ${version}, ${pictures} pictures, ${one?.positions} positions; nats a pixel`,
    `${"onnxruntime-web".padEnd(18)} ${one?.referenceNats.toFixed(5)}`,
    ...lines,
  ].join("\n");
}

function signed(x: number): string {
  return (x < 0 ? "" : "+") + x.toFixed(5);
}
