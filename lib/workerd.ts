/** A Worker in a workerd of its own through Miniflare, watched from outside: its clock stands still while it computes. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { Miniflare } from "miniflare";
import { unstable_readConfig } from "wrangler";
import { openFolder } from "../bundles/folder.ts";
import { publish } from "../bundles/publish.ts";
import { openInspector } from "./inspector.ts";
import { ASSETS, ROOT } from "./root.ts";

export type Modules = Record<string, { type: "esm" | "wasm" | "text"; contents: string | Uint8Array<ArrayBuffer> }>;

export interface WorkerdOptions {
  modules: Modules;
  /** Override wrangler.toml's. */
  vars?: Record<string, string>;
}

export type Workerd = Awaited<ReturnType<typeof startWorkerd>>;

const NAME = "igpt-edge";
const BUCKET = "models";
const MAIN = "worker.js";

/** Starts a Worker under wrangler.toml's date, flags and variables, with an empty bucket as `BUCKET` and nothing else. */
export async function startWorkerd({ modules, vars = {} }: WorkerdOptions) {
  const config = unstable_readConfig({ config: join(ROOT, "wrangler.toml") });
  const before = await workerds();
  const variables = Object.entries({ ...config.vars, ...vars });
  const miniflare = new Miniflare({
    inspectorPort: 0,
    // The Worker's log has a line for each request.
    handleStructuredLogs: () => {},
    workers: [
      {
        config: {
          name: NAME,
          compatibilityDate: config.compatibility_date ?? "",
          compatibilityFlags: config.compatibility_flags,
          manifest: { mainModule: MAIN, modulesRoot: "/", modules },
          env: {
            BUCKET: { type: "r2", name: BUCKET },
            ...Object.fromEntries(variables.map(([name, value]) => [name, { type: "json", value: String(value) }])),
          },
        },
      },
    ],
  });
  const url = await miniflare.ready;
  const bindings = await miniflare.getBindings<{ BUCKET: R2Bucket }>(NAME);
  const pid = (await workerds()).find((found) => !before.includes(found));
  const inspect = await openInspector(await miniflare.getInspectorURL(), NAME);

  const put = async (key: string, bytes: Uint8Array) => void (await bindings.BUCKET.put(key, bytes));

  return {
    bucket: bindings.BUCKET,
    /** Puts the models of a folder laid out like r2-assets into the bucket. */
    publish: (folder = ASSETS) =>
      publish((key) => openFolder(folder).get(key), { get: async () => null, put, close: async () => {} }),
    /** @throws Error with the answer's text where it is not 2xx */
    async request(path: string, init?: RequestInit): Promise<Response> {
      const response = await fetch(new URL(path, url), init);
      if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
      return response;
    },
    /** CPU time of the whole process so far, in milliseconds; NaN where there is no /proc. */
    cpuMs: () => (pid === undefined ? Promise.resolve(Number.NaN) : cpuMs(pid)),
    /** After a collection. */
    heap: inspect,
    close: () => miniflare.dispose(),
  };
}

/** The Worker as it is deployed, file by file. */
export async function builtModules(directory: string): Promise<Modules> {
  const modules: Modules = {};
  for (const name of await readdir(directory)) {
    const contents = await readFile(join(directory, name));
    if (name.endsWith(".js")) modules[name] = { type: "esm", contents: contents.toString() };
    if (name.endsWith(".wasm")) modules[name] = { type: "wasm", contents: new Uint8Array(contents) };
    if (name.endsWith(".graphql")) modules[name] = { type: "text", contents: contents.toString() };
  }
  return modules;
}

/** This process's children that are workerd; none where there is no /proc. */
async function workerds(): Promise<string[]> {
  const pids = (await readdir("/proc").catch(() => [])).filter((name) => /^\d+$/.test(name));
  const found: string[] = [];
  for (const pid of pids) {
    const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
    const [, name, parent] = /^\d+ \((.*)\) \S+ (\d+)/.exec(stat) ?? [];
    if (name === "workerd" && parent === String(process.pid)) found.push(pid);
  }
  return found;
}

/** Sum over the threads: proc(5), schedstat's first number is nanoseconds on the CPU. */
async function cpuMs(pid: string): Promise<number> {
  let total = 0;
  for (const task of await readdir(`/proc/${pid}/task`)) {
    const text = await readFile(`/proc/${pid}/task/${task}/schedstat`, "utf8").catch(() => "0");
    total += Number(text.split(" ")[0]) / 1e6;
  }
  return total;
}
