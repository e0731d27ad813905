/** An ICC profile in several APP2 segments, each with its number and how many there are (ICC.1:2022, annex B.4). */
export class ProfileParts {
  readonly #parts = new Map<number, Uint8Array>();
  #count = 0;

  /** @param content A segment's, after its name. */
  add(content: Uint8Array): void {
    this.#count = content[1] ?? 0;
    this.#parts.set(content[0] ?? 0, content.subarray(2));
  }

  /** undefined when there is none or one is missing: such a profile is no use. */
  whole(): Uint8Array | undefined {
    const parts = Array.from({ length: this.#count }, (_, i) => this.#parts.get(i + 1));
    const all = parts.filter((part) => part !== undefined);
    if (all.length === 0 || all.length < parts.length) return undefined;
    const profile = new Uint8Array(all.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of all) {
      profile.set(part, at);
      at += part.length;
    }
    return profile;
  }
}
