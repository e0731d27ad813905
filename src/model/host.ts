/** The engines of this isolate: loaded when wanted, shared by requests, dropped when idle and in the way. */
import type { BudgetLease, MemoryBudget } from "../admission/budget.ts";
import { UserError } from "../errors.ts";
import { Turns } from "../scheduling/turns.ts";
import type { EngineFactory, MemoryPlan } from "./engine-factory.ts";
import type { BundleFiles } from "./files.ts";
import type { Manifest } from "./manifest.ts";
import { Resident } from "./resident.ts";
import { Session } from "./session.ts";

export interface EngineHostOptions {
  budget: MemoryBudget;
  engine: () => Promise<EngineFactory>;
  /** The isolate's one row of turns, shared with the decoding of pictures. Default: its own. */
  turns?: Turns | undefined;
  files: (manifest: Manifest, onProgress: () => void) => BundleFiles;
  /** Keeps a shared load alive when the request that began it is cancelled. */
  waitUntil: (work: Promise<unknown>) => void;
}

/** How often a request looks whether the load that it shares has ended. */
const LOOK_MS = 5;
/** A load of another request, without a sign of life for both so long and so many looks, has died with that request. */
const STALLED_MS = 10_000;
const STALLED_LOOKS = 200;
/** Loads that a request sits through when those that others began fail for reasons of their own. */
const ATTEMPTS = 3;

interface Admitted {
  resident: Resident;
  lease: BudgetLease;
  /** This request began the load. */
  began: boolean;
}

export class EngineHost {
  readonly #options: EngineHostOptions;
  readonly #residents = new Map<string, Resident>();
  readonly #turns: Turns;
  #uses = 0;

  constructor(options: EngineHostOptions) {
    this.#options = options;
    this.#turns = options.turns ?? new Turns();
    options.budget.onPressure(() => this.#dropIdle());
  }

  /**
   * Admits a request by its bytes, loads the model if need be, and hands out the use of it.
   * @param request samples that run at once, 0 = prefix only; positions of the prefix and, of all samples together, beside
   *   it, when known
   * @throws UserError BUSY, JOB_TOO_LARGE, MODEL_CORRUPT; the signal's reason when aborted
   */
  async open(
    manifest: Manifest,
    { samples, given, own }: { samples: number; given?: number; own?: number },
    signal?: AbortSignal,
  ): Promise<Session> {
    const factory = await this.#options.engine();
    const plan = factory.plan(manifest);
    const bytes = plan.requestBytes(samples, given, own);
    for (let attempt = 1; ; attempt++) {
      let session: Session | undefined;
      const admitted = await this.#admit(manifest, plan, bytes, factory, () => session?.release(), signal);
      const { resident, lease, began } = admitted;
      const leave = () => this.#leave(resident, bytes);
      try {
        const engine = await this.#loaded(admitted, signal);
        session = new Session(engine, lease, this.#turns, leave, signal);
        return session;
      } catch (error) {
        lease.release();
        leave();
        const othersFault = !began && !(error instanceof UserError) && !signal?.aborted;
        if (!othersFault || attempt === ATTEMPTS) throw error;
      }
    }
  }

  /** Says which version of a model is current: others are released, at once or after their last user. */
  setCurrent(id: string, version: string): void {
    for (const resident of this.#residents.values()) {
      if (resident.manifest.id !== id) continue;
      resident.retired = resident.manifest.version !== version;
      if (resident.retired && resident.idle) this.#drop(resident);
    }
  }

  #admit(
    manifest: Manifest,
    plan: MemoryPlan,
    bytes: number,
    factory: EngineFactory,
    onExpiry: () => void,
    signal?: AbortSignal,
  ): Promise<Admitted> {
    const { budget } = this.#options;
    const key = keyOf(manifest);
    const take = (wanted: number) => budget.take(wanted, { onExpiry });
    return budget.claim(
      Math.max(plan.loadBytes, plan.residentBytes + bytes),
      () => {
        const present = this.#residents.get(key);
        const resident = present ?? this.#reserve(manifest, plan, bytes);
        if (!resident) return undefined;
        const lease = resident.admit(bytes, take);
        if (!lease) {
          if (!present) resident.release();
          return undefined;
        }
        if (!present) this.#load(key, resident, factory);
        resident.lastUse = ++this.#uses;
        return { resident, lease, began: !present };
      },
      { signal, reclaim: () => this.#dropIdle(key) },
    );
  }

  /** Memory for a model that is not here yet, beside the bytes of the request that wants it. */
  #reserve(manifest: Manifest, plan: MemoryPlan, requestBytes: number): Resident | undefined {
    const bytes = Math.max(plan.residentBytes, plan.loadBytes - requestBytes);
    const lease = this.#options.budget.take(bytes, { permanent: true });
    return lease && new Resident(manifest, plan, lease);
  }

  /** Begins a load that everybody who wants the model shares; its outcome is left in `resident`. */
  #load(key: string, resident: Resident, factory: EngineFactory): void {
    this.#residents.set(key, resident);
    const files = this.#options.files(resident.manifest, () => {
      resident.progress++;
    });
    const work = async () => {
      try {
        const engine = await factory.load(resident.manifest, files);
        try {
          files.assertAllVerified();
          if (resident.gone) throw new Error("the load was given up");
        } catch (error) {
          engine.release();
          throw error;
        }
        resident.loaded(engine);
      } catch (error) {
        resident.failure = { error };
        this.#drop(resident);
      }
    };
    this.#options.waitUntil(work());
  }

  async #loaded({ resident, lease, began }: Admitted, signal?: AbortSignal) {
    let seen = resident.progress;
    let since = Date.now();
    for (let looks = 0; resident.loading; looks++) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
      signal?.throwIfAborted();
      lease.touch();
      if (resident.progress !== seen) {
        seen = resident.progress;
        since = Date.now();
        looks = 0;
      } else if (!began && looks > STALLED_LOOKS && Date.now() - since > STALLED_MS) {
        this.#drop(resident);
      }
    }
    if (resident.engine) return resident.engine;
    throw resident.failure?.error ?? new Error("loading a model stopped without a result");
  }

  #leave(resident: Resident, bytes: number): void {
    resident.requestEnded(bytes);
    if (resident.retired && resident.idle) this.#drop(resident);
  }

  /** Drops the idle engine that was used the longest ago. */
  #dropIdle(except?: string): boolean {
    let oldest: Resident | undefined;
    for (const [key, resident] of this.#residents) {
      if (key === except || !resident.idle) continue;
      if (!oldest || resident.lastUse < oldest.lastUse) oldest = resident;
    }
    if (oldest) this.#drop(oldest);
    return oldest !== undefined;
  }

  #drop(resident: Resident): void {
    const key = keyOf(resident.manifest);
    if (this.#residents.get(key) === resident) this.#residents.delete(key);
    resident.release();
  }
}

function keyOf({ id, version }: Manifest): string {
  return `${id}@${version}`;
}
