import type { Engine } from "./engine.ts";

/** One use of an engine, which is all that completing, embedding and scoring need: theirs for the time, with fair turns on it. */
export interface Session {
  readonly engine: Engine;
  /** Runs a row, a part of one or a chunk of a prefix when it is this request's turn. @throws the signal's reason when aborted. */
  turn<T>(work: () => Promise<T>): Promise<T>;
  /** Has something released with the session at the latest, the newest first. */
  own<T extends { release(): void }>(resource: T): T;
}

/** A session that shares its engine with nobody, so it has no turns to wait for. */
export class SoloSession implements Session {
  readonly engine: Engine;
  readonly #owned: { release(): void }[] = [];

  constructor(engine: Engine) {
    this.engine = engine;
  }

  turn<T>(work: () => Promise<T>): Promise<T> {
    return work();
  }

  own<T extends { release(): void }>(resource: T): T {
    this.#owned.push(resource);
    return resource;
  }

  /** Releases what it owns, the newest first. */
  release(): void {
    for (const resource of this.#owned.splice(0).reverse()) resource.release();
  }
}
