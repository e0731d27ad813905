import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { expect, it } from "vitest";
import { exportTriton } from "./export-triton.ts";
import { openFolder } from "./models/folder.ts";

it("writes a repository whose graphs load where they lie, with a config that names their tensors", async () => {
  const target = await mkdtemp(join(tmpdir(), "igpt-triton-"));
  try {
    const keys = await exportTriton((key) => openFolder().get(key), openFolder(target), "repository");
    const model = "repository/igpt-base";
    expect(keys).toContain(`${model}/1/model.onnx`);
    expect(keys.at(-1)).toBe(`${model}/config.pbtxt`);
    const session = await InferenceSession.create(join(target, model, "1/model.onnx"));
    const config = await readFile(join(target, model, "config.pbtxt"), "utf8");
    const names = [...config.matchAll(/name: "(\w+)" data_type/g)].map(([, name]) => name);
    expect(names).toEqual([...session.inputNames, ...session.outputNames]);
    const float = (values: number[], dims: number[]) => new Tensor("float32", Float32Array.from(values), dims);
    const int64 = (values: number[], dims: number[]) => new Tensor("int64", BigInt64Array.from(values, BigInt), dims);
    const { samples } = await session.run({
      ...{ tokens: int64([1, 2, 3], [1, 3]), forced: int64([7, -1], [1, 2]), uniforms: float([0, 0.5], [1, 2]) },
      ...{ temperature: float([1], [1, 1]), top_k: int64([0], [1, 1]), top_p: float([1], [1, 1]) },
    });
    expect(samples?.dims).toEqual([1, 2]);
    expect(samples?.data[0]).toBe(7n);
  } finally {
    await rm(target, { recursive: true });
  }
});
