/** Fills by candidates at an origin: those of the edge, token for token, where both run the kernel. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { startWorker, type TestWorker } from "../harness.ts";
import { ended, submitted } from "../jobs/client.ts";
import { photo } from "../worker/pictures.ts";
import { OriginProcess } from "./process.ts";

/** Near the upper edge: what an origin that keeps nothing computes anew each time is little. */
const keep = Array.from({ length: 1024 }, (_, i) => ![1, 2].includes(i >> 5) || i % 32 < 10 || i % 32 > 15);
const options = { keep, seed: 3, candidates: 5, temperature: 0.95 };
const COMPLETED = "ranOn engine samples { index nllPerPixel image { tokens } }";
interface Completed {
  ranOn: string;
  engine: string;
  samples: { index: number; nllPerPixel: number; image: { tokens: number[] } }[];
}

let origin: OriginProcess;
let worker: TestWorker;
beforeAll(async () => {
  origin = await OriginProcess.start();
  worker = await startWorker({ vars: { ORIGIN_URLS: origin.url, ENGINE: "kernel", EDGE_BUDGET_GIGAMACS: "6" } });
});
afterAll(async () => {
  await worker?.close();
  await origin?.stop("SIGKILL");
});

const complete = async (samples: number, more: Record<string, unknown>) => {
  const query = `query ($image: ImageInput!, $samples: Int!, $options: CompleteOptions) {
    complete(image: $image, samples: $samples, options: $options) { ${COMPLETED} } }`;
  const variables = { image: photo, samples, options: { ...options, ...more } };
  return (await worker.data<{ complete: Completed }>(query, variables)).complete;
};

it("gives the edge's samples", async () => {
  const edge = await complete(3, { execution: "EDGE" });
  expect(edge).toMatchObject({ ranOn: "EDGE", engine: "kernel" });
  const there = await complete(3, { execution: "ORIGIN" });
  expect(there).toMatchObject({ ranOn: "ORIGIN", engine: "kernel" });
  expect(there.samples).toEqual(edge.samples);
  expect((await complete(1, { execution: "ORIGIN" })).samples).toEqual(edge.samples.slice(0, 1));
});

it("is chosen by what the candidates cost", async () => {
  expect((await complete(1, { candidates: 1 })).ranOn).toBe("EDGE");
  expect((await complete(1, {})).ranOn).toBe("ORIGIN");
});

it("does jobs, as the edge does them", async () => {
  const edge = await complete(2, { execution: "EDGE" });
  for (const execution of ["ORIGIN", "EDGE"]) {
    const id = await submitted(worker, { image: photo, samples: 2, options: { ...options, execution } });
    expect(await ended(worker, id)).toMatchObject({ status: "SUCCEEDED", ranOn: execution, samples: edge.samples });
  }
});
