/**
 * `npm run bench -- [--quick] [--json FILE] [--svg FILE] [--shapes L8,iGPT-S] [--engines kernel,...] [--no-requests]`:
 * the project beside its peers in one run. Every engine works in a process of its own, one after another, on one thread.
 * Set BENCH_PYTHON to a Python with torch and transformers to have those measured too.
 */
import { access, constants, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { readArguments } from "../lib/arguments.ts";
import { userPath } from "../lib/user-path.ts";
import { writeBundle } from "./bundle.ts";
import { clientsTable, measureClients } from "./clients.ts";
import { measureWorkerdLimits } from "./limits.ts";
import type { Measurement } from "./measure.ts";
import { measureOperations, operationTable } from "./operations.ts";
import { ENGINES, type Job, jobs } from "./plan.ts";
import { plotOf } from "./plot.ts";
import { reportOf, tableOf } from "./report.ts";
import { measureRequests, requestTable } from "./requests.ts";
import { runJob } from "./run.ts";
import { SHAPES, type ShapeName } from "./shapes.ts";
import { measureThumbnails, thumbnailTable } from "./thumbnails.ts";

const USAGE = `npm run bench -- [options]

  --quick            some three minutes: fewer engines, sizes and kinds of requests
  --json FILE        the measures
  --svg FILE         the plot
  --shapes LIST      of ${Object.keys(SHAPES).join(",")}
  --engines LIST     of ${ENGINES.join(",")}
  --no-requests      no whole requests, no thumbnails`;

const { values } = readArguments(USAGE, {
  options: {
    quick: { type: "boolean", default: false },
    json: { type: "string" },
    svg: { type: "string" },
    shapes: { type: "string", default: Object.keys(SHAPES).join(",") },
    engines: { type: "string", default: ENGINES.join(",") },
    "no-requests": { type: "boolean", default: false },
  },
});

// Known before the work, which may take an hour.
const [json, svg] = [await target(values.json), await target(values.svg)];

/** Of each operation, with and without its parts; with `--quick`. */
const REQUESTS = 9;
const OPERATIONS = 7;
const QUICK_OPERATIONS = 2;
const REQUESTS_A_CLIENT = 4;
/** For each of the thumbnails' three measurements. */
const THUMBNAIL_SECONDS = 10;

const folder = await mkdtemp(join(tmpdir(), "igpt-bench-"));
try {
  const limits = await measureWorkerdLimits();
  const shapes = values.shapes.split(",").filter((name): name is ShapeName => name in SHAPES);
  for (const shape of shapes) await writeBundle(join(folder, shape), SHAPES[shape]);
  const results: { job: Job; measured: Measurement }[] = [];
  const engines = values.engines.split(",");
  for (const job of jobs(values.quick, shapes)) {
    if (!engines.includes(job.engine)) continue;
    console.error(`${job.task.shape} ${job.engine}, ${job.task.samples} samples`);
    const measured = await runJob(job, join(folder, job.task.shape));
    if (measured) results.push({ job, measured });
  }
  const report = reportOf(limits, results);
  console.log(tableOf(report));
  if (!values["no-requests"]) {
    const requests = values.quick ? QUICK_OPERATIONS : OPERATIONS;
    report.operations = await measureOperations(requests, { few: values.quick });
    console.log(`\n${operationTable(report.operations)}`);
  }
  if (!values.quick && !values["no-requests"]) {
    report.requests = await measureRequests(REQUESTS);
    console.log(`\n${requestTable(report.requests)}`);
    report.clients = await measureClients(REQUESTS_A_CLIENT);
    console.log(`\n${clientsTable(report.clients)}`);
    report.thumbnails = await measureThumbnails(THUMBNAIL_SECONDS);
    console.log(`\n${thumbnailTable(report.thumbnails)}`);
  }
  if (json) await writeFile(json, JSON.stringify(report, undefined, 1));
  if (svg) await writeFile(svg, plotOf(report));
} finally {
  await rm(folder, { recursive: true });
}

/** Where a file that the user names goes. */
async function target(path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined;
  const file = userPath(path);
  await access(dirname(file), constants.W_OK).catch(() => {
    console.error(`${dirname(file)} is no folder that can be written to.`);
    process.exit(2);
  });
  return file;
}
