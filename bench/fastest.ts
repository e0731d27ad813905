/** The fastest of several rounds of several works, by CPU time, which others on the machine disturb least. */
export class Fastest {
  readonly #ms = new Map<string, number>();

  /** @param what the work's name, the same in each round */
  async time(what: string, work: () => Promise<unknown>): Promise<void> {
    const begin = process.cpuUsage();
    await work();
    const { user, system } = process.cpuUsage(begin);
    this.#ms.set(what, Math.min(this.#ms.get(what) ?? Number.POSITIVE_INFINITY, (user + system) / 1000));
  }

  /** Milliseconds; NaN where it was never timed. */
  of(what: string): number {
    return this.#ms.get(what) ?? Number.NaN;
  }
}
