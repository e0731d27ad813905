/** The vectors of a folder, in one SQLite file with the extension sqlite-vec. */
import { DatabaseSync } from "node:sqlite";
import { load } from "sqlite-vec";
import type { Reading } from "./api.ts";

/** A picture as it was when it was read. */
export interface Picture {
  path: string;
  /** Changes with the file. */
  stamp: string;
}

export interface Neighbour {
  path: string;
  /** Of cosine: 0 (the same direction) to 2. */
  distance: number;
}

export class Store {
  private readonly database: DatabaseSync;

  /** @param space what `spaceOf` says; vectors of another one are read anew */
  constructor(
    file: string,
    private readonly space: string,
  ) {
    this.database = new DatabaseSync(file, { allowExtension: true });
    load(this.database);
    this.database.exec(`CREATE TABLE IF NOT EXISTS pictures (
      path TEXT PRIMARY KEY, stamp TEXT NOT NULL, space TEXT NOT NULL, problem TEXT, vector BLOB
    )`);
  }

  /** Forgets what is no longer so. @returns those that are to be read */
  update<T extends Picture>(pictures: readonly T[]): T[] {
    const stamps = new Map(pictures.map(({ path, stamp }) => [path, stamp]));
    const forget = this.database.prepare("DELETE FROM pictures WHERE path = ?");
    const known = new Set<string>();
    for (const { path, stamp, space } of this.database.prepare("SELECT path, stamp, space FROM pictures").all()) {
      if (stamps.get(String(path)) === stamp && space === this.space) known.add(String(path));
      else forget.run(path ?? null);
    }
    return pictures.filter(({ path }) => !known.has(path));
  }

  /** All of them or none: whoever stops the program loses one request's work at the most. */
  add(readings: readonly (Picture & { reading: Reading })[]): void {
    const insert = this.database.prepare("INSERT OR REPLACE INTO pictures VALUES (?, ?, ?, ?, ?)");
    this.database.exec("BEGIN");
    for (const { path, stamp, reading } of readings) {
      const [problem, vector] = "problem" in reading ? [reading.problem, null] : [null, bytesOf(reading.vector)];
      insert.run(path, stamp, this.space, problem, vector);
    }
    this.database.exec("COMMIT");
  }

  /** What could not be read, and why. */
  problems(): { path: string; problem: string }[] {
    const rows = this.database.prepare("SELECT path, problem FROM pictures WHERE problem IS NOT NULL ORDER BY path");
    return rows.all().map(({ path, problem }) => ({ path: String(path), problem: String(problem) }));
  }

  /** @param except a picture that is not meant, such as the one that is asked about */
  nearest(vector: Float32Array, count: number, except: string): Neighbour[] {
    const mean = this.mean(vector.length);
    // sqlite-vec looks at each vector, in its own tables too: with millions of pictures take an index that does not.
    const rows = this.database.prepare(`
      SELECT path, vec_distance_cosine(vec_sub(vector, :mean), vec_sub(:vector, :mean)) AS distance
      FROM pictures WHERE vector IS NOT NULL AND path <> :except ORDER BY distance LIMIT :count`);
    return rows
      .all({ mean: bytesOf(mean), vector: bytesOf(vector), except, count })
      .map(({ path, distance }) => ({ path: String(path), distance: Number(distance) }));
  }

  close(): void {
    this.database.close();
  }

  /** All vectors point much the same way; what tells pictures apart is how they differ from the mean. */
  private mean(dimensions: number): Float32Array {
    const sum = new Float64Array(dimensions);
    let count = 0;
    for (const { vector } of this.database.prepare("SELECT vector FROM pictures WHERE vector IS NOT NULL").iterate()) {
      if (!(vector instanceof Uint8Array)) continue;
      const numbers = new Float32Array(vector.slice().buffer);
      for (let i = 0; i < dimensions; i++) sum[i] = (sum[i] ?? 0) + (numbers[i] ?? 0);
      count++;
    }
    return Float32Array.from(sum, (value) => value / Math.max(count, 1));
  }
}

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
