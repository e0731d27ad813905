/**
 * `npx tsx scripts/measure-memory.ts [kernel|onnx] [PHOTO] [MODELS]`: what the Worker's isolate holds in workerd beside its WASM
 * memories, by V8's own count after a collection: the JS heap, and array buffers. (V8 leaves WASM memories out of that;
 * engines know the size of theirs.) docs/memory.md quotes it.
 */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { Miniflare } from "miniflare";
import { unstable_readConfig } from "wrangler";
import build, { WORKER_DIRECTORY } from "../test/global-setup.ts";
import { ROOT } from "./lib/root.ts";
import { openFolder } from "./models/folder.ts";
import { publish } from "./models/publish.ts";

const [engine = "kernel", photo = join(ROOT, "test/fixtures/phone.jpg"), models = join(ROOT, "r2-assets")] =
  process.argv.slice(2);
const NAME = "igpt-edge";
const text = (value: string) => ({ type: "json" as const, value });
const {
  vars,
  compatibility_date = "",
  compatibility_flags,
} = unstable_readConfig({ config: join(ROOT, "wrangler.toml") });
const variables = Object.entries({ ...vars, ENGINE: engine, ANONYMOUS_SCOPES: "COMPLETE", FLOOD_GUARD: "off" });

await build();
const miniflare = new Miniflare({
  inspectorPort: 0,
  workers: [
    {
      config: {
        name: NAME,
        compatibilityDate: compatibility_date,
        compatibilityFlags: compatibility_flags,
        manifest: { mainModule: "worker.js", modulesRoot: "/", modules: await builtModules() },
        env: {
          BUCKET: { type: "r2", name: "models" },
          ...Object.fromEntries(variables.map(([name, value]) => [name, text(String(value))])),
        },
      },
    },
  ],
});
try {
  const url = await miniflare.ready;
  const { BUCKET } = await miniflare.getBindings<{ BUCKET: R2Bucket }>(NAME);
  await publish((key) => openFolder(models).get(key), {
    get: async () => null,
    put: async (key, bytes) => void (await BUCKET.put(key, bytes)),
    close: async () => {},
  });
  const base64 = (await readFile(photo)).toString("base64");
  const inspect = await openInspector(await miniflare.getInspectorURL());
  const rows: Record<string, string>[] = [];
  const report = async (after: string) => rows.push({ after, ...(await inspect()) });

  const complete = async (samples: number, keepRows: number) => {
    const query = `query ($image: ImageInput!) {
      complete(image: $image, samples: ${samples}, options: { keepRows: ${keepRows} }) { samples { nllPerPixel } } }`;
    const response = await fetch(new URL("/graphql", url), {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ query, variables: { image: { base64 } } }),
    });
    const { errors } = (await response.json()) as { errors?: { message: string }[] };
    if (errors) throw new Error(errors[0]?.message);
  };
  await fetch(new URL("/readyz", url));
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
  await miniflare.dispose();
}
process.exit();

/** The Worker as it is deployed, file by file. */
async function builtModules() {
  const modules: Record<string, { type: "esm" | "wasm" | "text"; contents: string | Uint8Array<ArrayBuffer> }> = {};
  for (const name of await readdir(WORKER_DIRECTORY)) {
    const contents = await readFile(join(WORKER_DIRECTORY, name));
    if (name.endsWith(".js")) modules[name] = { type: "esm", contents: contents.toString() };
    if (name.endsWith(".wasm")) modules[name] = { type: "wasm", contents: new Uint8Array(contents) };
    if (name.endsWith(".graphql")) modules[name] = { type: "text", contents: contents.toString() };
  }
  return modules;
}

/** Asks V8 over the inspector's protocol. */
async function openInspector(base: URL): Promise<() => Promise<Record<string, string>>> {
  const socket = new WebSocket(new URL(`/core:user:${NAME}`, base));
  await new Promise((resolve) => {
    socket.onopen = resolve;
  });
  let id = 0;
  const send = (method: string) => socket.send(JSON.stringify({ id: ++id, method }));
  return async () => {
    send("HeapProfiler.enable");
    send("HeapProfiler.collectGarbage");
    // Freed buffers are counted out when their finalisers have run.
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    send("Runtime.getHeapUsage");
    const mine = id;
    const usage = await new Promise<Record<string, number>>((resolve) => {
      socket.addEventListener("message", ({ data }) => {
        const message = JSON.parse(String(data)) as { id?: number; result: Record<string, number> };
        if (message.id === mine) resolve(message.result);
      });
    });
    const { usedSize = 0, embedderHeapUsedSize = 0, backingStorageSize = 0 } = usage;
    const mib = (bytes: number) => (bytes / 2 ** 20).toFixed(1);
    return { "JS heap, MiB": mib(usedSize + embedderHeapUsedSize), "array buffers, MiB": mib(backingStorageSize) };
  };
}
