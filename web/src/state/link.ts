/** The settings and the picture as the link's fragment, which no server sees. */

import { fromUrlSafe, packMask, toUrlSafe, unpackMask } from "../picture/packing.ts";
import { fromDataUri, toDataUri } from "../picture/picture.ts";
import { SHIPPED } from "../picture/shipped.ts";
import { run } from "./run.ts";
import {
  candidates,
  DEFAULT_CANDIDATES,
  FIRST_SIDE,
  keepRows,
  linkedSide,
  MOST_CANDIDATES,
  mask,
  modelId,
  region,
  samples,
  seed,
  side,
  temperature,
  topK,
  topP,
} from "./settings.ts";
import { openShipped, openStored, setPicture, source } from "./source.ts";

const PNG_URI = "data:image/png;base64,";

/** The address that brings back this picture and these settings, with the seed of the last run. */
export function currentLink(): string {
  const link = new URLSearchParams();
  const { shipped, imageId, picture } = source.value;
  if (shipped) link.set("picture", shipped);
  else if (imageId) link.set("image", imageId);
  else link.set("pixels", toUrlSafe(toDataUri(picture).slice(PNG_URI.length)));
  if (region.value === "line") link.set("keep", String(keepRows.value));
  else link.set("mask", packMask(mask.value));
  if (region.value === "mask" && candidates.value !== DEFAULT_CANDIDATES) {
    link.set("candidates", String(candidates.value));
  }
  link.set("samples", String(samples.value));
  link.set("temperature", String(temperature.value));
  link.set("top-p", String(topP.value));
  if (topK.value !== 0) link.set("top-k", String(topK.value));
  const usedSeed = seed.value ?? run.value?.seed ?? null;
  if (usedSeed !== null) link.set("seed", String(usedSeed));
  if (modelId.value !== null) link.set("model", modelId.value);
  if (side.value !== FIRST_SIDE) link.set("side", String(side.value));
  const address = new URL(location.href);
  address.hash = link.toString();
  return address.href;
}

/** Sets what a fragment says; what it does not say, or says wrongly, gets its default. False if it says nothing. */
export async function followLink(fragment: string): Promise<boolean> {
  const link = new URLSearchParams(fragment.replace(/^#/, ""));
  if (link.size === 0) return false;
  const number = (name: string, low: number, high: number, otherwise: number) => {
    const value = Number(link.get(name) ?? Number.NaN);
    return value >= low && value <= high ? value : otherwise;
  };
  samples.value = Math.round(number("samples", 1, 64, 4));
  temperature.value = number("temperature", 0, 10, 1);
  topP.value = number("top-p", 0.01, 1, 1);
  topK.value = Math.round(number("top-k", 0, 2 ** 16, 0));
  candidates.value = Math.round(number("candidates", 1, MOST_CANDIDATES, DEFAULT_CANDIDATES));
  seed.value = link.has("seed") ? Math.round(number("seed", 0, 2 ** 31 - 1, 0)) : null;
  modelId.value = link.get("model");
  linkedSide.value = Math.round(number("side", 1, 256, FIRST_SIDE));
  const packed = link.get("mask");
  region.value = packed === null ? "line" : "mask";
  if (packed === null) keepRows.value = Math.round(number("keep", 0, side.value - 1, side.value / 2));
  else mask.value = unpackMask(packed, side.value ** 2);
  return openPicture(link);
}

async function openPicture(link: URLSearchParams): Promise<boolean> {
  const shipped = SHIPPED.find(({ id }) => id === link.get("picture"));
  const [image, pixels] = [link.get("image"), link.get("pixels")];
  if (shipped) await openShipped(shipped);
  else if (image) await openStored(image);
  else if (pixels) setPicture(await fromDataUri(PNG_URI + fromUrlSafe(pixels), side.value), "From a link");
  else return false;
  return true;
}
