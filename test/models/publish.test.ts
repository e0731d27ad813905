import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Bucket } from "../../bundles/bucket.ts";
import { openFolder } from "../../bundles/folder.ts";
import { publish, readIndex, rollback } from "../../bundles/publish.ts";
import { openLocalState } from "../../lib/local-state.ts";
import { makeBundle } from "../doubles/bundle.ts";

let directory: string;
let source: Bucket;
let bucket: Bucket;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "igpt-edge-publish-"));
  source = openFolder(join(directory, "source"));
  bucket = (await openLocalState(join(directory, "state"))).bucket;
});
afterEach(async () => {
  await bucket.close();
  await rm(directory, { recursive: true });
});

/** Puts a bundle into the source folder and makes it the current one of its model. */
async function add(id: string, version: string, bytes?: number): Promise<void> {
  const { manifest, weights, graph } = makeBundle(id, version, { resolution: 32, ...(bytes ? { bytes } : {}) });
  const folder = `models/${id}/${version}`;
  await source.put(`${folder}/weights.safetensors`, weights);
  await source.put(`${folder}/igpt.onnx`, graph);
  await source.put(`${folder}/manifest.json`, Buffer.from(JSON.stringify(manifest)));
  const index = (await readIndex((key) => source.get(key))) ?? { format: 1, default: id, models: {} };
  const models = { ...index.models, [id]: { version, versions: [version] } };
  await source.put("models/index.json", Buffer.from(JSON.stringify({ ...index, models })));
}

const publishAll = () => publish((key) => source.get(key), bucket);
const index = () => readIndex((key) => bucket.get(key));

describe("publish", () => {
  it("copies every file, and again nothing", async () => {
    await add("small", "1");
    expect(await publishAll()).toEqual([{ id: "small", version: "1", uploaded: true }]);
    expect(await publishAll()).toEqual([{ id: "small", version: "1", uploaded: false }]);
    for (const name of ["manifest.json", "weights.safetensors", "igpt.onnx"]) {
      const key = `models/small/1/${name}`;
      expect((await bucket.get(key))?.equals((await source.get(key)) ?? Buffer.of())).toBe(true);
    }
    expect(await index()).toEqual({
      format: 1,
      default: "small",
      models: { small: { version: "1", versions: ["1"] } },
    });
  });

  it("keeps the versions and models that the bucket has besides", async () => {
    await add("small", "1");
    await publishAll();
    await add("small", "2");
    await publishAll();
    await rm(join(directory, "source"), { recursive: true });
    await add("other", "10");
    await publishAll();
    expect((await index())?.models).toEqual({
      small: { version: "2", versions: ["1", "2"] },
      other: { version: "10", versions: ["10"] },
    });
  });

  it("keeps the bucket's default model unless another is named", async () => {
    await add("small", "1");
    await publishAll();
    await rm(join(directory, "source"), { recursive: true });
    await add("mine", "1");
    await publishAll();
    expect((await index())?.default).toBe("small");
    await expect(publish((key) => source.get(key), bucket, { makeDefault: "nobody" })).rejects.toThrow(
      "no model nobody to be the default. There are: small, mine",
    );
    expect((await index())?.default).toBe("small");
    await publish((key) => source.get(key), bucket, { makeDefault: "mine" });
    expect((await index())?.default).toBe("mine");
  });

  it("tells what it is about to change before it writes, and nothing when it will not", async () => {
    await add("small", "1");
    await publishAll();
    await add("small", "2");
    await add("mine", "1");
    const happened: string[] = [];
    const watched: Bucket = {
      ...bucket,
      async put(key, bytes) {
        happened.push(key);
        await bucket.put(key, bytes);
      },
    };
    const before = vi.fn(() => void happened.push("told"));
    await expect(publish((key) => source.get(key), watched, { makeDefault: "nobody", before })).rejects.toThrow(
      "nobody",
    );
    expect(happened).toEqual([]);
    await publish((key) => source.get(key), watched, { before });
    expect(happened.indexOf("told")).toBe(0);
    expect(happened.at(-1)).toBe("models/index.json");
    expect(before).toHaveBeenCalledExactlyOnceWith({
      bundles: [
        expect.objectContaining({ id: "small", version: "2", uploaded: true }),
        expect.objectContaining({ id: "mine", version: "1", uploaded: true }),
      ],
      current: { format: 1, default: "small", models: { small: { version: "1", versions: ["1"] } } },
      next: await index(),
    });
  });

  it("gives an empty bucket a default that it has", async () => {
    await add("small", "1");
    await add("other", "1");
    await publish((key) => source.get(key), bucket, { only: "other" });
    expect(await index()).toMatchObject({ default: "other", models: { other: { version: "1" } } });
  });

  it("writes nothing when a bundle's checks fail", async () => {
    await add("good", "1");
    await add("bad", "1");
    await source.put("models/bad/1/weights.safetensors", Buffer.from("something else"));
    await expect(publishAll()).rejects.toThrow("models/bad/1/weights.safetensors has 14 bytes");
    expect(await bucket.get("models/good/1/manifest.json")).toBeNull();
    expect(await index()).toBeNull();
  });

  it("refuses a version that was published with other content", async () => {
    await add("small", "1");
    await publishAll();
    await add("small", "1", 1000);
    await expect(publishAll()).rejects.toThrow("A version never changes");
  });

  it("writes the index last, so that one that was interrupted changes nothing", async () => {
    await add("small", "1");
    await publishAll();
    await add("small", "2");
    const failing: Bucket = {
      ...bucket,
      put: async (key, bytes) => {
        if (key.endsWith("manifest.json")) throw new Error("the line is dead");
        await bucket.put(key, bytes);
      },
    };
    await expect(publish((key) => source.get(key), failing)).rejects.toThrow("the line is dead");
    expect((await index())?.models.small?.version).toBe("1");
    expect(await publishAll()).toEqual([{ id: "small", version: "2", uploaded: true }]);
  });
});

describe("rollback", () => {
  it("goes back a version, and to a named one", async () => {
    for (const version of ["1", "2", "10"]) {
      await add("small", version);
      await publishAll();
    }
    expect(await rollback(bucket, "small")).toBe("2");
    expect((await index())?.models.small).toEqual({ version: "2", versions: ["1", "2", "10"] });
    expect(await rollback(bucket, "small")).toBe("1");
    await expect(rollback(bucket, "small")).rejects.toThrow("no version before 1");
    expect(await rollback(bucket, "small", "10")).toBe("10");
    await expect(rollback(bucket, "small", "3")).rejects.toThrow("It has: 1, 2, 10");
    await expect(rollback(bucket, "nope")).rejects.toThrow("The bucket has no model nope");
  });

  it("refuses a version whose files are damaged", async () => {
    await add("small", "1");
    await publishAll();
    await add("small", "2");
    await publishAll();
    await bucket.put("models/small/1/igpt.onnx", Buffer.from("other"));
    await expect(rollback(bucket, "small")).rejects.toThrow("SHA-256");
    expect((await index())?.models.small?.version).toBe("2");
  });
});

it("may be open twice at once", async () => {
  await add("small", "1");
  await publishAll();
  const second = (await openLocalState(join(directory, "state"))).bucket;
  expect(await second.get("models/index.json")).not.toBeNull();
  await second.close();
});
