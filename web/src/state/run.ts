/** The live completion: one at a time, row by row. */
import { computed, effect, signal } from "@preact/signals";
import { subscribe } from "../api/client.ts";
import { COMPLETE_LIVE } from "../api/documents.ts";
import { ApiError, NOT_YET } from "../api/errors.ts";
import type { CompleteEvent } from "../api/types.ts";
import { type Picture, toDataUri } from "../picture/picture.ts";
import { addToAlbum } from "./album.ts";
import { isRedone, randomSeed, samples, seed, side } from "./settings.ts";
import { source } from "./source.ts";
import { completeVariables, whatIsMissing } from "./variables.ts";

export interface RunSample {
  index: number;
  /** A PNG; pixels not yet made are transparent. */
  dataUri: string;
  nllPerPixel: number | null;
  /** Its entry in the session's album, once finished. */
  albumId: string | null;
}

export interface Run {
  id: number;
  status: "running" | "done" | "stopped" | "failed";
  label: string;
  rowsDone: number;
  rowsTotal: number;
  /** The picture in the palette's colours; until the server has sent it, the picture itself. */
  input: string;
  samples: RunSample[];
  seed: number | null;
  ranOn: string | null;
  engine: string | null;
  milliseconds: number | null;
  error: ApiError | null;
}

export const run = signal<Run | null>(null);
export const running = computed(() => run.value?.status === "running");

let close: (() => void) | null = null;
let counter = 0;

// What was missing is there: nothing has failed.
effect(() => {
  if (whatIsMissing() === "" && run.peek()?.error?.code === NOT_YET) run.value = null;
});

/** Starts a completion; a running one is stopped. Without a seed in the settings, one is drawn so that it can be shown at once. */
export function start(): void {
  stop();
  const missing = whatIsMissing();
  const usedSeed = seed.value ?? randomSeed();
  const begun = performance.now();
  const { picture, label } = source.value;
  const given = toDataUri(picture, 1, isRedone);
  const id = ++counter;
  run.value = {
    id,
    label,
    status: "running",
    rowsDone: 0,
    rowsTotal: side.value,
    input: toDataUri(picture),
    samples: Array.from({ length: samples.value }, (_, index) => ({
      index,
      dataUri: given,
      nllPerPixel: null,
      albumId: null,
    })),
    seed: usedSeed,
    ranOn: null,
    engine: null,
    milliseconds: null,
    error: null,
  };
  const update = (change: Partial<Run>) => {
    if (run.value?.id === id) run.value = { ...run.value, ...change };
  };
  if (missing) {
    update({ status: "failed", error: new ApiError(NOT_YET, missing), samples: [], seed: null });
    return;
  }
  close = subscribe<CompleteEvent>(COMPLETE_LIVE, completeVariables(usedSeed), {
    next: ({ complete }) =>
      update({
        ...readEvent(complete, picture, label),
        ...(complete.completion ? { milliseconds: performance.now() - begun } : {}),
      }),
    failed: (error) => update({ status: "failed", error }),
    ended: () => {
      if (run.value?.id === id && running.value) {
        update({ status: "failed", error: new ApiError("NETWORK", "The stream ended before the last row.") });
      }
    },
  });
}

function readEvent(event: CompleteEvent["complete"], picture: Picture, label: string): Partial<Run> {
  const { rowsDone, rowsTotal, samples: frames, completion, status } = event;
  if (!completion) {
    if (status === "FAILED") return { status: "failed", error: new ApiError("UNREADABLE", "The completion failed.") };
    return { rowsDone, rowsTotal, samples: frames.map((frame) => ({ ...frame, nllPerPixel: null, albumId: null })) };
  }
  const { input, seed: usedSeed, ranOn, engine } = completion;
  if (source.value.picture === picture) source.value = { ...source.value, imageId: input.id };
  addToAlbum({ kind: "given", label, dataUri: input.dataUri });
  const finished = completion.samples.map(({ index, nllPerPixel, image }) => ({
    index,
    nllPerPixel,
    dataUri: image.dataUri,
    albumId: addToAlbum({
      kind: "sample",
      label: `${label}, sample ${index + 1}, seed ${usedSeed}`,
      dataUri: image.dataUri,
    }),
  }));
  return {
    status: "done",
    rowsDone,
    rowsTotal,
    input: input.dataUri,
    samples: finished,
    seed: usedSeed,
    ranOn,
    engine,
  };
}

/** Ends the stream; the server stops working. What has been drawn stays. */
export function stop(): void {
  close?.();
  close = null;
  if (run.value?.status === "running") run.value = { ...run.value, status: "stopped" };
}

/** The same picture and settings, another seed. */
export function another(): void {
  if (seed.value !== null) seed.value = randomSeed();
  start();
}
