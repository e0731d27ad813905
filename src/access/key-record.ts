import type { KeyKind } from "../../build/graphql-types.ts";
import type { Limits } from "./ledger.ts";
import type { Scope } from "./scopes.ts";

/** A key as the rest of the Worker sees it; no secret that would let someone act as it. Times in ms since 1970. */
export interface KeyRecord {
  id: string;
  name: string;
  /** The beginning of its newest secret. */
  prefix: string;
  kind: KeyKind;
  scopes: readonly Scope[];
  allowedOrigins: readonly string[];
  /** SHA-256 of the only operations it may run; null = any. */
  operations: readonly string[] | null;
  limits: Limits;
  privateImages: boolean;
  /** Ids and URLs of its private pictures are made with it. */
  pictureSecret: string;
  createdAt: number;
  expiresAt: number | null;
  revokedAt: number | null;
  lastUsedAt: number | null;
}

/** A row of `api_keys` with the prefix of one of its secrets. */
export interface KeyRow {
  id: string;
  name: string;
  prefix: string;
  kind: KeyKind;
  scopes: string;
  allowed_origins: string;
  operations: string | null;
  requests_per_minute: number | null;
  pixels_per_month: number | null;
  private_images: number;
  picture_secret: string;
  created_at: number;
  expires_at: number | null;
  revoked_at: number | null;
  last_used_at: number | null;
}

export function fromRow(row: KeyRow): KeyRecord {
  return {
    id: row.id,
    name: row.name,
    prefix: row.prefix,
    kind: row.kind,
    scopes: JSON.parse(row.scopes),
    allowedOrigins: JSON.parse(row.allowed_origins),
    operations: row.operations === null ? null : JSON.parse(row.operations),
    limits: { requestsPerMinute: row.requests_per_minute, pixelsPerMonth: row.pixels_per_month },
    privateImages: row.private_images === 1,
    pictureSecret: row.picture_secret,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    revokedAt: row.revoked_at,
    lastUsedAt: row.last_used_at,
  };
}
