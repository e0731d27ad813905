import { type ModelIndex, parseModelIndex, RESOLUTIONS } from "../src/model/bundle/manifest.ts";
import type { Bucket } from "./bucket.ts";
import { checkBundle, INDEX_KEY, type Read } from "./bundle.ts";

export async function readIndex(read: Read): Promise<ModelIndex | null> {
  const text = await read(INDEX_KEY);
  return text && parseModelIndex(text.toString());
}

export interface Published {
  id: string;
  version: string;
  /** False: the bucket had this version already. */
  uploaded: boolean;
}

/** What is about to be done to a bucket. */
export interface Change {
  bundles: readonly Published[];
  /** Null: the bucket has no models yet. */
  current: ModelIndex | null;
  next: ModelIndex;
}

export interface PublishOptions {
  /** The one model to publish; default all. */
  only?: string | undefined;
  /** The model that is the bucket's default afterwards; default: the one that it has, or the source's in an empty bucket. */
  makeDefault?: string | undefined;
  /** Is told once everything is checked, before the first write. */
  before?: (change: Change) => void;
}

/**
 * Publishes every current version of a source (r2-assets) to a bucket. Files first, the index last: a Worker sees the
 * old state or the new one, never a mixture. Versions that the bucket has besides stay, for `rollback`, and so does its default
 * model unless another is named: whoever asks for no model in particular would get another one, at another cost.
 * @throws Error before anything is written when a bundle's checks fail, or when a version exists with other content.
 */
export async function publish(
  source: Read,
  bucket: Bucket,
  { only, makeDefault, before }: PublishOptions = {},
): Promise<Published[]> {
  const index = await readIndex(source);
  if (!index) throw new Error(`There is no ${INDEX_KEY} to publish from.`);
  const entries = Object.entries(index.models).filter(([id]) => only === undefined || id === only);
  if (entries.length === 0)
    throw new Error(`${INDEX_KEY} names no model ${only}. It names: ${Object.keys(index.models).join(", ")}.`);

  const bundles = [];
  for (const [id, { version }] of entries) {
    const bundle = await checkBundle(source, id, version);
    const { resolution } = bundle.manifest.architecture;
    if (!(RESOLUTIONS as readonly number[]).includes(resolution)) {
      throw new Error(
        `${id} version ${version} is for pictures of ${resolution}x${resolution}. The Worker serves ${RESOLUTIONS.map((side) => `${side}x${side}`).join(", ")}.`,
      );
    }
    const [manifestKey, manifest] = bundle.objects[bundle.objects.length - 1] ?? [];
    const published = manifestKey ? await bucket.get(manifestKey) : null;
    if (published && !(manifest && published.equals(manifest))) {
      throw new Error(
        `${id} version ${version} is published with other content. A version never changes: publish the next one.`,
      );
    }
    bundles.push({ id, version, objects: bundle.objects, uploaded: !published });
  }
  const current = await readIndex((key) => bucket.get(key));
  const next = mergeIndex(current, index, bundles, makeDefault);
  before?.({ bundles, current, next });
  for (const { objects, uploaded } of bundles) {
    // The manifest comes last, so a version whose manifest is there is there in full.
    if (uploaded) for (const [key, bytes] of objects) await bucket.put(key, bytes);
  }
  if (JSON.stringify(next) !== JSON.stringify(current))
    await bucket.put(INDEX_KEY, Buffer.from(`${JSON.stringify(next, null, 2)}\n`));
  return bundles.map(({ id, version, uploaded }) => ({ id, version, uploaded }));
}

function mergeIndex(
  current: ModelIndex | null,
  source: ModelIndex,
  bundles: { id: string; version: string }[],
  makeDefault: string | undefined,
): ModelIndex {
  const models = { ...current?.models };
  for (const { id, version } of bundles) {
    const versions = new Set([...(models[id]?.versions ?? []), version]);
    models[id] = { version, versions: [...versions].sort((a, b) => Number(a) - Number(b)) };
  }
  if (makeDefault !== undefined && !(makeDefault in models)) {
    throw new Error(
      `There is no model ${makeDefault} to be the default. There are: ${Object.keys(models).join(", ")}.`,
    );
  }
  const first = source.default in models ? source.default : (bundles[0]?.id ?? source.default);
  return { format: 1, default: makeDefault ?? current?.default ?? first, models };
}

/**
 * Makes an earlier version the current one again; the newest before the current one if none is named.
 * @param before is told once everything is checked, before the index is written
 * @returns the version that is current now.
 */
export async function rollback(
  bucket: Bucket,
  id: string,
  to?: string,
  before?: (change: { from: string; to: string; isDefault: boolean }) => void,
): Promise<string> {
  const read: Read = (key) => bucket.get(key);
  const index = await readIndex(read);
  const entry = index?.models[id];
  if (!index || !entry)
    throw new Error(`The bucket has no model ${id}. It has: ${Object.keys(index?.models ?? {}).join(", ") || "none"}.`);
  const earlier = entry.versions.filter((version) => Number(version) < Number(entry.version));
  const version = to ?? earlier[earlier.length - 1];
  if (version === undefined || !entry.versions.includes(version)) {
    throw new Error(`${id} has no version ${to ?? `before ${entry.version}`}. It has: ${entry.versions.join(", ")}.`);
  }
  await checkBundle(read, id, version);
  before?.({ from: entry.version, to: version, isDefault: index.default === id });
  const next: ModelIndex = { ...index, models: { ...index.models, [id]: { ...entry, version } } };
  await bucket.put(INDEX_KEY, Buffer.from(`${JSON.stringify(next, null, 2)}\n`));
  return version;
}
