/** From measurements to the JSON of the contract and a table. */

import type { ClientsRow } from "./clients.ts";
import { type Limits, streamOf } from "./limits.ts";
import type { Measurement } from "./measure.ts";
import type { OperationRow } from "./operations.ts";
import { type EngineName, type Job, type RuntimeName, runtimeOf } from "./plan.ts";
import type { RequestRow } from "./requests.ts";
import { halfOf, operations, SHAPES, type ShapeName, weightBytesPerStep } from "./shapes.ts";
import type { Thumbnails } from "./thumbnails.ts";

export interface Row extends Measurement {
  shape: ShapeName;
  engine: EngineName | "ort-web" | "ort-node";
  samples: number;
  runtime: RuntimeName;
  /** Not every step was run: the mean is of evenly spread ones. */
  extrapolated: boolean;
  /** int8 weights read a second, were they read once a step; and operations a second, attention included. */
  gbPerSecond: number;
  gopPerSecond: number;
  /** Share of the tighter of the two limits, for the weights alone; only of the kernel. */
  ofLimit?: number;
  /** How many times faster than this row the kernel is at the same work, by CPU time. */
  kernelIsFasterBy?: number;
}

export interface Report {
  limits: Limits;
  rows: Row[];
  /** The CPU time of a request of each kind. */
  operations?: OperationRow[];
  /** Whole requests; not with `--quick`. */
  requests?: RequestRow[];
  /** The same from a large photo, by several clients; not with `--quick`. */
  clients?: ClientsRow[];
  /** Thumbnails under load; not with `--quick`. */
  thumbnails?: Thumbnails;
}

export function reportOf(limits: Limits, results: readonly { job: Job; measured: Measurement }[]): Report {
  const rows = results.map(({ job, measured }) => rowOf(limits, job, measured));
  const bests = ["ort-web", "ort-node"].flatMap((name) => bestOf(rows, name as "ort-web" | "ort-node"));
  for (const row of [...rows, ...bests]) {
    const kernel = rows.find((k) => k.engine === "kernel" && k.shape === row.shape && k.samples === row.samples);
    if (kernel && row.engine !== "kernel") row.kernelIsFasterBy = row.cpuMsPerStep / kernel.cpuMsPerStep;
  }
  return { limits, rows: [...rows, ...bests] };
}

function rowOf(limits: Limits, { engine, task: { shape, samples } }: Job, measured: Measurement): Row {
  const size = SHAPES[shape];
  const seconds = measured.cpuMsPerStep / 1000;
  const meanContext = 1.5 * halfOf(size);
  const row: Row = {
    shape,
    engine,
    samples,
    runtime: runtimeOf(engine),
    ...measured,
    extrapolated: measured.steps < halfOf(size) || engine === "full-forward",
    gbPerSecond: weightBytesPerStep(size) / seconds / 1e9,
    gopPerSecond: (operations(size, meanContext) * samples) / seconds / 1e9,
  };
  if (engine === "kernel") {
    const byRead = weightBytesPerStep(size) / streamOf(limits, shape) / 1e6;
    const byDots = (operations(size, meanContext) * samples) / limits.dots / 1e6;
    row.ofLimit = Math.max(byRead, byDots) / measured.cpuMsPerStep;
  }
  return row;
}

/** The faster of fp32 and int8 of each work, under the common name. */
function bestOf(rows: readonly Row[], name: "ort-web" | "ort-node"): Row[] {
  const parts = rows.filter(({ engine }) => engine === `${name}-fp32` || engine === `${name}-int8`);
  const best = new Map<string, Row>();
  for (const row of parts) {
    const key = `${row.shape} ${row.samples}`;
    const known = best.get(key);
    if (!known || row.cpuMsPerStep < known.cpuMsPerStep) best.set(key, row);
  }
  return [...best.values()].map((row) => ({ ...row, engine: name }));
}

export function tableOf({ limits, rows }: Report): string {
  const lines = [
    `limits in ${limits.runtime}: reading ${limits.streamL8.toFixed(1)} GB/s (L8), ${limits.streamL12.toFixed(1)} (L12), ` +
      `${limits.streamIGPTS.toFixed(1)} (iGPT-S); dots ${limits.dots.toFixed(0)} GOP/s`,
    "",
    cells(
      "shape",
      "engine",
      "in",
      "B",
      "ms/step",
      "CPU ms",
      "prefix, ms",
      "half, ms",
      "cold, ms",
      "peak MiB",
      "GB/s",
      "GOP/s",
      "of limit",
      "kernel x",
    ),
  ];
  const order = (row: Row) => Object.keys(SHAPES).indexOf(row.shape) * 100 + row.samples;
  for (const row of [...rows].sort((a, b) => order(a) - order(b))) {
    lines.push(
      cells(
        row.shape,
        row.engine + (row.extrapolated ? " *" : ""),
        row.runtime,
        row.samples,
        row.msPerStep.toFixed(2),
        row.cpuMsPerStep.toFixed(2),
        row.msPrefill.toFixed(0),
        row.msHalfPicture.toFixed(0),
        row.coldStartMs.toFixed(0),
        row.peakMiB.toFixed(0),
        row.gbPerSecond.toFixed(1),
        row.gopPerSecond.toFixed(0),
        row.ofLimit ? `${(row.ofLimit * 100).toFixed(0)}%` : "",
        row.kernelIsFasterBy ? row.kernelIsFasterBy.toFixed(1) : "",
      ),
    );
  }
  lines.push(
    "",
    "* from evenly spread steps; full-forward from one step of each row measured.",
    "CPU ms: of the process, a step. GB/s, GOP/s, shares and ratios are by CPU time: wall times include waiting for others.",
  );
  return lines.join("\n");
}

const WIDTHS = [7, 19, 7, 3, 9, 9, 10, 9, 9, 9, 7, 7, 9, 9];

function cells(...values: (string | number)[]): string {
  return values
    .map((value, i) => (i < 3 ? `${value}`.padEnd(WIDTHS[i] ?? 0) : `${value}`.padStart(WIDTHS[i] ?? 0)))
    .join(" ");
}
