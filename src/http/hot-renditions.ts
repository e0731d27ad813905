import type { Rendered } from "../image/index.ts";

/** A larger rendition would push out dozens of small ones. */
const MAX_ENTRY_BYTES = 64 * 1024;
/** What an entry takes beside its bytes: its key, and objects. */
const ENTRY_OVERHEAD = 512;

interface Entry {
  rendered: Rendered;
  /** Whether the location's cache has it. */
  shared: boolean;
}

/** The renditions that were asked for last, so that a hot one costs no trip to a cache or the bucket. */
export class HotRenditions {
  readonly #capacity: number;
  /** The least recently used first. */
  readonly #entries = new Map<string, Entry>();
  #bytes = 0;

  /** @param capacity in bytes */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /**
   * @param share called once for each entry that the location's cache has not: to put it there. What was asked for twice
   *   is worth that; most renditions are asked for once, as browsers keep them for ever.
   */
  get(key: string, share: (rendered: Rendered) => void): Rendered | undefined {
    const found = this.#entries.get(key);
    if (!found) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, found);
    if (!found.shared) share(found.rendered);
    found.shared = true;
    return found.rendered;
  }

  /** @returns whether it is kept: one that is too large is not */
  keep(key: string, rendered: Rendered, { shared }: { shared: boolean }): boolean {
    if (rendered.bytes.byteLength > MAX_ENTRY_BYTES) return false;
    this.#drop(key);
    this.#entries.set(key, { rendered, shared });
    this.#bytes += sizeOf(rendered);
    for (const oldest of this.#entries.keys()) {
      if (this.#bytes <= this.#capacity) break;
      this.#drop(oldest);
    }
    return true;
  }

  #drop(key: string): void {
    const entry = this.#entries.get(key);
    if (!entry) return;
    this.#entries.delete(key);
    this.#bytes -= sizeOf(entry.rendered);
  }
}

function sizeOf({ bytes }: Rendered): number {
  return bytes.byteLength + ENTRY_OVERHEAD;
}
