/** Values that pass between the resolvers and the model's facade. No GraphQL, no R2, no pictures: palette tokens only. */

import type { Manifest } from "./bundle/manifest.ts";
import type { Sampling } from "./engine.ts";

/** One version of one model. A request that took it keeps to it, whatever is published meanwhile. */
export interface Model {
  id: string;
  version: string;
  /** Weights, all counted. */
  parameters: number;
  layers: number;
  width: number;
  heads: number;
  /** Pixels a side. */
  resolution: number;
  colors: number;
  /** The layer that `embed` uses by default. */
  embeddingLayer: number;
  /** The most samples of one request that the edge runs itself; 0 = origin only. */
  edgeSamples: number;
  /** The most candidates of one sample that the edge runs itself; 0 = origin only. */
  edgeCandidates: number;
  /** Nats, as measured when it was published. */
  testNllPerPixel: number | null;
  /** Options that were found to look best when it was published. */
  recommended: { temperature: number; topP: number } | null;
  /** `manifest.palette` holds the RGB triples. */
  manifest: Manifest;
}

/** The options of a completion as a caller gives them; null and undefined both mean "not given". */
export interface CompletionOptions {
  keepRows?: number | null | undefined;
  keep?: readonly boolean[] | null | undefined;
  temperature?: number | null | undefined;
  topK?: number | null | undefined;
  topP?: number | null | undefined;
  seed?: number | null | undefined;
  candidates?: number | null | undefined;
  execution?: Execution | null | undefined;
}

export type Execution = "AUTO" | "EDGE" | "ORIGIN";

/** A validated completion: everything that decides its samples but the picture and the model. Plain JSON-able data. */
export interface CompletionSpec {
  samples: number;
  /** Index of the first of them; default 0. A part of a larger completion begins elsewhere. */
  firstSample?: number;
  /** 32-bit signed; drawn at random when it wasn't given. */
  seed: number;
  sampling: Sampling;
  /** Of each sample, 2 or more: candidates/filter.ts. Default 1: no given pixel is looked ahead to. */
  candidates?: number;
  execution: Execution;
  /** One flag a pixel, raster order: true = given. Never all true. */
  keep: readonly boolean[];
  /** Leading rows that are given in full. */
  keepRows: number;
}

/** Where a completion has got to; sent before the first row and after each one. */
export interface CompletionProgress {
  rowsDone: number;
  rowsTotal: number;
  /** One a sample: [pixels] palette indices, -1 = not yet. Copies, free to keep. */
  samples: Int32Array[];
}

export interface CompletedSample {
  index: number;
  /** [pixels] palette indices; given pixels are the input's. */
  tokens: Int32Array;
  /** Mean nats over the generated pixels, under the model's own distribution (temperature 1, no top-k, no top-p). */
  nllPerPixel: number;
}

export interface CompletionResult {
  samples: CompletedSample[];
  /** `Engine.name`: the arithmetic that made them. */
  engine: string;
}

export interface Embedding {
  layer: number;
  /** [width]: mean over positions of norm(h_layer), iGPT paper section 3.3. */
  vector: Float32Array;
}

export interface Likelihood {
  nllPerPixel: number;
  bitsPerPixel: number;
  /** [pixels] nats, raster order. */
  perPixel: Float32Array;
}
