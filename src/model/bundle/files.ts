/** The files of one bundle in R2, each checked against the manifest before its bytes count as the model's. */
import { createHash } from "node:crypto";
import type { ModelFiles } from "../engine-factory.ts";
import { chunksOf } from "./chunks.ts";
import { corrupt } from "./corrupt.ts";
import type { FileEntry, Manifest } from "./manifest.ts";
import { readSafetensors, SafetensorsError, type SafetensorsStream } from "./safetensors.ts";

export class BundleFiles implements ModelFiles {
  readonly #bucket: R2Bucket;
  readonly #folder: string;
  readonly #manifest: Manifest;
  readonly #onProgress: (() => void) | undefined;
  /** Streams that were begun and have not been read to their verified end. */
  readonly #unverified = new Set<string>();

  constructor(bucket: R2Bucket, folder: string, manifest: Manifest, onProgress?: () => void) {
    this.#bucket = bucket;
    this.#folder = folder;
    this.#manifest = manifest;
    this.#onProgress = onProgress;
  }

  async bytes(name: string): Promise<Uint8Array<ArrayBuffer>> {
    const { bytes: length } = this.#entry(name);
    const whole = new Uint8Array(length);
    let at = 0;
    for await (const chunk of this.#verified(name)) {
      whole.set(chunk, at);
      at += chunk.length;
    }
    return whole;
  }

  async safetensors(name: string): Promise<SafetensorsStream> {
    const { bytes: length } = this.#entry(name);
    try {
      return await readSafetensors(this.#verified(name), length);
    } catch (error) {
      throw error instanceof SafetensorsError ? corrupt(this.#manifest, `${name}: ${error.message}`) : error;
    }
  }

  /** The last check before an engine is handed out. @throws Error when an engine left a stream before its end. */
  assertAllVerified(): void {
    if (this.#unverified.size > 0) throw new Error(`not read to the end: ${[...this.#unverified].join(", ")}`);
  }

  /** A file's bytes; throws MODEL_CORRUPT in place of its end when they are not what the manifest says. */
  async *#verified(name: string): AsyncGenerator<Uint8Array> {
    const { bytes: length, sha256 } = this.#entry(name);
    this.#unverified.add(name);
    const object = await this.#bucket.get(`${this.#folder}/${name}`);
    if (!object) throw corrupt(this.#manifest, `${name} is missing`);
    if (object.size !== length) {
      await object.body.cancel();
      throw corrupt(this.#manifest, `${name} has ${object.size} bytes instead of ${length}`);
    }
    const hash = createHash("sha256");
    for await (const chunk of chunksOf(object.body)) {
      this.#onProgress?.();
      hash.update(chunk);
      yield chunk;
    }
    if (hash.digest("hex") !== sha256) throw corrupt(this.#manifest, `the SHA-256 of ${name} differs`);
    this.#unverified.delete(name);
  }

  #entry(name: string): FileEntry {
    const entry = Object.hasOwn(this.#manifest.files, name) ? this.#manifest.files[name] : undefined;
    if (!entry) throw corrupt(this.#manifest, `the manifest names no ${name}`);
    return entry;
  }
}
