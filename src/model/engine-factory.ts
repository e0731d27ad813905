/**
 * How engines are made: the seam between bundles (which know R2) and engines (which do not).
 * Each engine exports one `factory` from `engines/NAME/factory.ts`; that module stays light (plan and imports), and
 * `load` imports what is heavy, so that asking for a model's memory plan loads no runtime.
 */

import type { Manifest } from "./bundle/manifest.ts";
import type { SafetensorsStream } from "./bundle/safetensors.ts";
import type { Engine } from "./engine.ts";

/** The files of one immutable bundle. Nothing that comes from here is unchecked, see each method. */
export interface ModelFiles {
  /**
   * A whole file, already checked against its length and SHA-256.
   * @throws UserError MODEL_CORRUPT when it is missing or differs from the manifest.
   */
  bytes(name: string): Promise<Uint8Array<ArrayBuffer>>;
  /**
   * A safetensors file, its header parsed and its data as a stream, for engines that read straight into linear memory.
   * The stream must be read to its end: the last step of the iteration throws UserError MODEL_CORRUPT when length or
   * SHA-256 differ, so an engine that lets the error through is never handed out with bytes that are not the model's.
   * A chunk is valid until the next one is asked for.
   */
  safetensors(name: string): Promise<SafetensorsStream>;
}

/** Bytes of linear memory and of JS buffers, computed from a manifest alone. Upper bounds: admission relies on them. */
export interface MemoryPlan {
  /** Held by a loaded engine that has run nothing yet. */
  readonly residentBytes: number;
  /** The most that is held at once while it loads, resident bytes included: never less than those. */
  readonly loadBytes: number;
  /** What a request for `samples` samples (0 = prefix only: embed, likelihood) adds; see `Engine.requestBytes`. */
  requestBytes(samples: number, given?: number, own?: number): number;
}

export interface EngineFactory {
  /** What `ENGINE` calls it. `Engine.name` may be more exact (which arithmetic really runs). */
  readonly name: EngineName;
  /** Pure arithmetic; loads nothing. @throws UserError MODEL_CORRUPT when the engine cannot run such a shape. */
  plan(manifest: Manifest): MemoryPlan;
  /**
   * Loads a model. On failure everything is freed before it rejects. The signal is aborted when nobody wants the result
   * any more; heeding it is optional.
   */
  load(manifest: Manifest, files: ModelFiles, signal?: AbortSignal): Promise<Engine>;
}

/** Values of the variable `ENGINE`. */
export type EngineName = "kernel" | "onnx";
