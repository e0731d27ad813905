import type { KeyKind } from "../../build/graphql-types.ts";
import { UserError } from "../errors.ts";
import type { Scope } from "./scopes.ts";

/** What an admin says of a new key, as it comes from GraphQL or the command line. */
export interface NewKeyInput {
  name: string;
  kind?: KeyKind | null | undefined;
  scopes: readonly Scope[];
  allowedOrigins?: readonly string[] | null | undefined;
  /** GraphQL documents. */
  operations?: readonly string[] | null | undefined;
  requestsPerMinute?: number | null | undefined;
  pixelsPerMonth?: number | null | undefined;
  privateImages?: boolean | null | undefined;
  /** ISO 8601. */
  expiresAt?: string | null | undefined;
}

/** The same, checked, with defaults. */
export interface NewKey {
  name: string;
  kind: KeyKind;
  scopes: Scope[];
  allowedOrigins: string[];
  operations: string[] | null;
  requestsPerMinute: number | null;
  pixelsPerMonth: number | null;
  privateImages: boolean;
  expiresAt: number | null;
}

const MAX_NAME = 100;
const MAX_ORIGINS = 20;
const MAX_OPERATIONS = 100;
/** Characters of one operation. */
export const MAX_OPERATION_LENGTH = 16 * 1024;

/** @throws UserError BAD_OPTION */
export function checkNewKey(input: NewKeyInput, now: number): NewKey {
  const kind = input.kind ?? "SECRET";
  const scopes = [...new Set(input.scopes)];
  if (scopes.length === 0) refuse("scopes: name at least one of COMPLETE, EMBED, JOBS, ADMIN.");
  const publishable = kind === "PUBLISHABLE";
  if (publishable && scopes.includes("ADMIN"))
    refuse("scopes: anyone can read a publishable key, so it cannot have ADMIN.");
  return {
    name: checkName(input.name),
    kind,
    scopes,
    allowedOrigins: checkOrigins(input.allowedOrigins ?? [], publishable),
    operations: checkOperations(input.operations, publishable),
    requestsPerMinute: checkLimit("requestsPerMinute", input.requestsPerMinute, 1_000_000),
    pixelsPerMonth: checkLimit("pixelsPerMonth", input.pixelsPerMonth, Number.MAX_SAFE_INTEGER),
    privateImages: input.privateImages ?? false,
    expiresAt: checkExpiry(input.expiresAt, now),
  };
}

function checkName(name: string): string {
  const trimmed = name.trim();
  // Control characters would let a name forge lines of a terminal or a log.
  if (trimmed === "" || trimmed.length > MAX_NAME || /\p{Cc}/u.test(trimmed)) {
    refuse(`name: give 1 to ${MAX_NAME} characters, without control characters.`);
  }
  return trimmed;
}

function checkOrigins(origins: readonly string[], publishable: boolean): string[] {
  if (!publishable) {
    if (origins.length > 0) refuse("allowedOrigins: only a publishable key can have them.");
    return [];
  }
  if (origins.length === 0)
    refuse("allowedOrigins: say which web origins may use the key, such as https://example.com.");
  if (origins.length > MAX_ORIGINS) refuse(`allowedOrigins: give at most ${MAX_ORIGINS}.`);
  return [...new Set(origins.map(checkOrigin))];
}

function checkOrigin(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const web = url?.protocol === "https:" || url?.protocol === "http:";
  if (!url || !web || url.origin !== text.toLowerCase().replace(/\/$/, "")) {
    refuse(
      `allowedOrigins: ${JSON.stringify(text)} is not a web origin; write it like https://example.com or http://localhost:3000.`,
    );
  }
  return url.origin;
}

function checkOperations(operations: readonly string[] | null | undefined, publishable: boolean): string[] | null {
  if (!operations) return null;
  if (!publishable) refuse("operations: only a publishable key can be locked to a list.");
  if (operations.length === 0 || operations.length > MAX_OPERATIONS)
    refuse(`operations: give 1 to ${MAX_OPERATIONS} documents.`);
  if (operations.some((document) => document.length > MAX_OPERATION_LENGTH)) {
    refuse(`operations: a document may have at most ${MAX_OPERATION_LENGTH} characters.`);
  }
  return [...operations];
}

function checkLimit(name: string, value: number | null | undefined, most: number): number | null {
  if (value === null || value === undefined) return null;
  if (!Number.isInteger(value) || value < 1 || value > most) {
    refuse(`${name}: give a whole number from 1 to ${most}, or leave it out for no limit.`);
  }
  return value;
}

function checkExpiry(value: string | null | undefined, now: number): number | null {
  if (value === null || value === undefined) return null;
  const time = Date.parse(value);
  if (Number.isNaN(time)) refuse("expiresAt: write it like 2027-01-31T00:00:00Z.");
  if (time <= now) refuse("expiresAt: that time has passed; give one in the future.");
  return time;
}

function refuse(message: string): never {
  throw new UserError("BAD_OPTION", message);
}
