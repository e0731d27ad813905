/** What a bundle says of itself: `models/index.json` and `models/{id}/{version}/manifest.json`, parsed and checked. */
import * as v from "valibot";
import type { ModelShape } from "../engine.ts";

/** Pixels a side that a model's pictures may have. */
export const RESOLUTIONS = [32, 48, 64] as const;

const count = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(2 ** 31 - 1));
const byte = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(255));
const modelId = v.pipe(v.string(), v.regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/));
const modelVersion = v.pipe(v.string(), v.regex(/^[1-9][0-9]{0,8}$/));
const fileName = v.pipe(v.string(), v.regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/));

const fileEntry = v.object({
  bytes: count,
  sha256: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
});

const architecture = v.pipe(
  v.object({
    layers: count,
    width: count,
    heads: count,
    positions: count,
    colors: count,
    resolution: count,
    bias: v.optional(v.boolean(), false),
  }),
  v.check((a) => a.width % a.heads === 0, "width is not a multiple of heads"),
  v.check((a) => a.positions === a.resolution ** 2, "positions is not resolution squared"),
);

/** What was found to look best: above 0, and top-p up to 1. */
const sampling = v.object({
  temperature: v.pipe(v.number(), v.gtValue(0), v.finite()),
  topP: v.pipe(v.number(), v.gtValue(0), v.maxValue(1)),
});

const manifestSchema = v.pipe(
  v.object({
    format: v.literal(1),
    id: modelId,
    version: modelVersion,
    createdAt: v.optional(v.string()),
    architecture,
    precision: v.picklist(["int8", "fp16"]),
    parameters: count,
    embeddingLayer: v.pipe(v.number(), v.integer(), v.minValue(0)),
    palette: v.array(v.strictTuple([byte, byte, byte])),
    files: v.record(fileName, fileEntry),
    sampling: v.optional(sampling),
    metrics: v.optional(v.record(v.string(), v.unknown()), {}),
  }),
  v.check((m) => m.palette.length === m.architecture.colors, "the palette has another size than architecture.colors"),
  v.check((m) => m.embeddingLayer <= m.architecture.layers, "embeddingLayer is above architecture.layers"),
  v.check((m) => WEIGHTS_FILE in m.files, "files has no weights.safetensors"),
);

const indexSchema = v.pipe(
  v.object({
    format: v.literal(1),
    default: modelId,
    models: v.record(modelId, v.object({ version: modelVersion, versions: v.array(modelVersion) })),
  }),
  v.check((i) => Object.hasOwn(i.models, i.default), "the default model is not among the models"),
);

/** The one copy of the weights in every bundle. */
export const WEIGHTS_FILE = "weights.safetensors";

/** A file of a bundle: its length in bytes and its SHA-256 in lower-case hex. */
export type FileEntry = v.InferOutput<typeof fileEntry>;
/** An engine's view of a model plus what only a bundle knows (`resolution`, `bias`). */
export type Architecture = ModelShape & { resolution: number; bias: boolean };
export type Manifest = v.InferOutput<typeof manifestSchema>;
export type ModelIndex = v.InferOutput<typeof indexSchema>;

/** Parses `manifest.json`; unknown fields are ignored. @throws Error that names the first field that is wrong. */
export function parseManifest(text: string): Manifest {
  return parse(manifestSchema, text);
}

/** Parses `models/index.json`; unknown fields are ignored. @throws Error that names the first field that is wrong. */
export function parseModelIndex(text: string): ModelIndex {
  return parse(indexSchema, text);
}

function parse<S extends v.GenericSchema>(schema: S, text: string): v.InferOutput<S> {
  const result = v.safeParse(schema, JSON.parse(text), { abortEarly: true });
  if (result.success) return result.output;
  const [issue] = result.issues;
  const where = v.getDotPath(issue);
  throw new Error(where ? `${where}: ${issue.message}` : issue.message);
}
