/**
 * A key's exact books, in SQLite: requests in the last minute, pixels in the calendar month (UTC), both by day.
 * Pixels are reserved before the work and settled after it; a reservation that nobody settles (its isolate died) is given
 * back when its time is over. All calls are synchronous, so that no two can interleave.
 */

export interface Limits {
  requestsPerMinute: number | null;
  /** Generated pixels. */
  pixelsPerMonth: number | null;
}

/** The one method of `SqlStorage` that is needed. */
export interface Sql {
  exec(query: string, ...bindings: (string | number | null)[]): { toArray(): Record<string, unknown>[] };
}

/** What is left of a limit; nulls = no limit. */
export interface Allowance {
  granted: boolean;
  remaining: number | null;
  /** Seconds until there is more. */
  resetSeconds: number;
}

export interface Usage {
  pixelsThisMonth: number;
  requestsThisMinute: number;
}

export interface DayUsage {
  /** 2026-11-22 */
  day: string;
  requests: number;
  pixels: number;
}

const DAY_MS = 24 * 3600_000;
/** Days of usage that are kept. */
const KEPT_DAYS = 400;

export class Ledger {
  constructor(private readonly sql: Sql) {
    sql.exec(`CREATE TABLE IF NOT EXISTS seconds (second INTEGER PRIMARY KEY, requests INTEGER NOT NULL) STRICT`);
    sql.exec(`CREATE TABLE IF NOT EXISTS days (day TEXT PRIMARY KEY, requests INTEGER NOT NULL, pixels INTEGER NOT NULL)
      STRICT, WITHOUT ROWID`);
    sql.exec(`CREATE TABLE IF NOT EXISTS reservations (id TEXT PRIMARY KEY, day TEXT NOT NULL, pixels INTEGER NOT NULL,
      ends_at INTEGER NOT NULL) STRICT, WITHOUT ROWID`);
  }

  /** Counts one request, if the limit allows it: never more than the limit in any 60 seconds. */
  countRequest(limit: number | null, now: number): Allowance {
    // A second counts as long as any part of it is less than a minute ago.
    const second = Math.floor(now / 1000);
    this.sql.exec("DELETE FROM seconds WHERE second <= ?", second - 61);
    const before = this.requestsThisMinute();
    const granted = limit === null || before < limit;
    if (granted) {
      this.sql.exec(
        "INSERT INTO seconds VALUES (?, 1) ON CONFLICT (second) DO UPDATE SET requests = requests + 1",
        second,
      );
      this.addToDay(dayOf(now), 1, 0);
    }
    const [oldest] = this.sql.exec("SELECT min(second) AS second FROM seconds").toArray();
    const resetSeconds = Math.max(1, Number(oldest?.second ?? second) + 61 - second);
    return { granted, remaining: limit === null ? null : limit - before - (granted ? 1 : 0), resetSeconds };
  }

  /** Takes back a request that was counted at `countedAt`: it failed through no fault of the caller. */
  returnRequest(countedAt: number): void {
    this.sql.exec("UPDATE seconds SET requests = max(0, requests - 1) WHERE second = ?", Math.floor(countedAt / 1000));
    this.addToDay(dayOf(countedAt), -1, 0);
  }

  /** Reserves pixels, if the month's limit allows it. `keepMs`: when it is given back unless it is settled. */
  reserve(id: string, pixels: number, limit: number | null, keepMs: number, now: number): Allowance {
    this.giveBackAbandoned(now);
    const used = this.pixelsOfMonth(now);
    const granted = limit === null || used + pixels <= limit;
    if (granted) {
      this.sql.exec("INSERT INTO reservations VALUES (?, ?, ?, ?)", id, dayOf(now), pixels, now + keepMs);
      this.addToDay(dayOf(now), 0, pixels);
    }
    const remaining = limit === null ? null : limit - used - (granted ? pixels : 0);
    return { granted, remaining, resetSeconds: Math.ceil((nextMonth(now) - now) / 1000) };
  }

  /** Ends a reservation with what was really made, at most what was reserved; 0 = all is given back. Once more: nothing. */
  settle(id: string, pixels: number): void {
    const [row] = this.sql.exec("DELETE FROM reservations WHERE id = ? RETURNING day, pixels", id).toArray();
    if (!row) return;
    const reserved = Number(row.pixels);
    this.addToDay(String(row.day), 0, Math.min(Math.max(0, pixels), reserved) - reserved);
  }

  usage(now: number): Usage {
    this.giveBackAbandoned(now);
    this.sql.exec("DELETE FROM seconds WHERE second <= ?", Math.floor(now / 1000) - 61);
    return { pixelsThisMonth: this.pixelsOfMonth(now), requestsThisMinute: this.requestsThisMinute() };
  }

  /** The days with any use among the last `days`, the newest first. */
  usageByDay(days: number, now: number): DayUsage[] {
    this.giveBackAbandoned(now);
    this.sql.exec("DELETE FROM days WHERE day < ?", dayOf(now - KEPT_DAYS * DAY_MS));
    const rows = this.sql.exec(
      "SELECT day, requests, pixels FROM days WHERE day > ? AND (requests > 0 OR pixels > 0) ORDER BY day DESC",
      dayOf(now - days * DAY_MS),
    );
    return rows.toArray().map(({ day, requests, pixels }) => ({
      day: String(day),
      requests: Number(requests),
      pixels: Number(pixels),
    }));
  }

  private requestsThisMinute(): number {
    return Number(this.sql.exec("SELECT coalesce(sum(requests), 0) AS n FROM seconds").toArray()[0]?.n);
  }

  private pixelsOfMonth(now: number): number {
    const month = dayOf(now).slice(0, 7);
    const rows = this.sql.exec(
      "SELECT coalesce(sum(pixels), 0) AS n FROM days WHERE day >= ? AND day <= ?",
      month,
      `${month}-99`,
    );
    return Number(rows.toArray()[0]?.n);
  }

  private giveBackAbandoned(now: number): void {
    const abandoned = this.sql.exec("SELECT id FROM reservations WHERE ends_at <= ?", now).toArray();
    for (const { id } of abandoned) this.settle(String(id), 0);
  }

  private addToDay(day: string, requests: number, pixels: number): void {
    this.sql.exec(
      `INSERT INTO days VALUES (?1, ?2, ?3)
        ON CONFLICT (day) DO UPDATE SET requests = requests + ?2, pixels = pixels + ?3`,
      ...[day, requests, pixels],
    );
  }
}

function dayOf(time: number): string {
  return new Date(time).toISOString().slice(0, 10);
}

function nextMonth(now: number): number {
  const date = new Date(now);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1);
}
