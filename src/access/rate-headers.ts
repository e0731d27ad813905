import type { Allowance } from "./ledger.ts";

/**
 * `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers), and `Retry-After` once something was refused.
 * Collected while a request runs; policies without a limit are left out.
 */
export class RateHeaders {
  private readonly policies = new Map<string, { policy: string; state: string }>();
  private retryAfter = 0;

  /** @param window seconds */
  note(name: string, quota: number | null, window: number, { granted, remaining, resetSeconds }: Allowance): void {
    if (quota === null) return;
    this.policies.set(name, {
      policy: `"${name}";q=${quota};w=${window}`,
      state: `"${name}";r=${Math.max(0, remaining ?? 0)};t=${resetSeconds}`,
    });
    if (!granted) this.retryAfter = Math.max(this.retryAfter, resetSeconds);
  }

  /** Adds them to a response's headers. */
  writeTo(headers: Headers): void {
    if (this.policies.size === 0) return;
    const all = [...this.policies.values()];
    headers.set("ratelimit-policy", all.map(({ policy }) => policy).join(", "));
    headers.set("ratelimit", all.map(({ state }) => state).join(", "));
    if (this.retryAfter > 0) headers.set("retry-after", String(this.retryAfter));
  }
}
