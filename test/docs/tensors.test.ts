/** docs/tensors.md, held against the graphs, the Worker, the origin, Triton's configuration and the schema. (The GPU engine: gpu/tests.) */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { buildSchema } from "graphql";
import { InferenceSession } from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { ASSETS, ROOT } from "../../lib/root.ts";
import { graphMetadata, readBatch, resultTensors } from "../../origin/graph/tensors.ts";
import { tritonConfig } from "../../scripts/export-triton.ts";
import {
  CANDIDATE_INPUTS,
  CANDIDATES,
  candidateInputs,
  completionInputs,
  entriesOf,
  INPUTS,
  OUTPUTS,
  readingInputs,
  stepInputs,
} from "../../src/delegation/graph/index.ts";
import { fp32, int64, type Tensor } from "../../src/delegation/protocol/index.ts";
import type { Manifest } from "../../src/model/bundle/manifest.ts";
import type { CompletionSpec } from "../../src/model/types.ts";
import { SHIPPED } from "../shipped.ts";
import { edgesOf, type Row, tensorTable } from "./tensors.ts";

const inputs = tensorTable("igpt.onnx", "input");
const outputs = tensorTable("igpt.onnx", "output");
const candidates = tensorTable("igpt_candidates", "input");
const BUNDLES = {
  shipped: join(ASSETS, "models", SHIPPED.id, SHIPPED.version),
  tiny: join(ROOT, "test/golden/tiny"),
  biased: join(ROOT, "test/golden/biased"),
};
const ARCHITECTURE = { layers: 3, width: 8, heads: 2, positions: 16, colors: 5, resolution: 4, bias: false };
const SPEC: CompletionSpec = {
  ...{ samples: 2, seed: 7, execution: "AUTO", keepRows: 2 },
  sampling: { temperature: 0.9, topK: 3, topP: 0.5 },
  keep: Array.from({ length: 16 }, (_, pixel) => pixel < 8),
};
const PICTURE = Int32Array.from({ length: 16 }, (_, pixel) => pixel % 5);

/** Lengths of dimensions; those that are any length stay as they are written. */
function sized({ shape }: Row, sizes: Record<string, number>): (string | number)[] {
  return shape.map((dimension) => sizes[dimension] ?? (dimension === "1" ? 1 : dimension));
}

const described = (rows: readonly Row[], sizes: Record<string, number>) =>
  rows.map((row) => ({ name: row.name, datatype: row.datatype, shape: sized(row, sizes) }));
const shapes = (tensors: readonly Tensor[]) =>
  tensors.map(({ name, datatype, shape }) => ({ name, datatype, shape: [...shape] }));

it("the page has all tables", () => {
  expect([inputs.length, outputs.length, candidates.length]).toEqual([6, 4, 3]);
});

describe.each(Object.entries(BUNDLES))("the graphs of %s", (_, folder) => {
  const { architecture } = JSON.parse(readFileSync(join(folder, "manifest.json"), "utf8")) as Manifest;
  const { layers, width, heads } = architecture;
  const sizes = { "L + 1": layers + 1, D: width, H: heads, W: width / heads };

  it.each(["igpt.onnx", "igpt-rows.onnx"])("%s", async (name) => {
    const session = await InferenceSession.create(join(folder, name));
    const read = (metadata: readonly InferenceSession.ValueMetadata[]) =>
      metadata.map((value) => {
        if (!value.isTensor) throw new Error(`${value.name} is no tensor`);
        const datatype = { int64: "INT64", float32: "FP32" }[value.type as string];
        // A dimension that has no name is "?" on the page.
        const shape = value.shape.map((size) => (size === "" ? "?" : size));
        return { name: value.name, datatype, shape };
      });
    expect(read(session.inputMetadata)).toEqual(described(ofLayers(tensorTable(name, "input"), layers), sizes));
    expect(read(session.outputMetadata)).toEqual(described(ofLayers(tensorTable(name, "output"), layers), sizes));
    await session.release();
  });
});

/** Tensors of a layer stand together, after those of the whole model. */
function ofLayers(rows: readonly Row[], layers: number): Row[] {
  const each = rows.filter(({ name }) => name.endsWith(".N"));
  return [
    ...rows.filter((row) => !each.includes(row)),
    ...Array.from({ length: layers }, (_, n) =>
      each.map((row) => ({ ...row, name: row.name.replace("N", `${n}`) })),
    ).flat(),
  ];
}

describe("the Worker", () => {
  it.each([
    ["inputs", inputs, INPUTS],
    ["candidates' inputs", candidates, CANDIDATE_INPUTS],
    ["outputs", outputs, OUTPUTS],
  ] as const)("has the same %s", (_, rows, table) => {
    const ours = entriesOf<string>(table).map(([name, one]) => ({ name, ...one, shape: [...one.shape] }));
    expect(ours).toEqual(described(rows, {}));
  });

  it("asks with them", () => {
    const range = { first: 3, count: 2 };
    expect(shapes(completionInputs(SPEC, PICTURE, range))).toEqual(described(inputs, { B: 2, P: 8, R: 8 }));
    expect(shapes(candidateInputs({ ...SPEC, candidates: 4 }, PICTURE, range, 4))).toEqual(
      described([...inputs, ...candidates], { B: 2, P: 8, R: 8 }),
    );
    const row = { forced: new Int32Array(6).fill(-1), uniforms: new Float32Array(6) };
    expect(shapes(stepInputs([PICTURE, PICTURE], 5, row, SPEC.sampling))).toEqual(
      described(inputs, { B: 2, P: 5, R: 3 }),
    );
    expect(shapes(readingInputs([PICTURE, PICTURE]))).toEqual(described(inputs, { B: 2, P: 16, R: 0 }));
  });

  it("has what the page names beside each", () => {
    const source = ["engine", "types"]
      .map((name) => readFileSync(join(ROOT, `src/model/${name}.ts`), "utf8"))
      .join("\n");
    const schema = buildSchema(readFileSync(join(ROOT, "src/schema.graphql"), "utf8"), { assumeValidSDL: true });
    for (const { name, worker = "", api = "" } of [...inputs, ...outputs, ...candidates]) {
      const [type = "", member = ""] = worker.split(".");
      const [, body = ""] = new RegExp(`export interface ${type} \\{\\n([\\s\\S]*?)\\n\\}`).exec(source) ?? [];
      expect(new RegExp(`^  (readonly )?${member}\\??: `, "m").test(body), `${name}: ${worker}`).toBe(true);
      const [object = "", field = ""] = api.split(".");
      const found = schema.getType(object);
      expect(found && "getFields" in found ? Object.keys(found.getFields()) : [], `${name}: ${api}`).toContain(field);
    }
  });
});

describe("the origin", () => {
  it("describes them", () => {
    const any = { B: -1, P: -1, R: -1, "L + 1": 4, D: 8 };
    expect(graphMetadata(ARCHITECTURE)).toEqual({ inputs: described(inputs, any), outputs: described(outputs, any) });
  });

  it("answers with them", () => {
    const batch = readBatch(completionInputs(SPEC, PICTURE, { first: 0, count: 2 }), ARCHITECTURE, 2);
    const result = {
      ...{ samples: new Int32Array(16), nll: new Float32Array(16), prefixNll: new Float32Array(16) },
      features: new Float32Array(64),
    };
    expect(shapes(resultTensors(result, batch, ARCHITECTURE))).toEqual(
      described(outputs, { B: 2, P: 8, R: 8, "L + 1": 4, D: 8 }),
    );
  });

  const asked = candidateInputs({ ...SPEC, candidates: 4 }, PICTURE, { first: 0, count: 1 }, 4);
  const plain = completionInputs(SPEC, PICTURE, { first: 0, count: 1 });
  /** The request with another value at a tensor's end. */
  const changed = (request: readonly Tensor[], name: string, value: number): Tensor[] =>
    request.map((tensor) => {
      if (tensor.name !== name) return tensor;
      const numbers = [...Array.from<number | bigint, number>(tensor.data, Number).slice(0, -1), value];
      const { shape } = tensor;
      return tensor.datatype === "INT64" ? int64(name, shape, numbers) : fp32(name, shape, Float32Array.from(numbers));
    });

  it.each([...inputs.map((row) => [row, plain] as const), ...candidates.map((row) => [row, asked] as const)])(
    "takes $name within its values alone",
    ({ name, values }, request) => {
      const { allowed, refused } = edgesOf(values, ARCHITECTURE.colors);
      for (const value of allowed) readBatch(changed(request, name, value), ARCHITECTURE, 1);
      for (const value of refused) {
        expect(() => readBatch(changed(request, name, value), ARCHITECTURE, 1), `${value}`).toThrow(`${name}: `);
      }
    },
  );

  it("names the extension as the page does", () => {
    expect(tensorTable(CANDIDATES, "input")).toEqual(candidates);
  });
});

it.each(["cuda", "cpu"] as const)("Triton's configuration for %s has them without the batch's dimension", (device) => {
  const manifest = JSON.parse(readFileSync(join(BUNDLES.tiny, "manifest.json"), "utf8")) as Manifest;
  const config = tritonConfig(manifest, device);
  const { layers, width } = manifest.architecture;
  const sizes = { P: -1, R: -1, "L + 1": layers + 1, D: width };
  for (const [kind, rows] of [
    ["input", inputs],
    ["output", outputs],
  ] as const) {
    const [, block = ""] = new RegExp(`^${kind} \\[\\n([\\s\\S]*?)^\\]`, "m").exec(config) ?? [];
    const tensors = [...block.matchAll(/name: "(\w+)" data_type: TYPE_(\w+) dims: \[ ([^\]]*) \]/g)];
    expect(
      tensors.map(([, name, datatype, dims = ""]) => ({ name, datatype, shape: dims.split(", ").map(Number) })),
    ).toEqual(described(rows, sizes).map(({ shape: [, ...shape], ...tensor }) => ({ ...tensor, shape })));
  }
});
