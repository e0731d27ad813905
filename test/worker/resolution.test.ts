import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openFolder } from "../../bundles/folder.ts";
import { publish } from "../../bundles/publish.ts";
import { goldenFolder } from "../golden/folder.ts";
import { startWorker, type TestWorker } from "../harness.ts";
import { gradient, photo } from "./pictures.ts";

/** Small random models: `tiny` reads pictures of 32x32 and is the default, `large` 64x64. */
const folder = goldenFolder("tiny", "large");

let worker: TestWorker;
beforeAll(async () => {
  worker = await startWorker({ models: folder.path });
});
afterAll(async () => {
  await worker.close();
  folder.remove();
});

const LARGE = { model: "large" };
const SIDE = 64;
const PIXELS = SIDE * SIDE;

interface Image {
  id: string;
  width: number;
  height: number;
  url: string;
  tokens: number[];
}

const COMPLETE = `query ($image: ImageInput!, $samples: Int! = 1, $options: CompleteOptions) {
  complete(image: $image, samples: $samples, options: $options) {
    keepRows input { id width height url tokens } samples { image { id width height url tokens } }
  }
}`;
type Completed = { complete: { keepRows: number; input: Image; samples: { image: Image }[] } };
const complete = async (options: Record<string, unknown>, image: Record<string, unknown> = photo) =>
  (await worker.data<Completed>(COMPLETE, { image, options })).complete;

/** What a refused completion is told. */
const refusal = async (options: Record<string, unknown>) =>
  (await worker.ask(COMPLETE, { image: gradient, options })).errors[0];

describe("a model's resolution", () => {
  it("is told with the model", async () => {
    const { models } = await worker.data<{ models: unknown[] }>("{ models { id resolution edgeSamples } }");
    expect(models).toEqual([
      { id: "tiny", resolution: 32, edgeSamples: 16 },
      { id: "large", resolution: 64, edgeSamples: 16 },
    ]);
  });

  it("comes with the options that its makers recommend, if any", async () => {
    const query = "{ models { recommended { temperature topP } } }";
    expect(await worker.data(query)).toEqual({
      models: [{ recommended: null }, { recommended: { temperature: 0.9, topP: 0.95 } }],
    });
  });

  it("is that of its pictures; by default the upper half is kept", async () => {
    const { keepRows, input, samples } = await complete({ ...LARGE, seed: 1 });
    expect(keepRows).toBe(SIDE / 2);
    for (const image of [input, ...samples.map((sample) => sample.image)]) {
      expect(image).toMatchObject({ width: SIDE, height: SIDE });
      expect(image.tokens).toHaveLength(PIXELS);
      expect(image.tokens.slice(0, PIXELS / 2)).toEqual(input.tokens.slice(0, PIXELS / 2));
    }
  });

  it("bounds keepRows and the mask, and messages say which ones", async () => {
    expect((await complete({ ...LARGE, keepRows: SIDE - 1 })).keepRows).toBe(SIDE - 1);
    expect(await refusal({ ...LARGE, keepRows: SIDE })).toMatchObject({
      message: "keepRows must be an integer from 0 to 63.",
      extensions: { code: "BAD_OPTION" },
    });
    const keep = Array.from({ length: PIXELS }, (_, i) => i < PIXELS - 7);
    const { samples, input } = await complete({ ...LARGE, keep });
    expect(samples[0]?.image.tokens.slice(0, -7)).toEqual(input.tokens.slice(0, -7));
    expect(await refusal({ ...LARGE, keep: keep.slice(0, 1024) })).toMatchObject({
      message: expect.stringContaining("exactly 4096 flags"),
    });
    expect(await refusal({ keep })).toMatchObject({ message: expect.stringContaining("exactly 1024 flags") });
  });

  it("fills holes by candidates there too", async () => {
    const keep = Array.from({ length: PIXELS }, (_, i) => i % SIDE < 20 || i % SIDE > 25 || i < 3000 || i > 3300);
    const { samples, input } = await complete({ ...LARGE, keep, candidates: 4, seed: 3 });
    const kept = (tokens: number[] = []) => tokens.filter((_, i) => keep[i]);
    expect(kept(samples[0]?.image.tokens)).toEqual(kept(input.tokens));
  });

  it("is what likelihood and embed read", async () => {
    const query = `query ($image: ImageInput!) {
      likelihood(image: $image, model: "large") { nllPerPixel perPixel }
      embed(image: $image, model: "large") { dimensions }
      small: likelihood(image: $image) { perPixel }
    }`;
    type Read = Record<"likelihood" | "small", { perPixel: number[]; nllPerPixel: number }>;
    const { likelihood, small } = await worker.data<Read>(query, { image: photo });
    expect(likelihood.perPixel).toHaveLength(PIXELS);
    expect(likelihood.perPixel.every((nats) => nats >= 0)).toBe(true);
    expect(small.perPixel).toHaveLength(1024);
  });

  it("is where widths of URLs and data URIs begin", async () => {
    const { samples } = await complete({ ...LARGE, keepRows: 60 });
    const url = new URL(samples[0]?.image.url ?? "");
    const widthOf = async (width?: string) => {
      if (width) url.searchParams.set("width", width);
      const response = await worker.request(url.pathname + url.search);
      const bytes = Buffer.from(await response.arrayBuffer());
      return response.ok ? bytes.readUInt32BE(16) : (JSON.parse(bytes.toString()) as unknown);
    };
    expect(await widthOf()).toBe(SIDE);
    expect(await widthOf("256")).toBe(256);
    expect(await widthOf("32")).toMatchObject({
      errors: [{ message: "width must be one of 64, 128, 256, 512, 1024: this picture has 64x64 pixels." }],
    });
    const query = `query ($image: ImageInput!) {
      complete(image: $image, options: { model: "large", keepRows: 63 }) { samples { image { dataUri(width: 32) } } }
    }`;
    expect((await worker.ask(query, { image: gradient })).errors[0]).toMatchObject({
      message: "width must be one of 64, 128, 256, 512, 1024 for a picture of 64x64, not 32.",
      extensions: { code: "BAD_OPTION" },
    });
  });

  it("scales a stored picture of another model", async () => {
    const large = await complete({ ...LARGE, keepRows: 63 });
    const small = await complete({ keepRows: 31 }, { id: large.input.id });
    expect(small.input).toMatchObject({ width: 32 });
    expect(small.input.tokens).toHaveLength(1024);
    const back = await complete({ ...LARGE, keepRows: 63 }, { id: small.input.id });
    expect(back.input).toMatchObject({ width: SIDE });
    expect((await complete({ ...LARGE, keepRows: 63 }, { id: large.input.id })).input.tokens).toEqual(
      large.input.tokens,
    );
  });

  it("decides how many rows are streamed", async () => {
    const query = `subscription ($image: ImageInput!) {
      complete(image: $image, options: { model: "large", keepRows: 59 }) { rowsDone rowsTotal samples { tokens dataUri } }
    }`;
    const response = await worker.request("/graphql", {
      method: "POST",
      headers: { "content-type": "application/json", accept: "text/event-stream" },
      body: JSON.stringify({ query, variables: { image: gradient } }),
    });
    const events = (await response.text()).split("\n").flatMap((line) => {
      const payload = line.startsWith("data: ") && line.slice(6);
      return payload ? [JSON.parse(payload) as { data: { complete: { rowsDone: number; rowsTotal: number } } }] : [];
    });
    const rows = events.map(({ data }) => data.complete.rowsDone);
    expect(rows).toEqual([0, 1, 2, 3, 4, 5, 5]);
    expect(events[0]).toMatchObject({ data: { complete: { rowsTotal: 5 } } });
  });

  it("is that of a job's pictures", async () => {
    const submitted = await worker.data<{ submitCompletion: { completion: { id: string } } }>(
      `mutation ($image: ImageInput!) {
        submitCompletion(image: $image, samples: 2, options: { model: "large", keepRows: 62 }) { completion { id } }
      }`,
      { image: photo },
    );
    const { id } = submitted.submitCompletion.completion;
    const job = () =>
      worker.data<{ completion: { status: string; samples: { image: Image }[] } }>(
        "query ($id: ID!) { completion(id: $id) { status samples { image { width tokens } } } }",
        { id },
      );
    await expect.poll(async () => (await job()).completion.status, { timeout: 30_000 }).toBe("SUCCEEDED");
    const { samples } = (await job()).completion;
    expect(samples).toHaveLength(2);
    for (const { image } of samples) expect(image).toMatchObject({ width: SIDE, tokens: { length: PIXELS } });
  });

  it("counts in what several fields cost together", async () => {
    const fields = (model: string) =>
      Array.from(
        { length: 7 },
        (_, i) => `a${i}: complete(image: $image, samples: 4, options: { model: "${model}" }) { keepRows }`,
      );
    const query = `query ($image: ImageInput!) { ${fields("large").join(" ")} }`;
    const { status, errors } = await worker.ask(query, { image: gradient });
    expect(status).toBe(400);
    expect(errors[0]).toMatchObject({ extensions: { code: "QUERY_TOO_COSTLY" } });
    expect((await worker.ask(query.replaceAll("large", "tiny"), { image: gradient })).errors).toEqual([]);
  });
});

it("a bundle for pictures that the Worker does not serve is refused when it is published", async () => {
  const other = goldenFolder("biased");
  const untouched = { get: async () => null, put: () => Promise.reject(new Error("written")), close: async () => {} };
  await expect(publish((key) => openFolder(other.path).get(key), untouched)).rejects.toThrow(
    "biased version 1 is for pictures of 16x16. The Worker serves 32x32, 48x48, 64x64.",
  );
  other.remove();
});
