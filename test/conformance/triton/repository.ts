/** What the server is to serve in the tests, written by `export-triton`, and what the Worker beside it has in its bucket. */
import { cp, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { openFolder } from "../../../bundles/folder.ts";
import { ROOT } from "../../../lib/root.ts";
import { exportTriton } from "../../../scripts/export-triton.ts";

/** The name that another model goes by at the server: the Worker's bucket has the real one. */
export const MISFIT = "igpt-base";
/** A model of 64x64 pictures beside the small one. */
export const LARGE = "large";
/** Keys and values that the other model may have: those of 60 positions, float32, and no more. 3 layers of width 48. */
const MISFIT_CACHE_BYTES = 2 * 3 * 48 * 60 * 4;

const GOLDEN = ["half", LARGE];

export interface Folders {
  /** For tritonserver. */
  repository: string;
  /** Laid out like the bucket: igpt-small, igpt-base, `large`, and `half`, which only an origin runs. */
  bucket: string;
}

/** @param folder an empty one */
export async function writeRepository(folder: string): Promise<Folders> {
  const bucket = join(folder, "bucket");
  await cp(join(ROOT, "r2-assets"), bucket, { recursive: true });
  for (const golden of GOLDEN) {
    await cp(join(ROOT, "test/golden", golden), join(bucket, `models/${golden}/1`), { recursive: true });
  }
  await writeIndex(bucket, ["igpt-small", "igpt-base", ...GOLDEN]);

  const served = join(folder, "served");
  const same = ["igpt-small", ...GOLDEN];
  for (const id of same) await cp(join(bucket, "models", id), join(served, "models", id), { recursive: true });
  // In the version that the Worker has, or it would ask for one that is not there.
  const version = await versionIn(bucket, MISFIT);
  const misfit = join(served, "models", MISFIT, version);
  await cp(join(ROOT, "test/golden/biased"), misfit, { recursive: true });
  await change(join(misfit, "manifest.json"), (text) =>
    text.replace('"biased"', `"${MISFIT}"`).replace('"version": "1"', `"version": "${version}"`),
  );
  await writeIndex(served, [...same, MISFIT]);
  // Read and embedded with by an origin alone, as all models of half precision are: the Worker does not look at the weights.
  const manifest = join(bucket, `models/${LARGE}/1/manifest.json`);
  await change(manifest, (text) => text.replace('"precision": "int8"', '"precision": "fp16"'));
  await exportTriton((key) => openFolder(served).get(key), openFolder(folder), { device: "cpu" });
  const repository = join(folder, "triton");
  await change(
    join(repository, MISFIT, "config.pbtxt"),
    (text) => `${text}parameters { key: "cache_bytes" value { string_value: "${MISFIT_CACHE_BYTES}" } }\n`,
  );
  return { repository, bucket };
}

/** Each in the one version that lies there. */
async function writeIndex(folder: string, ids: readonly string[]): Promise<void> {
  const entries = ids.map(async (id) => {
    const version = await versionIn(folder, id);
    return [id, { version, versions: [version] }] as const;
  });
  const models = Object.fromEntries(await Promise.all(entries));
  await writeFile(join(folder, "models/index.json"), JSON.stringify({ format: 1, default: ids[0], models }));
}

/** @throws Error unless there is one */
export async function versionIn(folder: string, id: string): Promise<string> {
  const versions = (await readdir(join(folder, "models", id), { withFileTypes: true })).filter((entry) =>
    entry.isDirectory(),
  );
  const [version] = versions;
  if (!version || versions.length > 1) throw new Error(`${versions.length} versions of ${id} in ${folder}`);
  return version.name;
}

async function change(path: string, edit: (text: string) => string): Promise<void> {
  await writeFile(path, edit(await readFile(path, "utf8")));
}
