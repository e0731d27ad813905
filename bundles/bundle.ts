import { createHash } from "node:crypto";
import { type Manifest, parseManifest } from "../src/model/bundle/manifest.ts";

export const INDEX_KEY = "models/index.json";

/** Where a bundle lies, in the bucket and under r2-assets alike. */
export const bundlePrefix = (id: string, version: string) => `models/${id}/${version}/`;

/** Reads one object of wherever bundles lie; null if it isn't there. */
export type Read = (key: string) => Promise<Buffer | null>;

/** A bundle that was read and checked. */
export interface CheckedBundle {
  manifest: Manifest;
  /** All of its files by their key in the bucket, the manifest last. */
  objects: [key: string, bytes: Buffer][];
}

/** Reads a bundle whole. @throws Error that says what is missing or differs. */
export async function checkBundle(read: Read, id: string, version: string): Promise<CheckedBundle> {
  const prefix = bundlePrefix(id, version);
  const text = await read(`${prefix}manifest.json`);
  if (!text) throw new Error(`${prefix}manifest.json is missing.`);
  const manifest = parseManifest(text.toString());
  if (manifest.id !== id || manifest.version !== version) {
    throw new Error(`${prefix}manifest.json is of ${manifest.id} version ${manifest.version}.`);
  }
  const objects: CheckedBundle["objects"] = [];
  for (const [name, { bytes: length, sha256 }] of Object.entries(manifest.files)) {
    const bytes = await read(prefix + name);
    if (!bytes) throw new Error(`${prefix}${name} is missing.`);
    if (bytes.length !== length)
      throw new Error(`${prefix}${name} has ${bytes.length} bytes, its manifest says ${length}.`);
    const hash = createHash("sha256").update(bytes).digest("hex");
    if (hash !== sha256) throw new Error(`${prefix}${name} has SHA-256 ${hash}, its manifest says ${sha256}.`);
    objects.push([prefix + name, bytes]);
  }
  objects.push([`${prefix}manifest.json`, text]);
  return { manifest, objects };
}
