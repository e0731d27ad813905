import { beforeAll, describe, expect, it } from "vitest";
import { type SharedWorker, sharedWorker } from "../shared-worker.ts";
import { drawn, gradient, photo } from "./pictures.ts";

let worker: SharedWorker;
beforeAll(async () => {
  worker = await sharedWorker("open");
});

interface Vector {
  layer: number;
  dimensions: number;
  vector: number[];
}

describe("embed", () => {
  const QUERY =
    "query ($image: ImageInput!, $layer: Int) { embed(image: $image, layer: $layer) { layer dimensions vector } }";
  const embed = async (variables: Record<string, unknown>) =>
    (await worker.data<{ embed: Vector }>(QUERY, variables)).embed;

  it("is a vector of the model's width, of the layer that is asked for", async () => {
    const { model } = await worker.data<{ model: { width: number; layers: number; embeddingLayer: number } }>(
      "{ model { width layers embeddingLayer } }",
    );
    const embedding = await embed({ image: photo });
    expect(embedding).toMatchObject({ layer: model.embeddingLayer, dimensions: model.width });
    expect(embedding.vector).toHaveLength(model.width);
    expect(embedding.vector.every(Number.isFinite)).toBe(true);
    expect(await embed({ image: photo })).toEqual(embedding);
    expect((await embed({ image: photo, layer: model.layers })).vector).not.toEqual(embedding.vector);
    expect((await embed({ image: photo, layer: 0 })).layer).toBe(0);
  });

  it("puts a picture nearer to its brighter self than to another", async () => {
    const distance = (a: Vector, b: Vector) => Math.hypot(...a.vector.map((x, i) => x - (b.vector[i] ?? 0)));
    const dark = await embed({ image: drawn(32, 32, (x, y) => [x * 6, y * 6, 100]) });
    const light = await embed({ image: drawn(32, 32, (x, y) => [x * 6 + 12, y * 6 + 12, 112]) });
    expect(distance(dark, light)).toBeLessThan(distance(dark, await embed({ image: photo })));
  });

  it("says which layers there are", async () => {
    for (const layer of [-1, 99]) {
      const { errors } = await worker.ask(QUERY, { image: photo, layer });
      expect(errors[0]).toMatchObject({ extensions: { code: "BAD_OPTION" }, message: expect.stringContaining("0") });
    }
  });

  it("gives many what it gives one by one", async () => {
    const many = await worker.data<{ embedMany: Vector[] }>(
      "query ($images: [ImageInput!]!) { embedMany(images: $images) { layer dimensions vector } }",
      { images: [photo, gradient] },
    );
    expect(many.embedMany).toEqual([await embed({ image: photo }), await embed({ image: gradient })]);
  });

  it("gives the others where one is bad, and its path says which", async () => {
    const query = "query ($images: [ImageInput!]!) { embedMany(images: $images) { layer } }";
    const many = await worker.ask(query, { images: Array(65).fill(gradient) });
    expect(many.errors[0]?.extensions.code).toBe("BAD_OPTION");
    const bad = await worker.ask<{ embedMany: unknown[] }>(query, { images: [gradient, { base64: "AAAA" }, photo] });
    expect(bad.errors).toMatchObject([{ extensions: { code: "BAD_IMAGE" }, path: ["embedMany", 1] }]);
    expect(bad.data?.embedMany).toEqual([{ layer: expect.any(Number) }, null, { layer: expect.any(Number) }]);
    expect((await worker.ask(query, { images: [] })).errors[0]?.extensions.code).toBe("BAD_OPTION");
  });
});

describe("likelihood", () => {
  it("is the mean of what it says of each pixel", async () => {
    const { likelihood } = await worker.data<{
      likelihood: { nllPerPixel: number; bitsPerPixel: number; perPixel: number[] };
    }>("query ($image: ImageInput!) { likelihood(image: $image) { nllPerPixel bitsPerPixel perPixel } }", {
      image: photo,
    });
    expect(likelihood.perPixel).toHaveLength(1024);
    const mean = likelihood.perPixel.reduce((a, b) => a + b) / 1024;
    expect(likelihood.nllPerPixel).toBeCloseTo(mean, 4);
    expect(likelihood.bitsPerPixel).toBeCloseTo(mean / Math.LN2, 4);
  });
});

describe("models", () => {
  it("tells what is served", async () => {
    const { models, model } = await worker.data<{ models: { id: string }[]; model: Record<string, unknown> }>(
      `{ models { id } model { id version parameters layers width heads resolution colors embeddingLayer edgeSamples testNllPerPixel } }`,
    );
    expect(models.map(({ id }) => id)).toContain(model.id);
    expect(model).toMatchObject({ resolution: 32, colors: 512 });
    expect(model.edgeSamples).toBeGreaterThanOrEqual(4);
  });

  it("is null for one that is not there", async () => {
    expect(await worker.data('{ model(id: "nope") { id } }')).toEqual({ model: null });
  });
});

describe("health", () => {
  it("answers", async () => {
    expect((await worker.request("/healthz")).status).toBe(200);
    expect((await worker.request("/readyz")).status).toBe(200);
    expect((await worker.request("/no/such/page")).status).toBe(404);
  });
});
