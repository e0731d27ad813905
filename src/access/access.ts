import { UserError } from "../errors.ts";
import type { Caller } from "./caller.ts";
import { Deliveries } from "./deliveries.ts";
import type { Allowance, DayUsage, Usage } from "./ledger.ts";
import type { Meter } from "./meter.ts";
import { RateHeaders } from "./rate-headers.ts";
import type { Scope } from "./scopes.ts";

/** After which a reservation that nobody settled is given back: longer than any request can run. */
const REQUEST_RESERVATION_MS = 30 * 60_000;

/** Pixels that are set aside for work that is about to run. */
export interface Reservation {
  /** With `meter`: settles it from elsewhere, see `settleReservation`. */
  id: string;
  /** Null: nothing is counted. */
  meter: string | null;
  /** The work is done; `pixels` of it if not all was needed. */
  commit(pixels?: number): Promise<void>;
  /** The work failed: nothing was made. */
  refund(): Promise<void>;
}

/** What one request may do and use. */
export class Access {
  /** For the response: what is left. */
  readonly headers = new RateHeaders();
  /** What was made and is not sent yet. */
  readonly deliveries = new Deliveries((work) => this.waitUntil(work));

  constructor(
    readonly caller: Caller,
    private readonly meters: DurableObjectNamespace<Meter>,
    /** Keeps a settlement alive after the caller has left. */
    private readonly waitUntil: (work: Promise<unknown>) => void,
  ) {}

  /**
   * @param scope "ANY": any key; without a key, when some scope is open to all.
   * @throws UserError UNAUTHENTICATED, FORBIDDEN
   */
  require(scope: Scope | "ANY"): void {
    const { key, scopes } = this.caller;
    if (scope === "ANY" ? key !== null || scopes.size > 0 : scopes.has(scope)) return;
    if (key === null) {
      throw new UserError("UNAUTHENTICATED", "This request needs an API key: send it as Authorization: Bearer KEY.");
    }
    throw new UserError("FORBIDDEN", `This key does not have the scope ${scope}: ask an admin for a key that does.`);
  }

  /**
   * Counts the request.
   * @returns takes it back: for a request that failed through no fault of the caller.
   * @throws UserError RATE_LIMITED
   */
  async countRequest(): Promise<() => Promise<void>> {
    const meter = this.meter();
    if (!meter) return async () => {};
    const limit = this.caller.limits.requestsPerMinute;
    const { countedAt, ...allowance } = await meter.countRequest(limit);
    this.headers.note("requests", limit, 60, allowance);
    if (!allowance.granted) {
      throw new UserError(
        "RATE_LIMITED",
        `This key allows ${limit} requests a minute: try again in ${seconds(allowance)}.`,
      );
    }
    return () => meter.returnRequest(countedAt);
  }

  /**
   * Sets pixels of the month's quota aside, before the work.
   * @param pixels samples x generated pixels
   * @param keepMs when it is given back if nobody settles it
   * @throws UserError QUOTA_EXCEEDED
   */
  async reserve({
    pixels,
    keepMs = REQUEST_RESERVATION_MS,
  }: {
    pixels: number;
    keepMs?: number;
  }): Promise<Reservation> {
    const meter = this.meter();
    const id = crypto.randomUUID();
    if (!meter) return { id, meter: null, commit: async () => {}, refund: async () => {} };
    const limit = this.caller.limits.pixelsPerMonth;
    const allowance = await meter.reserve(id, pixels, limit, keepMs);
    this.headers.note("pixels", limit, MONTH_SECONDS, allowance);
    if (!allowance.granted) {
      throw new UserError(
        "QUOTA_EXCEEDED",
        `This request needs ${pixels} pixels, and ${allowance.remaining} of ${limit} a month are left. Ask for fewer samples, or try again in ${seconds(allowance)}, when the next month (UTC) begins.`,
      );
    }
    const settle = (made: number): Promise<void> => {
      const settled: Promise<void> = meter.settle(id, made);
      this.waitUntil(settled);
      return settled;
    };
    return { id, meter: this.caller.meter, commit: (made = pixels) => settle(made), refund: () => settle(0) };
  }

  /** Lets work come to its end though the answer is sent without it, or the caller has left. */
  keepAlive(work: Promise<unknown>): void {
    this.waitUntil(work.catch(() => {}));
  }

  async usage(): Promise<Usage> {
    return (await this.meter()?.usage()) ?? { pixelsThisMonth: 0, requestsThisMinute: 0 };
  }

  /** @throws UserError BAD_OPTION */
  async usageByDay(days: number): Promise<DayUsage[]> {
    if (!Number.isInteger(days) || days < 1 || days > 366)
      throw new UserError("BAD_OPTION", "days must be an integer from 1 to 366.");
    return (await this.meter()?.usageByDay(days)) ?? [];
  }

  private meter(): DurableObjectStub<Meter> | undefined {
    return this.caller.meter === null ? undefined : this.meters.getByName(this.caller.meter);
  }
}

/** The longest month; what the header calls the quota's window. */
const MONTH_SECONDS = 31 * 24 * 3600;

function seconds({ resetSeconds }: Allowance): string {
  return resetSeconds === 1 ? "1 second" : `${resetSeconds} seconds`;
}

/** Settles a reservation from outside its request (a job's end): `pixels` were made, 0 = it failed. Once more: nothing. */
export async function settleReservation(
  meters: DurableObjectNamespace<Meter>,
  { id, meter }: Pick<Reservation, "id" | "meter">,
  pixels: number,
): Promise<void> {
  if (meter !== null) await meters.getByName(meter).settle(id, pixels);
}

/**
 * Does metered work: its pixels are reserved before it and given back if it throws, or if its result does not reach the
 * caller though it is there. A caller who hangs up has used them: else work could be had for nothing by leaving at its end.
 * @param signal aborts when the caller has left
 * @param field the root field whose result it is, as the response names it
 * @throws UserError QUOTA_EXCEEDED; what the work throws
 */
export function metered<T>(
  access: Access,
  { pixels, field }: { pixels: number; field: string },
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> {
  const run = async () => {
    const reservation = await access.reserve({ pixels });
    try {
      const result = await work();
      await access.deliveries.add({ field, delivered: () => reservation.commit(), lost: () => reservation.refund() });
      return result;
    } catch (error) {
      await (signal.aborted ? reservation.commit() : reservation.refund());
      throw error;
    }
  };
  const done = run();
  access.keepAlive(done);
  return done;
}
