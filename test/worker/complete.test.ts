import { beforeAll, describe, expect, it } from "vitest";
import { type SharedWorker, sharedWorker } from "../shared-worker.ts";
import { gradient, photo } from "./pictures.ts";

interface Completion {
  id: string;
  status: string;
  seed: number;
  keepRows: number;
  ranOn: string;
  engine: string;
  input: { tokens: number[] };
  samples: { index: number; nllPerPixel: number; image: { tokens: number[] } }[];
}

const QUERY = `query ($image: ImageInput!, $samples: Int! = 1, $options: CompleteOptions) {
  complete(image: $image, samples: $samples, options: $options) {
    id status seed keepRows ranOn engine input { tokens } samples { index nllPerPixel image { tokens } }
  }
}`;

let worker: SharedWorker;
beforeAll(async () => {
  worker = await sharedWorker("open");
});

const complete = async (variables: Record<string, unknown>) =>
  (await worker.data<{ complete: Completion }>(QUERY, { image: photo, ...variables })).complete;
const tokensOf = (completion: Completion) => completion.samples.map((sample) => sample.image.tokens);
const lastRows = { keepRows: 30, seed: 7 };

describe("complete", () => {
  it("keeps what is given, draws the rest, and says how", async () => {
    const completion = await complete({ samples: 2, options: { model: "igpt-base", seed: 11 } });
    expect(completion).toMatchObject({ status: "SUCCEEDED", seed: 11, keepRows: 16, ranOn: "EDGE" });
    const [first, second] = tokensOf(completion);
    for (const tokens of [first, second]) {
      expect(tokens).toHaveLength(1024);
      expect(tokens?.slice(0, 512)).toEqual(completion.input.tokens.slice(0, 512));
      expect(tokens?.every((token) => Number.isInteger(token) && token >= 0 && token < 512)).toBe(true);
    }
    expect(first).not.toEqual(second);
    for (const { nllPerPixel } of completion.samples) expect(nllPerPixel).toBeGreaterThan(0);
  });

  it("repeats with its seed, and sample i does not depend on how many are asked for", async () => {
    const three = await complete({ samples: 3, options: lastRows });
    expect(tokensOf(await complete({ samples: 3, options: lastRows }))).toEqual(tokensOf(three));
    expect(tokensOf(await complete({ samples: 1, options: lastRows }))).toEqual(tokensOf(three).slice(0, 1));
    expect(tokensOf(await complete({ samples: 3, options: { ...lastRows, seed: 8 } }))).not.toEqual(tokensOf(three));
  });

  it("draws a seed and returns it", async () => {
    const completion = await complete({ samples: 1, options: { keepRows: 31 } });
    const again = await complete({ samples: 1, options: { keepRows: 31, seed: completion.seed } });
    expect(tokensOf(again)).toEqual(tokensOf(completion));
  });

  it("is the same for all samples at temperature 0", async () => {
    const [first, second] = tokensOf(await complete({ samples: 2, options: { keepRows: 30, temperature: 0 } }));
    expect(first).toEqual(second);
    const [topOne] = tokensOf(await complete({ samples: 1, options: { keepRows: 30, topK: 1 } }));
    expect(topOne).toEqual(first);
    const [topP] = tokensOf(await complete({ samples: 1, options: { keepRows: 30, topP: 1e-9 } }));
    expect(topP).toEqual(first);
  });

  it("completes from nothing", async () => {
    const { keepRows, samples } = await complete({ samples: 1, options: { keepRows: 0, seed: 1 } });
    expect(keepRows).toBe(0);
    expect(samples[0]?.image.tokens).toHaveLength(1024);
  });

  it("redoes any set of pixels", async () => {
    const keep = Array.from({ length: 1024 }, (_, i) => i % 32 < 16 || i < 70);
    const completion = await complete({ image: gradient, samples: 2, options: { keep, seed: 3 } });
    expect(completion.keepRows).toBe(2);
    for (const tokens of tokensOf(completion)) {
      const given = tokens.filter((_, i) => keep[i]);
      expect(given).toEqual(completion.input.tokens.filter((_, i) => keep[i]));
    }
    expect(tokensOf(completion)[0]).not.toEqual(tokensOf(completion)[1]);
  });

  it("treats keepRows and the same pixels as keep alike", async () => {
    const byRows = await complete({ samples: 1, options: lastRows });
    const keep = Array.from({ length: 1024 }, (_, i) => i < 960);
    const byFlags = await complete({ samples: 1, options: { keep, seed: 7 } });
    expect(tokensOf(byFlags)).toEqual(tokensOf(byRows));
  });

  it("completes what it returned before, by id", async () => {
    const first = await worker.data<{ complete: { input: { id: string } } }>(
      "query ($image: ImageInput!) { complete(image: $image, options: { keepRows: 31 }) { input { id } } }",
      { image: photo },
    );
    const byId = await complete({ image: { id: first.complete.input.id }, options: lastRows });
    const byFile = await complete({ image: photo, options: lastRows });
    expect(tokensOf(byId)).toEqual(tokensOf(byFile));
  });
});

describe("options that are refused", () => {
  const flags = (given: number, length = 1024) => Array.from({ length }, (_, i) => i < given);
  const cases: [string, Record<string, unknown>, string][] = [
    ["samples 0", { samples: 0 }, "BAD_OPTION"],
    ["negative samples", { samples: -1 }, "BAD_OPTION"],
    ["samples above the maximum", { samples: 257 }, "BAD_OPTION"],
    ["samples above what the edge runs", { samples: 256 }, "JOB_TOO_LARGE"],
    ["samples that are no number", { samples: "many" }, "BAD_OPTION"],
    ["keepRows -1", { options: { keepRows: -1 } }, "BAD_OPTION"],
    ["keepRows 32", { options: { keepRows: 32 } }, "BAD_OPTION"],
    ["keep of another length", { options: { keep: flags(3, 1023) } }, "BAD_OPTION"],
    ["keep all true", { options: { keep: flags(1024) } }, "BAD_OPTION"],
    ["keep with a hole", { options: { keep: [...flags(3, 1023), null] } }, "BAD_OPTION"],
    ["keep and keepRows", { options: { keep: flags(3), keepRows: 3 } }, "BAD_OPTION"],
    ["a negative temperature", { options: { temperature: -0.1 } }, "BAD_OPTION"],
    ["a temperature that is no number", { options: { temperature: "NaN" } }, "BAD_OPTION"],
    ["topP 0", { options: { topP: 0 } }, "BAD_OPTION"],
    ["topP above 1", { options: { topP: 1.01 } }, "BAD_OPTION"],
    ["topK -1", { options: { topK: -1 } }, "BAD_OPTION"],
    ["a seed beyond 32 bits", { options: { seed: 2 ** 40 } }, "BAD_OPTION"],
    ["an unknown option", { options: { topQ: 1 } }, "BAD_OPTION"],
    ["an unknown model", { options: { model: "nope" } }, "MODEL_NOT_FOUND"],
    ["an unknown id", { image: { id: "0".repeat(64) } }, "NOT_FOUND"],
    ["an id of another form", { image: { id: "../models/index.json" } }, "NOT_FOUND"],
    ["two forms of image", { image: { ...photo, id: "x" } }, "BAD_IMAGE"],
    ["no form of image", { image: {} }, "BAD_IMAGE"],
    ["no image", { image: null }, "BAD_IMAGE"],
    ["an image of another type", { image: { base64: 1 } }, "BAD_IMAGE"],
    ["not an image", { image: { base64: Buffer.from("hello, world").toString("base64") } }, "BAD_IMAGE"],
    ["not base64", { image: { base64: "%%%" } }, "BAD_IMAGE"],
    ["an empty file", { image: { base64: "" } }, "BAD_IMAGE"],
    ["a truncated file", { image: { base64: photo.base64.slice(0, 1000) } }, "BAD_IMAGE"],
    ["an origin where there is none", { options: { execution: "ORIGIN" } }, "ORIGIN_UNAVAILABLE"],
  ];
  it.each(cases)("%s", async (_, variables, code) => {
    const answer = await worker.ask(QUERY, { image: photo, ...variables });
    expect(answer.errors.map((error) => error.extensions.code)).toEqual([code]);
    expect(answer.errors[0]?.message.length).toBeGreaterThan(20);
    expect(answer.status).toBeLessThan(500);
  });

  /** The same in the text of a query: GraphQL's validation refuses those, not its coercion of variables. */
  const literals: [string, string, string][] = [
    ["a temperature that is NaN", 'image: { id: "x" }, options: { temperature: NaN }', "BAD_OPTION"],
    ["a seed beyond 32 bits", 'image: { id: "x" }, options: { seed: 2147483648 }', "BAD_OPTION"],
    ["half a row", 'image: { id: "x" }, options: { keepRows: 1.5 }', "BAD_OPTION"],
    ["an execution that there is none of", 'image: { id: "x" }, options: { execution: MOON }', "BAD_OPTION"],
    ["an unknown option", 'image: { id: "x" }, options: { topQ: 1 }', "BAD_OPTION"],
    ["samples that are no number", 'image: { id: "x" }, samples: "many"', "BAD_OPTION"],
    ["two forms of image", 'image: { base64: "x", id: "x" }', "BAD_IMAGE"],
    ["no form of image", "image: {}", "BAD_IMAGE"],
    ["no image", "samples: 1", "BAD_IMAGE"],
    ["an image of another type", "image: { base64: 1 }", "BAD_IMAGE"],
    ["an unknown argument", 'image: { id: "x" }, sample: 1', "GRAPHQL_VALIDATION_FAILED"],
  ];
  it.each(literals)("%s, as a literal", async (_, args, code) => {
    const { errors, status } = await worker.ask(`{ complete(${args}) { seed } }`);
    expect(errors[0]?.extensions).toEqual({ code });
    expect(status).toBeLessThan(500);
  });

  it("a picture in a variable that is not given", async () => {
    const { errors } = await worker.ask("query ($base64: String) { complete(image: { base64: $base64 }) { seed } }");
    expect(errors[0]?.extensions.code).toBe("BAD_IMAGE");
  });
});
