import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openFolder } from "../bundles/folder.ts";
import { ASSETS, ROOT } from "../lib/root.ts";
import { exportTriton, tritonDevice } from "./export-triton.ts";

/** That Triton serves it is shown by test/conformance/triton.test.ts. */
let target = "";
const read = (key: string) => openFolder(ASSETS).get(key);
beforeAll(async () => {
  target = await mkdtemp(join(tmpdir(), "igpt-triton-"));
});
afterAll(() => rm(target, { recursive: true }));

it("writes weights, engine and model.py as they are, the config last", async () => {
  const keys = await exportTriton(read, openFolder(target), { prefix: "repository", only: "igpt-small" });
  expect(keys.at(-1)).toBe("repository/igpt-small/config.pbtxt");
  expect(keys.every((key) => key.startsWith("repository/igpt-small/"))).toBe(true);
  const version = join(target, "repository/igpt-small/2");
  const engine = (await readdir(join(ROOT, "gpu/igpt_gpu"))).filter((name) => name.endsWith(".py"));
  const sources: [string, string][] = [
    ["weights.safetensors", "r2-assets/models/igpt-small/2/weights.safetensors"],
    ["manifest.json", "r2-assets/models/igpt-small/2/manifest.json"],
    ["model.py", "gpu/triton_backend/model.py"],
    ...engine.map((name): [string, string] => [`igpt_gpu/${name}`, `gpu/igpt_gpu/${name}`]),
  ];
  for (const [name, source] of sources) {
    expect(await readFile(join(version, name)), name).toEqual(await readFile(join(ROOT, source)));
  }
  expect((await readdir(version)).sort()).toEqual(["igpt_gpu", "manifest.json", "model.py", "weights.safetensors"]);
});

it.each([
  ["cuda", "igpt-small", "KIND_GPU", "torch-cuda-bf16", 512],
  ["cuda", "igpt-64", "KIND_GPU", "torch-cuda-bf16", 2048],
  ["cpu", "igpt-64", "KIND_CPU", "torch-cpu-fp32", 16],
] as const)(
  "%s, %s: of its kind, the engine named, warm before it is ready",
  async (device, only, kind, engine, warm) => {
    await exportTriton(read, openFolder(target), { only, device });
    const config = await readFile(join(target, `triton/${only}/config.pbtxt`), "utf8");
    expect(config).toContain(`key: "tokens" value { data_type: TYPE_INT64 dims: [ ${warm} ] zero_data: true }`);
    expect(config).toContain(`instance_group [ { kind: ${kind} count: 1 } ]`);
    expect(config).toContain(`key: "engine" value { string_value: "${engine}" }`);
  },
);

it("says what is wrong with its options", async () => {
  await expect(exportTriton(read, openFolder(target), { only: "other" })).rejects.toThrow("There is no model other.");
  expect(() => tritonDevice("tpu")).toThrow("--device must be cuda or cpu, not tpu.");
});
