import { UserError } from "../errors.ts";
import type { KeyRecord } from "./key-record.ts";
import type { KeyStore } from "./key-store.ts";
import type { Limits } from "./ledger.ts";
import { anonymousScopes, type Scope } from "./scopes.ts";

/** Who sent a request, and what they may do. */
export interface Caller {
  /** Null without a key. */
  key: KeyRecord | null;
  /** What belongs to the caller is filed under it: the key's id, or "anonymous". */
  owner: string;
  scopes: ReadonlySet<Scope>;
  limits: Limits;
  /** The name of the `Meter` that counts; null: nothing is counted. */
  meter: string | null;
}

/** The variables that decide about requests without a key. */
export type AnonymousSettings = Pick<
  Env,
  "ANONYMOUS_SCOPES" | "ANONYMOUS_REQUESTS_PER_MINUTE" | "ANONYMOUS_PIXELS_PER_MONTH"
>;

/**
 * Who sent it. A request with a bad key is refused, also where one without a key would not be.
 * @throws UserError UNAUTHENTICATED, FORBIDDEN (a publishable key from a web origin that is not its own)
 */
export async function identify(
  request: Request,
  keys: KeyStore,
  settings: AnonymousSettings,
  now: number,
): Promise<Caller> {
  const header = request.headers.get("authorization");
  if (header === null) return anonymous(clientAddress(request), settings);
  const secret = /^Bearer +(\S+) *$/i.exec(header)?.[1];
  const key = secret && (await keys.find(secret, now));
  if (!key) {
    throw new UserError(
      "UNAUTHENTICATED",
      "This key is not valid: mistyped, expired, rotated away or revoked. Send a valid one as Authorization: Bearer KEY.",
    );
  }
  if (key.kind === "PUBLISHABLE" && !key.allowedOrigins.includes(request.headers.get("origin") ?? "")) {
    throw new UserError(
      "FORBIDDEN",
      "This publishable key does not work from this web origin; ask an admin for a key whose allowedOrigins include it.",
    );
  }
  return { key, owner: key.id, scopes: new Set(key.scopes), limits: key.limits, meter: key.id };
}

/** Whose pictures are to be private; undefined: they are public. */
export function pictureOwner({ key }: Caller): { id: string; secret: string } | undefined {
  return key?.privateImages ? { id: key.id, secret: key.pictureSecret } : undefined;
}

/** Where a request came from, as far as Cloudflare saw. */
export function clientAddress(request: Request): string {
  return request.headers.get("cf-connecting-ip") ?? "unknown";
}

function anonymous(address: string, settings: AnonymousSettings): Caller {
  const limits = {
    requestsPerMinute: limit(settings.ANONYMOUS_REQUESTS_PER_MINUTE),
    pixelsPerMonth: limit(settings.ANONYMOUS_PIXELS_PER_MONTH),
  };
  const limited = limits.requestsPerMinute !== null || limits.pixelsPerMonth !== null;
  const scopes = anonymousScopes(settings.ANONYMOUS_SCOPES);
  return { key: null, owner: "anonymous", scopes, limits, meter: limited ? `anonymous ${network(address)}` : null };
}

/** Who has one IPv6 address has the whole /64. */
function network(address: string): string {
  if (!address.includes(":") || address.includes(".")) return address;
  const [head = "", tail] = address.split("::");
  const groups = head === "" ? [] : head.split(":");
  const rest = tail === undefined || tail === "" ? [] : tail.split(":");
  while (groups.length + rest.length < 8) groups.push("0");
  return `${[...groups, ...rest].slice(0, 4).join(":")}::/64`;
}

/** @throws Error for what is no number: better no service than no limit. */
function limit(text: string): number | null {
  if (text.trim() === "") return null;
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0) throw new Error(`ANONYMOUS_..._PER_...: not a whole number: ${text}`);
  return value;
}
