export interface Persistence {
  /** All of them together, the first one too. */
  tries: number;
  /** Before the second try, in milliseconds; doubled each time. */
  pauseMs: number;
}

/**
 * Does again, after a pause, what a store failed to do: what was made for it must not be lost for a moment's trouble.
 * @param work may be done twice without harm
 * @throws what the last try threw
 */
export async function persistently<T>({ tries, pauseMs }: Persistence, work: () => Promise<T>): Promise<T> {
  for (let tried = 1; ; tried++) {
    try {
      return await work();
    } catch (error) {
      if (tried >= tries) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, pauseMs * 2 ** (tried - 1)));
  }
}
