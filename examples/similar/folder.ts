/** The pictures of a folder, and how many of them fit into a request. */
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Picture } from "./store.ts";

/** What the API reads (docs/images.md). */
const PICTURE = /\.(png|jpe?g|webp|gif|avif|bmp)$/i;
/** Of one picture by the API's limit, and of a request: base64 adds a third, and its body may have 28 MiB. */
export const MOST_BYTES = 20e6;

export interface PictureFile extends Picture {
  bytes: number;
}

/** All of a folder and the folders in it, by their path in it. */
export async function picturesIn(folder: string): Promise<PictureFile[]> {
  const paths = (await readdir(folder, { recursive: true })).filter((path) => PICTURE.test(path)).sort();
  return Promise.all(
    paths.map(async (path) => {
      const { size, mtimeMs } = await stat(join(folder, path));
      return { path, bytes: size, stamp: `${size} ${mtimeMs}` };
    }),
  );
}

/** Cuts them into requests of up to `count` pictures that together are not too large. */
export function requestsOf<T extends { bytes: number }>(pictures: readonly T[], count: number): T[][] {
  const requests: T[][] = [];
  let bytes = 0;
  for (const picture of pictures) {
    const last = requests.at(-1);
    if (last && last.length < count && bytes + picture.bytes <= MOST_BYTES) {
      last.push(picture);
      bytes += picture.bytes;
    } else {
      requests.push([picture]);
      bytes = picture.bytes;
    }
  }
  return requests;
}
