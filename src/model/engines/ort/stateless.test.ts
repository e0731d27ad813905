/** `igpt.onnx`, which the edge does not use, under the edge's runtime: any ONNX server can run it. */
import wasmModule from "onnxruntime-web/ort-wasm-simd-threaded.wasm";
import { type GraphTensor, statelessConformance } from "../../../../test/stateless-conformance.ts";
import { exclusively, startRuntime } from "./runtime.ts";

statelessConformance(async ({ file }) => {
  const { ort } = await startRuntime(wasmModule);
  const session = await ort.InferenceSession.create(file("igpt.onnx"), {
    executionProviders: ["wasm"],
    externalData: [{ path: "weights.safetensors", data: file("weights.safetensors") }],
  });
  return async (inputs) => {
    const feeds = Object.entries(inputs).map(([name, { type, data, dims }]) => [
      name,
      new ort.Tensor(type, data, dims),
    ]);
    const output = await exclusively(() => session.run(Object.fromEntries(feeds)));
    return output as unknown as Record<string, GraphTensor>;
  };
});
