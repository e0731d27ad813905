/** The bucket's models: `models/index.json` -> manifest -> files. What is read here is small; files.ts reads the big ones. */
import { UserError } from "../../errors.ts";
import { corrupt } from "./corrupt.ts";
import { BundleFiles } from "./files.ts";
import { type Manifest, type ModelIndex, parseManifest, parseModelIndex } from "./manifest.ts";

const INDEX_KEY = "models/index.json";
/** How long what was read is trusted: a newly published version is served after that, without a restart. */
export const CACHE_MS = 10_000;

export class ModelRepository {
  readonly #bucket: R2Bucket;
  readonly #cache = new Map<string, { value: unknown; readAt: number }>();

  constructor(bucket: R2Bucket) {
    this.#bucket = bucket;
  }

  /** @throws UserError MODEL_NOT_FOUND when the bucket has no index, MODEL_CORRUPT when it is not one. */
  async index(): Promise<ModelIndex> {
    const index = await this.#read(INDEX_KEY, parseModelIndex, (why) => {
      return new UserError("MODEL_CORRUPT", `The bucket's list of models is damaged (${why}): ${PUSH_AGAIN}`);
    });
    if (index) return index;
    throw new UserError("MODEL_NOT_FOUND", "The bucket has no models yet: publish one with `npm run models -- push`.");
  }

  /**
   * The manifest of a model's current version, of the default model's without an id.
   * @throws UserError MODEL_NOT_FOUND (the index has no such model, or its bundle is missing), MODEL_CORRUPT
   */
  async current(id?: string | null): Promise<Manifest> {
    const index = await this.index();
    const name = id ?? index.default;
    // Own keys only: a model may not be called what every object has.
    const entry = Object.hasOwn(index.models, name) ? index.models[name] : undefined;
    if (!entry)
      throw new UserError("MODEL_NOT_FOUND", `There is no model ${JSON.stringify(name)}: \`models\` lists them.`);
    return this.manifest(name, entry.version);
  }

  async manifest(id: string, version: string): Promise<Manifest> {
    const parse = (text: string) => {
      const manifest = parseManifest(text);
      if (manifest.id === id && manifest.version === version) return manifest;
      throw new Error(`it is of ${manifest.id} version ${manifest.version}`);
    };
    const manifest = await this.#read(`${folder(id, version)}/manifest.json`, parse, (why) =>
      corrupt({ id, version }, `manifest.json: ${why}`),
    );
    if (manifest) return manifest;
    throw new UserError("MODEL_NOT_FOUND", `Version ${version} of model ${id} is not in the bucket: ${PUSH_AGAIN}`);
  }

  /** @param onProgress called for every chunk that arrives */
  files(manifest: Manifest, onProgress?: () => void): BundleFiles {
    return new BundleFiles(this.#bucket, folder(manifest.id, manifest.version), manifest, onProgress);
  }

  /** Only what parsed is cached. Concurrent readers each read: an R2 body cannot be shared between requests. */
  async #read<T>(key: string, parse: (text: string) => T, damaged: (why: string) => Error): Promise<T | undefined> {
    const cached = this.#cache.get(key);
    if (cached && Date.now() - cached.readAt < CACHE_MS) return cached.value as T;
    this.#cache.delete(key);
    const object = await this.#bucket.get(key);
    if (!object) return undefined;
    const text = await object.text();
    let value: T;
    try {
      value = parse(text);
    } catch (error) {
      throw damaged(error instanceof Error ? error.message : String(error));
    }
    this.#cache.set(key, { value, readAt: Date.now() });
    return value;
  }
}

const PUSH_AGAIN = "publish it again with `npm run models -- push`.";

function folder(id: string, version: string): string {
  return `models/${id}/${version}`;
}
