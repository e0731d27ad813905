import { beforeAll, expect, it } from "vitest";
import { type SharedWorker, sharedWorker } from "../shared-worker.ts";
import { ended, picture, submit, submitted } from "./client.ts";

let worker: SharedWorker;
beforeAll(async () => {
  worker = await sharedWorker("open");
});

it("without an origin, jobs run at the edge, or are refused", async () => {
  const options = { keepRows: 30, seed: 5 };
  const answer = await ended(worker, await submitted(worker, { image: picture(), samples: 5, options }));
  expect(answer).toMatchObject({ status: "SUCCEEDED", ranOn: "EDGE", engine: "kernel" });
  expect(answer.samples).toHaveLength(5);
  const { userErrors } = await submit(worker, { image: picture(), samples: 200 });
  expect(userErrors).toMatchObject([{ code: "JOB_TOO_LARGE", path: ["samples"] }]);
  const wanted = await submit(worker, { image: picture(), options: { execution: "ORIGIN" } });
  expect(wanted.userErrors).toMatchObject([{ code: "ORIGIN_UNAVAILABLE" }]);
});
