import { corrupt } from "../../bundle/corrupt.ts";
import { type Manifest, WEIGHTS_FILE } from "../../bundle/manifest.ts";
import type { Engine } from "../../engine.ts";
import type { EngineFactory, MemoryPlan, ModelFiles } from "../../engine-factory.ts";
import { KernelEngine } from "./engine.ts";
import { layoutOf, requestBytes, WASM_PAGE } from "./layout.ts";
import { checkShape, type KernelShape, WeightsError } from "./tensors.ts";

/** `Completion.engine` of the binary that ships; the decision record 2026-11-22-kernel-arithmetic.md says which it is. */
const NAME = "kernel";
/** JS objects of an engine; measured far below. */
const OBJECT_BYTES = 256 * 1024;
/** A chunk of an R2 stream, with its copies on the way. */
const CHUNK_BYTES = 1024 * 1024;

export const factory: EngineFactory = { name: "kernel", plan, load };

function plan(manifest: Manifest): MemoryPlan {
  const layout = layoutOf(shapeOf(manifest));
  const residentBytes = Math.ceil(layout.pagesAddress / WASM_PAGE) * WASM_PAGE + OBJECT_BYTES;
  return {
    residentBytes,
    loadBytes: residentBytes + CHUNK_BYTES,
    requestBytes: (samples, given, own) => requestBytes(layout, samples, given, own),
  };
}

async function load(manifest: Manifest, files: ModelFiles, signal?: AbortSignal): Promise<Engine> {
  const shape = shapeOf(manifest);
  const [{ default: module }, weights] = await Promise.all([
    import("../../../../build/kernel.wasm"),
    files.safetensors(WEIGHTS_FILE),
  ]);
  try {
    return await KernelEngine.load(NAME, module, shape, weights, signal);
  } catch (error) {
    // All else is what it is: R2 could not be read, there is no memory, nobody waits any more.
    throw error instanceof WeightsError ? corrupt(manifest, error.message) : error;
  }
}

/** @throws UserError MODEL_CORRUPT when the kernel cannot run it. */
function shapeOf({ id, version, architecture, precision }: Manifest): KernelShape {
  const { layers, width, heads, positions, colors, bias } = architecture;
  const shape = { layers, width, heads, positions, colors, bias };
  const problem = precision === "int8" ? checkShape(shape) : `its weights are ${precision}`;
  if (problem) throw corrupt({ id, version }, problem);
  return shape;
}
