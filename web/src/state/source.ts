/** The picture that is to be completed, and the way back from changes to it. */
import { signal } from "@preact/signals";
import { floodCells, paint } from "../picture/brush.ts";
import { blank, type Color, type Picture, readPicture, shrink } from "../picture/picture.ts";
import { SHIPPED, type ShippedPicture } from "../picture/shipped.ts";

/** Undo steps that are kept: 4 KB each. */
const MOST_STEPS = 100;

export interface Source {
  picture: Picture;
  label: string;
  /** Which shipped picture it is, unchanged; else null. */
  shipped: string | null;
  /** The API's id of this very picture, once known; else null. */
  imageId: string | null;
}

export const source = signal<Source>({ picture: blank([255, 255, 255]), label: "Blank", shipped: null, imageId: null });
export const sourceProblem = signal("");
export const canUndo = signal(false);

let steps: Source[] = [];

/** Another picture; what was drawn before can still be brought back by undo. */
export function setPicture(
  picture: Picture,
  label: string,
  from: Partial<Pick<Source, "shipped" | "imageId">> = {},
): void {
  rememberStep();
  source.value = { picture, label, shipped: from.shipped ?? null, imageId: from.imageId ?? null };
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
}

/** Part of a stroke: see `rememberStep`. */
export function paintCells(cells: Iterable<number>, color: Color): void {
  source.value = { picture: paint(source.value.picture, cells, color), label: "Drawing", shipped: null, imageId: null };
}

export function fillFrom(x: number, y: number, color: Color): void {
  rememberStep();
  paintCells(floodCells(source.value.picture, { x, y }), color);
}

/** A dropped, pasted, chosen or photographed file. */
export async function openFile(file: Blob, label: string): Promise<void> {
  try {
    setPicture(await readPicture(file), label);
  } catch (error) {
    sourceProblem.value = error instanceof Error ? error.message : String(error);
  }
}

export async function openShipped({ id, label, address }: ShippedPicture): Promise<void> {
  await openAddress(address, label, { shipped: id });
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
    const response = await fetch(address);
    if (!response.ok) throw new Error("The picture of this link is no longer there. Choose another.");
    setPicture(await readPicture(await response.blob()), label, from);
  } catch (error) {
    sourceProblem.value = error instanceof Error ? error.message : String(error);
  }
}

export function openVideoFrame(video: HTMLVideoElement): void {
  setPicture(shrink(video, video.videoWidth, video.videoHeight), "Photo");
}

/** The first picture of a visit. */
export const FIRST: ShippedPicture | undefined = SHIPPED[0];
