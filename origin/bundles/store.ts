/** Bundles that the origin serves, each checked against its manifest, as folders that engines can read. */
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { checkBundle, type Read } from "../../bundles/bundle.ts";
import { readIndex } from "../../bundles/publish.ts";
import type { Manifest, ModelIndex } from "../../src/model/bundle/manifest.ts";

export interface Bundle {
  manifest: Manifest;
  /** Holds the manifest's files. */
  directory: string;
}

/** How long the index is trusted: a version published meanwhile is served after that. */
const INDEX_MS = 10_000;

export class BundleStore {
  readonly #read: Read;
  readonly #directory: string;
  readonly #mirrored: boolean;
  readonly #bundles = new Map<string, Promise<Bundle>>();
  #index: { value: ModelIndex | null; readAt: number } | undefined;

  /**
   * @param directory where the bundles lie; with `mirrored` it is a cache that is filled from `read`
   */
  constructor(read: Read, directory: string, mirrored: boolean) {
    this.#read = read;
    this.#directory = directory;
    this.#mirrored = mirrored;
  }

  async index(): Promise<ModelIndex | null> {
    if (!this.#index || Date.now() - this.#index.readAt > INDEX_MS) {
      this.#index = { value: await readIndex(this.#read), readAt: Date.now() };
    }
    return this.#index.value;
  }

  /** The version that the index calls current, unless one is given; undefined when it has no such model or version. */
  async version(id: string, version?: string): Promise<string | undefined> {
    const index = await this.index();
    const entry = index && Object.hasOwn(index.models, id) ? index.models[id] : undefined;
    if (version === undefined) return entry?.version;
    return entry?.versions.includes(version) ? version : undefined;
  }

  /** Reads and checks a bundle once; a failure is not kept. @throws Error that says what is missing or differs. */
  open(id: string, version: string): Promise<Bundle> {
    const key = `${id}/${version}`;
    let bundle = this.#bundles.get(key);
    if (!bundle) {
      bundle = this.#open(id, version);
      this.#bundles.set(key, bundle);
      bundle.catch(() => this.#bundles.delete(key));
    }
    return bundle;
  }

  async #open(id: string, version: string): Promise<Bundle> {
    const { manifest, objects } = await checkBundle(this.#read, id, version);
    const directory = join(this.#directory, "models", id, version);
    if (this.#mirrored) await mirror(directory, objects);
    return { manifest, directory };
  }
}

/** Written beside and renamed: a folder that is there is whole. */
async function mirror(directory: string, objects: [key: string, bytes: Buffer][]): Promise<void> {
  const partial = `${directory}.${process.pid}.partial`;
  await mkdir(partial, { recursive: true });
  for (const [key, bytes] of objects) await writeFile(join(partial, key.slice(key.lastIndexOf("/") + 1)), bytes);
  await rm(directory, { recursive: true, force: true });
  await rename(partial, directory);
}
