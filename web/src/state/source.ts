/** The picture that is to be completed, and the way back from changes to it. */
import { effect, signal } from "@preact/signals";
import { floodCells, paint } from "../picture/brush.ts";
import { blank, type Color, type Picture, readPicture, resized, shrink, sideOf } from "../picture/picture.ts";
import { addressFor, SHIPPED, type ShippedPicture } from "../picture/shipped.ts";
import { side } from "./settings.ts";

/** Undo steps that are kept: 4 KB each, 16 KB of 64x64. */
const MOST_STEPS = 100;

export interface Source {
  picture: Picture;
  label: string;
  /** Which shipped picture it is, unchanged; else null. */
  shipped: string | null;
  /** The API's id of this very picture, once known; else null. */
  imageId: string | null;
  /** What it was read from, unchanged, to read it again for a model that sees more; else null. */
  file: Blob | null;
}

const DRAWN = { shipped: null, imageId: null, file: null };

export const source = signal<Source>({ ...DRAWN, picture: blank([255, 255, 255], side.value), label: "Blank" });
export const sourceProblem = signal("");
export const canUndo = signal(false);

let steps: Source[] = [];

/** Another picture; what was drawn before can still be brought back by undo. */
export function setPicture(
  picture: Picture,
  label: string,
  from: Partial<Pick<Source, "shipped" | "imageId" | "file">> = {},
): void {
  rememberStep();
  source.value = { ...DRAWN, picture, label, ...from };
  sourceProblem.value = "";
}

/** To be called once before a stroke. */
export function rememberStep(): void {
  steps = [...steps.slice(-(MOST_STEPS - 1)), source.value];
  canUndo.value = true;
}

export function undo(): void {
  const step = steps.at(-1);
  if (!step) return;
  steps = steps.slice(0, -1);
  source.value = step;
  canUndo.value = steps.length > 0;
  void refit(side.value);
}

// Another model may see another number of pixels.
effect(() => void refit(side.value));

/** Brings the picture to side x side, from what it was read from where that is still known. */
async function refit(wanted: number): Promise<void> {
  const before = source.peek();
  if (sideOf(before.picture) === wanted) return;
  const { file, shipped } = before;
  source.value = { ...before, picture: resized(before.picture, wanted), imageId: null };
  if (!file) return;
  const known = SHIPPED.find(({ id }) => id === shipped);
  const better = known ? await load(addressFor(known, wanted)) : file;
  const picture = await readPicture(better, wanted);
  // Unless it was drawn on, or another one was chosen, meanwhile.
  if (source.peek().file === file) source.value = { ...source.peek(), picture };
}

/** Part of a stroke: see `rememberStep`. */
export function paintCells(cells: Iterable<number>, color: Color): void {
  source.value = { ...DRAWN, picture: paint(source.value.picture, cells, color), label: "Drawing" };
}

export function fillFrom(x: number, y: number, color: Color): void {
  rememberStep();
  paintCells(floodCells(source.value.picture, { x, y }), color);
}

/** A dropped, pasted, chosen or photographed file. */
export async function openFile(file: Blob, label: string): Promise<void> {
  try {
    setPicture(await readPicture(file, side.value), label, { file });
  } catch (error) {
    sourceProblem.value = error instanceof Error ? error.message : String(error);
  }
}

export async function openShipped(picture: ShippedPicture): Promise<void> {
  await openAddress(addressFor(picture, side.value), picture.label, { shipped: picture.id });
}

/** A picture that the API stored; its thumbnail has the very pixels. */
export async function openStored(imageId: string): Promise<void> {
  await openAddress(`/thumbnails/${encodeURIComponent(imageId)}.png`, "From a link", { imageId });
}

async function openAddress(
  address: string,
  label: string,
  from: Partial<Pick<Source, "shipped" | "imageId">>,
): Promise<void> {
  try {
    const file = await load(address);
    setPicture(await readPicture(file, side.value), label, { ...from, file });
  } catch (error) {
    sourceProblem.value = error instanceof Error ? error.message : String(error);
  }
}

async function load(address: string): Promise<Blob> {
  const response = await fetch(address);
  if (!response.ok) throw new Error("The picture of this link is no longer there. Choose another.");
  return response.blob();
}

export function openVideoFrame(video: HTMLVideoElement): void {
  setPicture(shrink(video, video.videoWidth, video.videoHeight, side.value), "Photo");
}

/** The first picture of a visit. */
export const FIRST: ShippedPicture | undefined = SHIPPED[0];
