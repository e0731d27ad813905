/** `igpt.onnx` under the native onnxruntime, with its default options, as a server would run it. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as ort from "onnxruntime-node";
import { afterAll } from "vitest";
import { type GraphTensor, statelessConformance } from "../stateless-conformance.ts";

const folder = mkdtempSync(join(tmpdir(), "igpt-"));
afterAll(() => rmSync(folder, { recursive: true }));

statelessConformance(
  async ({ name, file }) => {
    // The native runtime reads the weights from beside the graph.
    const place = mkdtempSync(join(folder, name));
    for (const part of ["igpt.onnx", "weights.safetensors"]) writeFileSync(join(place, part), file(part));
    const session = await ort.InferenceSession.create(join(place, "igpt.onnx"), { intraOpNumThreads: 1 });
    return async (inputs) => {
      const feeds = Object.entries(inputs).map(([key, { type, data, dims }]) => [
        key,
        new ort.Tensor(type, data, dims),
      ]);
      return (await session.run(Object.fromEntries(feeds))) as unknown as Record<string, GraphTensor>;
    };
  },
  ["tiny", "biased", "half", "large", "shipped"],
);
