/** How pictures are completed: what the controls set and a link restores. */
import { computed, effect, signal } from "@preact/signals";
import type { ModelFacts } from "../api/types.ts";

/** What is kept: the rows above a line, or all that no mask covers. */
export type Region = "line" | "mask";

/** Enough that one sees it, and few enough to wait for. */
export const DEFAULT_CANDIDATES = 8;
/** The schema's limit of `candidates`, and how many the edge runs for all samples of a request. */
export const MOST_CANDIDATES = 32;
const ALL_CANDIDATES = 128;
/** A server that has not said how many samples its edge runs is asked for no more than this. */
const UNKNOWN_EDGE_SAMPLES = 8;

/** What the page begins with, before the server has told its models. */
export const FIRST_SIDE = 32;

export const samples = signal(4);
/** The API's defaults, where a model recommends nothing. */
const PLAIN = { temperature: 1, topP: 1 };

export const temperature = signal(PLAIN.temperature);
/** 1 = off. */
export const topP = signal(PLAIN.topP);
/** 0 = off. */
export const topK = signal(0);
/** null = another one each time. */
export const seed = signal<number | null>(null);

export const models = signal<readonly ModelFacts[]>([]);
/** null = the server's default. */
export const modelId = signal<string | null>(null);
export const defaultModelId = signal<string | null>(null);

export const model = computed(() => {
  const id = modelId.value ?? defaultModelId.value;
  return models.value.find((candidate) => candidate.id === id) ?? null;
});

// The page starts from what a model recommends; what somebody has set, or a link, stays.
let recommended = PLAIN;
effect(() => {
  const now = model.value?.recommended ?? PLAIN;
  if (temperature.peek() === recommended.temperature && topP.peek() === recommended.topP) {
    temperature.value = now.temperature;
    topP.value = now.topP;
  }
  recommended = now;
});

/** What a link says of its model's pictures, until the server has told. */
export const linkedSide = signal(FIRST_SIDE);
/** Pixels a side of the model's pictures. */
export const side = computed(() => model.value?.resolution ?? linkedSide.value);

export const region = signal<Region>("line");
/** The schema's default is half of the rows. */
export const keepRows = signal(FIRST_SIDE / 2);
/** Flags of all pixels in raster order, true = redo this pixel. */
export const mask = signal<readonly boolean[]>(emptyMask(FIRST_SIDE));

// With a model of another side the same part of the picture stays chosen.
effect(() => {
  const now = side.value;
  const before = Math.sqrt(mask.peek().length);
  if (now === before) return;
  keepRows.value = Math.round((keepRows.peek() * now) / before);
  mask.value = scaledMask(mask.peek(), before, now);
});

/** Of masks: what is drawn then fits what is right of it and below it. 1 = off. */
export const candidates = signal(DEFAULT_CANDIDATES);
/** What the edge runs of them; a model that only an origin runs may have any number. */
export const mostCandidates = computed(() => model.value?.edgeCandidates || MOST_CANDIDATES);
/** Of each sample of the next request. */
export const candidatesNow = computed(() =>
  region.value === "mask" ? Math.min(candidates.value, mostCandidates.value) : 1,
);

/** The most samples of one live request. */
export const mostSamples = computed(() => {
  const samples = model.value?.edgeSamples || UNKNOWN_EDGE_SAMPLES;
  return candidatesNow.value > 1 ? Math.min(samples, Math.floor(ALL_CANDIDATES / candidatesNow.value)) : samples;
});

export function emptyMask(pixelsASide = side.value): boolean[] {
  return new Array<boolean>(pixelsASide ** 2).fill(false);
}

function scaledMask(flags: readonly boolean[], before: number, now: number): boolean[] {
  const from = (at: number) => Math.floor((at * before) / now);
  return Array.from({ length: now ** 2 }, (_, i) => flags[from(Math.floor(i / now)) * before + from(i % now)] === true);
}

/** Is this pixel (raster index) drawn anew? */
export function isRedone(index: number): boolean {
  return region.value === "line" ? index >= keepRows.value * side.value : mask.value[index] === true;
}

export function randomSeed(): number {
  return crypto.getRandomValues(new Uint32Array(1)).map((value) => value >>> 1)[0] ?? 0;
}
