/**
 * An engine for tests of what surrounds engines (scheduling, admission, loading): its colours are arithmetic on all that
 * an engine may depend on (earlier colours, uniform, sampling), and it keeps count of what is open and how it is called.
 */
import {
  checkAncestors,
  type Engine,
  type Generation,
  type ModelShape,
  type Prefix,
  type Row,
  type RowResult,
  type Sampling,
} from "../../src/model/engine.ts";

export interface Log {
  /** Turns in the order they ran: "prefix 128", "row 4x32". */
  turns: string[];
  /** Prefixes and generations that are open now. */
  open: number;
  released: boolean;
}

export class ArithmeticEngine implements Engine {
  readonly name = "arithmetic";
  readonly shape: ModelShape;
  readonly log: Log = { turns: [], open: 0, released: false };
  readonly #baseBytes: number;
  readonly #sampleBytes: number;
  readonly #turnPositions: number;
  readonly #onTurn: () => Promise<void> | void;
  #active = 0;
  #most = 0;

  constructor(
    shape: ModelShape,
    {
      baseBytes = 0,
      sampleBytes = 0,
      turnPositions = shape.positions,
      onTurn = () => {},
    }: {
      baseBytes?: number;
      sampleBytes?: number;
      /** Of a generation. */
      turnPositions?: number;
      /** Runs inside each turn. */
      onTurn?: () => Promise<void> | void;
    } = {},
  ) {
    this.shape = shape;
    this.#baseBytes = baseBytes;
    this.#sampleBytes = sampleBytes;
    this.#turnPositions = turnPositions;
    this.#onTurn = onTurn;
  }

  /** Like linear memory: as large as it was ever needed. */
  get residentBytes(): number {
    return this.#baseBytes + this.#most;
  }

  requestBytes(samples: number): number {
    return (1 + samples) * this.#sampleBytes;
  }

  turnPositions(samples: number): number {
    return samples === 0 ? 128 : this.#turnPositions;
  }

  openPrefix(): Prefix {
    this.#opened(this.#sampleBytes);
    let state = 1;
    let length = 0;
    let sum = 0;
    const release = once(() => this.#closed(this.#sampleBytes));
    return {
      get length() {
        return length;
      },
      append: async (tokens) => {
        await this.#turn(`prefix ${tokens.length}`);
        const nll = Float32Array.from(tokens, (token) => {
          const nats = natsOf(state, token);
          state = step(state, token);
          sum += state / 2 ** 32;
          length++;
          return nats;
        });
        return nll;
      },
      features: () => {
        const { layers, width } = this.shape;
        return Float32Array.from({ length: (layers + 1) * width }, (_, i) => sum / Math.max(1, length) + i);
      },
      release,
      ...{ state: () => state },
    };
  }

  generate(prefix: Prefix, samples: number, sampling: Sampling): Generation {
    if (!Number.isInteger(samples) || samples < 1) throw new RangeError("samples");
    const bytes = samples * this.#sampleBytes;
    this.#opened(bytes);
    const states = new Array<number>(samples).fill((prefix as Prefix & { state(): number }).state());
    const release = once(() => this.#closed(bytes));
    let position = prefix.length;
    return {
      samples,
      get position() {
        return position;
      },
      next: async (row) => {
        const length = row.forced.length / samples;
        await this.#turn(`row ${samples}x${length}`);
        position += length;
        return this.#row(states, row, length, sampling);
      },
      resample: (ancestors) => {
        checkAncestors(ancestors, samples);
        const before = states.slice();
        for (let b = 0; b < samples; b++) states[b] = before[ancestors[b] ?? 0] ?? 0;
      },
      release,
    };
  }

  release(): void {
    this.log.released = true;
  }

  #row(states: number[], { forced, uniforms }: Row, length: number, { temperature, topK, topP }: Sampling): RowResult {
    const tokens = new Int32Array(forced.length);
    const nll = new Float32Array(forced.length);
    states.forEach((start, b) => {
      let state = start;
      for (let i = b * length; i < (b + 1) * length; i++) {
        const given = forced[i] ?? -1;
        const mixed = (uniforms[i] ?? 0) * (temperature + topP) + topK + state / 2 ** 32;
        const token = given === -1 ? Math.floor((mixed % 1) * this.shape.colors) : given;
        tokens[i] = token;
        nll[i] = natsOf(state, token);
        state = step(state, token);
      }
      states[b] = state;
    });
    return { tokens, nll };
  }

  async #turn(what: string): Promise<void> {
    if (this.log.released) throw new Error("the engine has been released");
    this.log.turns.push(what);
    await this.#onTurn();
  }

  #opened(bytes: number): void {
    this.log.open++;
    this.#active += bytes;
    this.#most = Math.max(this.#most, this.#active);
  }

  #closed(bytes: number): void {
    this.log.open--;
    this.#active -= bytes;
  }
}

/** A linear congruential step that takes the colour in. */
function step(state: number, token: number): number {
  return (Math.imul(state ^ (token + 1), 1664525) + 1013904223) >>> 0;
}

function natsOf(state: number, token: number): number {
  return 1 + ((state ^ token) % 1000) / 1000;
}

function once(run: () => void): () => void {
  let done = false;
  return () => {
    if (!done) run();
    done = true;
  };
}
