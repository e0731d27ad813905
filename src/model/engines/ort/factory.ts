/** How the Worker makes the engine over onnxruntime-web. Light: the runtime is imported by the first load. */
import { corrupt } from "../../bundle/corrupt.ts";
import type { EngineFactory } from "../../engine-factory.ts";
import { heapBytes, requestBytes } from "./plan.ts";

const GRAPH_FILE = "igpt-rows.onnx";
const WEIGHTS_FILE = "weights.safetensors";

export const factory: EngineFactory = {
  name: "onnx",

  plan({ architecture, files }) {
    const heap = heapBytes(architecture, architecture.bias);
    // While it loads, the files are in JS too.
    const read = (files[WEIGHTS_FILE]?.bytes ?? 0) + (files[GRAPH_FILE]?.bytes ?? 0);
    return {
      residentBytes: heap,
      loadBytes: heap + read,
      requestBytes: (samples) => requestBytes(architecture, samples),
    };
  },

  async load(manifest, files) {
    if (!(GRAPH_FILE in manifest.files)) throw corrupt(manifest, `it has no ${GRAPH_FILE}`);
    const [{ OrtEngine }, { default: wasmModule }] = await Promise.all([
      import("./engine.ts"),
      import("onnxruntime-web/ort-wasm-simd-threaded.wasm"),
    ]);
    const graph = await files.bytes(GRAPH_FILE);
    const weights = await files.bytes(WEIGHTS_FILE);
    const { layers, width, heads, positions, colors, bias } = manifest.architecture;
    const shape = { layers, width, heads, positions, colors };
    try {
      return await OrtEngine.load({ graph, weights, shape, bias, wasmModule });
    } catch (error) {
      // A memory that cannot grow throws a RangeError and says nothing of the bundle.
      if (error instanceof RangeError) throw error;
      console.error("onnxruntime does not load the model", error);
      throw corrupt(manifest, "onnxruntime does not load it");
    }
  },
};
