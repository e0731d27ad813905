import { describeError, log } from "../http/log.ts";

/** What hangs on whether a root field's result reaches the caller. */
export interface Parcel {
  /** The field's name in the response: its alias, if it has one. */
  field: string;
  /** It is in the answer. */
  delivered?(): Promise<void>;
  /** The answer has null in its place: itself or something beside it failed. */
  lost(): Promise<void>;
}

/**
 * The results of one request between being made and being sent. GraphQL may still drop them: a picture below cannot be
 * stored, or a field beside fails that may not be null. What is dropped must not be charged, nor live on unknown.
 */
export class Deliveries {
  readonly #parcels: Parcel[] = [];
  readonly #settled = Promise.withResolvers<void>();
  #isOver = false;
  #cut = false;

  /** @param waitUntil keeps the request alive until all is settled, should the caller leave */
  constructor(private readonly waitUntil: (work: Promise<unknown>) => void) {}

  /** What comes when the answer is there already is not in it: where all is null anyway, GraphQL waits for nobody. */
  async add(parcel: Parcel): Promise<void> {
    if (this.#isOver) return settle(parcel, false);
    this.#parcels.push(parcel);
    if (this.#parcels.length === 1) this.waitUntil(this.#settled.promise);
  }

  /** @param data the answer's; "left": the caller is gone, who has used what was made. Once more: nothing. */
  async settle(data: Record<string, unknown> | null | undefined | "left"): Promise<void> {
    this.#isOver = true;
    for (const parcel of this.#parcels.splice(0)) {
      await settle(parcel, data === "left" || (data?.[parcel.field] ?? null) !== null);
    }
    this.#settled.resolve();
  }

  /** Of a stream: an event lacks something. */
  cut(): void {
    this.#cut = true;
  }

  /** Whether any event of the stream did. */
  get wasCut(): boolean {
    return this.#cut;
  }
}

async function settle({ field, delivered, lost }: Parcel, isThere: boolean): Promise<void> {
  try {
    await (isThere ? delivered?.() : lost());
  } catch (error) {
    // The answer is not to be lost for that: a reservation that nobody settles is given back by itself.
    log("error", "unsettled", { field, ...describeError(error) });
  }
}
