/** A page that shows a picture and those that are nearest to it. */
import { dirname, relative, resolve, sep } from "node:path";
import type { Neighbour } from "./store.ts";

/** @param sheet where the page will lie: it links to the pictures from there @param nearest with paths of files */
export function sheetOf(sheet: string, picture: string, nearest: readonly Neighbour[]): string {
  const figure = (path: string, caption: string) => {
    const link = relative(dirname(resolve(sheet)), resolve(path))
      .split(sep)
      .map(encodeURIComponent)
      .join("/");
    return `<figure><a href="${link}"><img src="${link}" alt=""></a><figcaption>${escaped(caption)}</figcaption></figure>`;
  };
  return `<!doctype html>
<meta charset="utf-8">
<title>Nearest to ${escaped(picture)}</title>
<style>
  body { font: 14px system-ui; display: grid; grid-template-columns: repeat(auto-fill, minmax(160px, 1fr)); gap: 16px }
  figure { margin: 0; overflow-wrap: anywhere }
  img { width: 100%; aspect-ratio: 1; object-fit: cover }
</style>
${figure(picture, `nearest to ${picture}`)}
${nearest.map(({ path, distance }) => figure(path, `${distance.toFixed(3)} ${path}`)).join("\n")}
`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
