/** `CompleteOptions.candidates` through the Worker: what a user may rely on. */
import { beforeAll, expect, it } from "vitest";
import { bearer, issueKey } from "../access/admin.ts";
import { type SharedWorker, sharedWorker } from "../shared-worker.ts";
import { photo } from "./pictures.ts";

interface Completion {
  input: { tokens: number[] };
  samples: { index: number; nllPerPixel: number; image: { tokens: number[] } }[];
}

const FIELDS = "input { tokens } samples { index nllPerPixel image { tokens } }";
const QUERY = `query ($image: ImageInput!, $samples: Int! = 1, $options: CompleteOptions) {
  complete(image: $image, samples: $samples, options: $options) { ${FIELDS} } }`;
const USED = "{ viewer { usage { pixelsThisMonth } } }";

const model = "igpt-small";
/** Two rows of six pixels near the lower edge. */
const keep = Array.from({ length: 1024 }, (_, i) => ![29, 30].includes(i >> 5) || i % 32 < 10 || i % 32 > 15);
const HOLE = 12;

let worker: SharedWorker;
beforeAll(async () => {
  worker = await sharedWorker("open");
});

const complete = async (samples: number, options: Record<string, unknown>) => {
  const variables = { image: photo, samples, options: { model, keep, seed: 7, ...options } };
  return (await worker.data<{ complete: Completion }>(QUERY, variables)).complete;
};
const tokensOf = ({ samples }: Completion) => samples.map(({ image }) => image.tokens);

it("fills the hole and nothing else; repeats with its seed; sample i is the same for any number of samples", async () => {
  const three = await complete(3, { candidates: 6 });
  for (const tokens of tokensOf(three)) {
    keep.forEach((given, pixel) => {
      if (given) expect(tokens[pixel]).toBe(three.input.tokens[pixel]);
    });
  }
  for (const { nllPerPixel } of three.samples) expect(nllPerPixel).toBeGreaterThan(0);
  expect(new Set(tokensOf(three).map(String)).size).toBe(3);
  expect(await complete(3, { candidates: 6 })).toEqual(three);
  expect((await complete(2, { candidates: 6 })).samples).toEqual(three.samples.slice(0, 2));
  expect(tokensOf(await complete(3, { candidates: 6, seed: 8 }))).not.toEqual(tokensOf(three));
});

it("is plain forcing with one candidate, and changes nothing where nothing given follows", async () => {
  const plain = await complete(2, {});
  expect(await complete(2, { candidates: 1 })).toEqual(plain);
  expect(tokensOf(await complete(2, { candidates: 6 }))).not.toEqual(tokensOf(plain));
  const below = keep.map((_, pixel) => pixel < 1000);
  expect(await complete(1, { keep: below, candidates: 8 })).toEqual(await complete(1, { keep: below }));
  expect(await complete(1, { temperature: 0, candidates: 8 })).toEqual(await complete(1, { temperature: 0 }));
});

it("finds fills after which the given pixels are likelier", async () => {
  // Nats of the given pixels from the hole on, the mean over three fills.
  const seam = async (candidates: number) => {
    const variables = { image: photo, samples: 3, options: { model, keep, seed: 7, candidates } };
    const { complete: made } = await worker.data<{ complete: { samples: { image: { id: string } }[] } }>(
      QUERY.replace("image { tokens }", "image { id }"),
      variables,
    );
    let sum = 0;
    for (const { image } of made.samples) {
      const { likelihood } = await worker.data<{ likelihood: { perPixel: number[] } }>(
        'query ($image: ImageInput!) { likelihood(image: $image, model: "igpt-small") { perPixel } }',
        { image: { id: image.id } },
      );
      likelihood.perPixel.forEach((nats, pixel) => {
        if (keep[pixel] && pixel > keep.indexOf(false)) sum += nats / made.samples.length;
      });
    }
    return sum;
  };
  expect(await seam(12)).toBeLessThan(await seam(1));
});

it("counts all candidates: the quota, the query's cost", async () => {
  const { secret } = await issueKey(worker, { pixelsPerMonth: 200 });
  const ask = (samples: number, options: Record<string, unknown>) =>
    worker.ask(QUERY, { image: photo, samples, options: { model, keep, seed: 7, ...options } }, bearer(secret));
  const used = async () =>
    (await worker.data<{ viewer: { usage: { pixelsThisMonth: number } } }>(USED, {}, bearer(secret))).viewer.usage
      .pixelsThisMonth;
  expect((await ask(2, { candidates: 8 })).errors).toEqual([]);
  await expect.poll(used).toBe(2 * 8 * HOLE);
  const [refused] = (await ask(1, { candidates: 2 })).errors;
  expect(refused?.extensions.code).toBe("QUOTA_EXCEEDED");
  const two = `query ($image: ImageInput!, $options: CompleteOptions) {
    a: complete(image: $image, samples: 16, options: $options) { seed }
    b: complete(image: $image, samples: 16, options: $options) { seed } }`;
  const wide = { keep: keep.map((_, i) => i > 300), candidates: 32 };
  const [costly] = (await worker.ask(two, { image: photo, options: wide })).errors;
  expect(costly?.extensions.code).toBe("QUERY_TOO_COSTLY");
});

it("says what is too much", async () => {
  const [outOfRange] = (await worker.ask(QUERY, { image: photo, options: { model, keep, candidates: 33 } })).errors;
  expect(outOfRange).toMatchObject({
    message: "candidates must be an integer from 1 to 32.",
    extensions: { code: "BAD_OPTION" },
  });
  const { models } = await worker.data<{ models: { edgeCandidates: number }[] }>("{ models { edgeCandidates } }");
  for (const { edgeCandidates } of models) expect(edgeCandidates).toBeGreaterThanOrEqual(16);
  const variables = { image: photo, samples: 16, options: { model, keep, candidates: 16 } };
  const [tooLarge] = (await worker.ask(QUERY, variables)).errors;
  expect(tooLarge?.extensions.code).toBe("JOB_TOO_LARGE");
  expect(tooLarge?.message).toContain("With 16 candidates each, the edge runs up to 8 samples");
});

it("streams the likeliest candidate, with the given pixels from the first event on, and ends as the query does", async () => {
  const query = `subscription ($image: ImageInput!, $options: CompleteOptions) {
    complete(image: $image, options: $options) {
      rowsDone rowsTotal samples { tokens } completion { ${FIELDS} } } }`;
  interface Event {
    rowsDone: number;
    rowsTotal: number;
    samples: { tokens: number[] }[];
    completion: Completion | null;
  }
  const response = await worker.request("/graphql", {
    method: "POST",
    headers: { "content-type": "application/json", accept: "text/event-stream" },
    body: JSON.stringify({ query, variables: { image: photo, options: { model, keep, seed: 7, candidates: 6 } } }),
  });
  const events = (await response.text())
    .split("\n\n")
    .filter((block) => block.startsWith("event: next"))
    .map((block) => JSON.parse(block.slice(block.indexOf("data: ") + 6)).data.complete as Event);
  expect(events.map(({ rowsDone, rowsTotal }) => [rowsDone, rowsTotal])).toEqual([
    [0, 2],
    [1, 2],
    [2, 2],
    [2, 2],
  ]);
  const known = events.map(({ samples }) => samples[0]?.tokens.filter((token) => token >= 0).length ?? 0);
  expect(known).toEqual([1024 - HOLE, 1024 - HOLE / 2, 1024, 1024]);
  expect(events.at(-1)?.completion).toEqual(await complete(1, { candidates: 6 }));
});
