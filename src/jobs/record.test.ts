import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { JobRecord, Maker } from "./record.ts";
import * as record from "./record.ts";

const maker: Maker = { ranOn: "ORIGIN", engine: "kernel" };

function newJob(): JobRecord {
  return {
    ...{ id: "job_1", owner: "o", payload: "p", model: { id: "m", version: "1" }, seed: 1, keepRows: 31, samples: 40 },
    ...{
      pixels: 40 * 32,
      status: "QUEUED",
      error: null,
      retrying: null,
      createdAt: 0,
      finishedAt: null,
      expiresAt: 10_000,
      launches: 1,
    },
    ...{ aliveAt: 0, reservation: { id: "r", meter: null, settled: false }, webhook: null },
    chunks: [
      { first: 0, count: 20, made: null },
      { first: 20, count: 20, made: null },
    ],
  };
}

describe("a job's state", () => {
  it("once it has ended stays as it is, whatever comes", () => {
    const changes = [
      (job: JobRecord) => record.begun(job, 5),
      (job: JobRecord) => record.withChunk(job, 0, maker, 5),
      (job: JobRecord) => record.withChunk(job, 1, { ranOn: "EDGE", engine: "x" }, 5),
      (job: JobRecord) => record.failed(job, { code: "BUSY", message: "" }, 5),
      (job: JobRecord) => record.cancelled(job, 5),
      (job: JobRecord) => record.stumbled(job, { code: "BUSY", message: "" }),
      (job: JobRecord) => (record.samplesDone(job) === job.samples ? record.succeeded(job, 5) : job),
    ];
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...changes), { maxLength: 12 }), (sequence) => {
        let job = newJob();
        for (const change of sequence) {
          const after = change(job);
          if (record.hasEnded(job)) expect(after).toEqual(job);
          expect(record.samplesDone(after)).toBeGreaterThanOrEqual(record.samplesDone(job));
          job = after;
        }
        if (job.status === "SUCCEEDED") expect(record.samplesDone(job)).toBe(job.samples);
      }),
    );
  });

  it("tells of trouble while it is tried again, until it gets on or has ended", () => {
    const trouble = { code: "BUSY", message: "later" } as const;
    const stumbled = record.stumbled(record.begun(newJob(), 1), trouble);
    expect(stumbled.retrying).toEqual(trouble);
    expect(record.begun(stumbled, 2).retrying).toEqual(trouble);
    // The same again is no change, which would be written.
    expect(record.stumbled(stumbled, { ...trouble })).toBe(stumbled);
    const passed = [
      record.stumbled(stumbled, null),
      record.withChunk(stumbled, 0, maker, 3),
      record.cancelled(stumbled, 3),
      record.failed(stumbled, { code: "BUSY", message: "" }, 3),
    ];
    for (const job of passed) expect(job.retrying).toBeNull();
  });

  it("is kept as long after its end as was said at its beginning", () => {
    expect(record.begun(newJob(), 400).expiresAt).toBe(10_000);
    const half = record.withChunk(newJob(), 0, maker, 1);
    const endings = [
      record.succeeded(record.withChunk(half, 1, maker, 2), 500),
      record.cancelled(half, 500),
      record.failed(half, { code: "BUSY", message: "" }, 500),
    ];
    for (const job of endings) expect(record.cancelled(job, 900)).toMatchObject({ finishedAt: 500, expiresAt: 10_500 });
  });

  it("keeps the first maker of a chunk that is made twice", () => {
    const once = record.withChunk(newJob(), 0, maker, 1);
    expect(record.withChunk(once, 0, { ranOn: "EDGE", engine: "other" }, 2).chunks[0]?.made).toEqual(maker);
  });

  it("does not succeed while samples are missing", () => {
    expect(() => record.succeeded(record.withChunk(newJob(), 1, maker, 1), 2)).toThrow("20 of 40");
  });

  it("costs what was made: all, the stored chunks of a cancelled one, nothing of a failed one", () => {
    const half = record.withChunk(newJob(), 0, maker, 1);
    const whole = record.succeeded(record.withChunk(half, 1, maker, 2), 3);
    expect(record.pixelsUsed(whole)).toBe(1280);
    expect(record.pixelsUsed(record.cancelled(half, 3))).toBe(640);
    expect(record.pixelsUsed(record.failed(half, { code: "BUSY", message: "" }, 3))).toBe(0);
  });

  it("names all that made its samples", () => {
    const job = record.withChunk(record.withChunk(newJob(), 0, maker, 1), 1, { ranOn: "EDGE", engine: "onnx" }, 2);
    expect(record.makerOf(job)).toEqual({ ranOn: "ORIGIN", engine: "kernel+onnx" });
  });
});
