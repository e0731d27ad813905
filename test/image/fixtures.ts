/** For tests: the pictures of test/fixtures and what Pillow makes of them. */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Admission } from "../../src/admission/admission.ts";

const FOLDER = fileURLToPath(new URL("../fixtures/", import.meta.url));

export function fixture(name: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(readFileSync(FOLDER + name));
}

export function fixtureNames(): string[] {
  return readdirSync(FOLDER).filter((name) => /\.(png|jpg|webp|gif|bmp|avif|tiff)$/.test(name));
}

/** name -> [32 * 32 * 3] RGB, of the pictures of a folder in test/fixtures. */
export function expectations(folder = ""): Map<string, Uint8Array> {
  const file = JSON.parse(readFileSync(`${FOLDER}${folder}expected.json`, "utf8")) as Record<string, string>;
  return new Map(Object.entries(file).map(([name, text]) => [name, new Uint8Array(Buffer.from(text, "base64"))]));
}

/** Grants everything, and notes what was asked and what was given back. */
export class CountingAdmission implements Admission {
  asked: number[] = [];
  held = 0;

  acquire(bytes: number) {
    this.asked.push(bytes);
    this.held += bytes;
    let released = false;
    const release = () => {
      if (!released) this.held -= bytes;
      released = true;
    };
    return Promise.resolve({ bytes, release });
  }
}

/** The largest and the mean absolute difference of two pictures. */
export function difference(a: Uint8Array, b: Uint8Array): { most: number; mean: number } {
  if (a.length !== b.length) throw new RangeError(`${a.length} against ${b.length} bytes`);
  const all = Array.from(a, (v, i) => Math.abs(v - (b[i] ?? 0)));
  return { most: Math.max(...all), mean: all.reduce((x, y) => x + y, 0) / all.length };
}
