/** A model of 64x64 pictures at the edge and at an origin: the same samples, live and in a job's chunks. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { goldenFolder } from "../golden/folder.ts";
import { startWorker, type TestWorker } from "../harness.ts";
import { ended, submitted } from "../jobs/client.ts";
import { photo } from "../worker/pictures.ts";
import { OriginProcess } from "./process.ts";

const folder = goldenFolder("tiny", "large");
let origin: OriginProcess;
let worker: TestWorker;
beforeAll(async () => {
  origin = await OriginProcess.start(["--models", folder.path]);
  worker = await startWorker({ models: folder.path, vars: { ORIGIN_URLS: origin.url } });
});
afterAll(async () => {
  await worker?.close();
  await origin?.stop("SIGKILL");
  folder.remove();
});

const QUERY = `query ($image: ImageInput!, $samples: Int!, $options: CompleteOptions) {
  complete(image: $image, samples: $samples, options: $options) { ranOn samples { image { width tokens } nllPerPixel } }
}`;
interface Completed {
  ranOn: string;
  samples: { image: { width: number; tokens: number[] }; nllPerPixel: number }[];
}
const complete = async (samples: number, options: Record<string, unknown>) => {
  const variables = { image: photo, samples, options: { model: "large", seed: 5, ...options } };
  return (await worker.data<{ complete: Completed }>(QUERY, variables)).complete;
};

it("half a picture is the same at both", async () => {
  const edge = await complete(2, { execution: "EDGE" });
  const there = await complete(2, { execution: "ORIGIN" });
  expect([edge.ranOn, there.ranOn]).toEqual(["EDGE", "ORIGIN"]);
  expect(there.samples).toEqual(edge.samples);
  expect(edge.samples[0]?.image).toMatchObject({ width: 64, tokens: { length: 4096 } });
});

it("a hole with candidates, too", async () => {
  const keep = Array.from({ length: 4096 }, (_, i) => i % 64 < 30 || i % 64 > 34 || i < 3200 || i > 3500);
  const edge = await complete(1, { execution: "EDGE", keep, candidates: 3 });
  expect((await complete(1, { execution: "ORIGIN", keep, candidates: 3 })).samples).toEqual(edge.samples);
});

it("a job's chunks are parts of the same samples", async () => {
  const options = { model: "large", seed: 5, keepRows: 60 };
  const id = await submitted(worker, { image: photo, samples: 20, options: { ...options, execution: "ORIGIN" } });
  const job = await ended(worker, id);
  expect(job.status).toBe("SUCCEEDED");
  const tokens = job.samples.map(({ image }) => image.tokens);
  expect(tokens).toHaveLength(20);
  const live = await complete(3, { keepRows: 60, execution: "EDGE" });
  expect(tokens.slice(0, 3)).toEqual(live.samples.map(({ image }) => image.tokens));
});
