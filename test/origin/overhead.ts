/**
 * `npx tsx test/origin/overhead.ts`: what the way to the origin and back adds to the origin's own compute, for a request
 * that is small (one row of one sample), measured from the client.
 */
import { buildWorker as setup } from "../../lib/build-worker.ts";
import { startWorker } from "../harness.ts";
import { picture } from "../jobs/client.ts";
import { OriginProcess } from "./process.ts";

const REQUESTS = 40;
const QUERY = `query ($image: ImageInput!, $seed: Int!) {
  complete(image: $image, options: { keepRows: 31, execution: ORIGIN, seed: $seed }) { ranOn engine samples { nllPerPixel } }
}`;

await setup();
const origin = await OriginProcess.start();
const worker = await startWorker({ vars: { ORIGIN_URLS: origin.url, ENGINE: "kernel", FLOOD_GUARD: "off" } });
try {
  const overheads: number[] = [];
  for (let seed = 0; seed < REQUESTS; seed++) {
    const start = performance.now();
    await worker.data(QUERY, { image: picture(), seed });
    const total = performance.now() - start;
    const line = origin.lines.filter(({ event }) => event === "infer").at(-1);
    // The first ones load the model and compile.
    if (seed >= 5) overheads.push(total - Number(line?.computeMs));
  }
  overheads.sort((a, b) => a - b);
  const at = (share: number) => overheads[Math.floor(share * overheads.length)]?.toFixed(1);
  console.log(
    `overhead beyond the origin's compute: p50 ${at(0.5)} ms, p95 ${at(0.95)} ms (${overheads.length} requests)`,
  );
} finally {
  await worker.close();
  await origin.stop("SIGKILL");
}
