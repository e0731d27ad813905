/**
 * API keys in D1. Nothing is cached: a key that was made, rotated or revoked is so for the next request everywhere.
 * docs/storage-schema.md describes the tables.
 */
import { UserError } from "../errors.ts";
import { equalInConstantTime, sha256 } from "./digest.ts";
import { generateKey, isWellFormed, prefixOf, randomText } from "./key-format.ts";
import { checkNewKey, type NewKeyInput } from "./key-input.ts";
import { fromRow, type KeyRecord, type KeyRow } from "./key-record.ts";

/** Who changes keys: for the audit log. */
export interface Actor {
  /** An admin key's id, or "cli". */
  id: string;
  requestId?: string | undefined;
}

/** A key with its secrets, which cannot be had again. */
export interface IssuedKey {
  key: KeyRecord;
  secret: string;
  webhookSecret: string;
}

/** `lastUsedAt` is written at most this often. */
const LAST_USED_RESOLUTION_MS = 60_000;
const MAX_GRACE_SECONDS = 30 * 24 * 3600;

/** A key with the prefix of its newest secret. */
const SELECT_KEY = `SELECT k.*, (SELECT s.prefix FROM key_secrets s WHERE s.key_id = k.id ORDER BY s.created_at DESC, s.rowid DESC
  LIMIT 1) AS prefix FROM api_keys k`;

export class KeyStore {
  constructor(private readonly db: D1Database) {}

  /**
   * The key of a secret; undefined if there is none, or it is revoked, expired or rotated away.
   * Found by its public prefix; the hash of the rest is compared in constant time.
   */
  async find(secret: string, now: number): Promise<KeyRecord | undefined> {
    if (!isWellFormed(secret)) return undefined;
    const query = `SELECT k.*, s.prefix, s.hash, s.expires_at AS secret_expires_at FROM key_secrets s
      JOIN api_keys k ON k.id = s.key_id WHERE s.prefix = ?`;
    const { results } = await this.db
      .prepare(query)
      .bind(prefixOf(secret))
      .all<KeyRow & { hash: string; secret_expires_at: number | null }>();
    const hash = await sha256(secret);
    const row = results.find((candidate) => equalInConstantTime(candidate.hash, hash));
    if (!row || row.revoked_at !== null) return undefined;
    const ends = [row.expires_at, row.secret_expires_at].filter((time) => time !== null);
    return ends.every((time) => time > now) ? fromRow(row) : undefined;
  }

  /** @throws UserError NOT_FOUND */
  async get(id: string): Promise<KeyRecord> {
    const row = await this.db.prepare(`${SELECT_KEY} WHERE k.id = ?`).bind(id).first<KeyRow>();
    if (!row) throw new UserError("NOT_FOUND", "There is no key with this id: `apiKeys` lists the ids.");
    return fromRow(row);
  }

  /** All keys, the newest first, revoked ones too. */
  async list(): Promise<KeyRecord[]> {
    const { results } = await this.db.prepare(`${SELECT_KEY} ORDER BY k.created_at DESC, k.id`).all<KeyRow>();
    return results.map(fromRow);
  }

  /** @throws UserError BAD_OPTION */
  async create(input: NewKeyInput, actor: Actor, now: number): Promise<IssuedKey> {
    const { operations: documents, ...key } = checkNewKey(input, now);
    const operations = documents && (await Promise.all(documents.map(sha256)));
    const id = `key_${randomText(16)}`;
    const insert = this.db
      .prepare(
        `INSERT INTO api_keys (id, name, kind, scopes, allowed_origins, operations, requests_per_minute, pixels_per_month,
          private_images, picture_secret, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      )
      .bind(
        ...[id, key.name, key.kind, JSON.stringify(key.scopes), JSON.stringify(key.allowedOrigins)],
        ...[operations && JSON.stringify(operations), key.requestsPerMinute, key.pixelsPerMonth],
        ...[key.privateImages ? 1 : 0, randomText(43), now, key.expiresAt],
      );
    const { secret, webhookSecret, statement } = await this.newSecret(id, key.kind, now);
    await this.db.batch([
      insert,
      statement,
      ...key.allowedOrigins.map((origin) =>
        this.db.prepare("INSERT INTO key_origins (origin, key_id) VALUES (?, ?)").bind(origin, id),
      ),
      ...(documents ?? []).map((document, i) =>
        this.db
          .prepare("INSERT OR IGNORE INTO operations (hash, document) VALUES (?, ?)")
          .bind(operations?.[i], document),
      ),
      this.audit("create", id, { ...key, operations }, actor, now),
    ]);
    return { key: await this.get(id), secret, webhookSecret };
  }

  /**
   * New secrets for a key; the old ones end after the grace period.
   * @throws UserError NOT_FOUND, BAD_OPTION
   */
  async rotate(id: string, graceSeconds: number, actor: Actor, now: number): Promise<IssuedKey> {
    if (!Number.isInteger(graceSeconds) || graceSeconds < 0 || graceSeconds > MAX_GRACE_SECONDS) {
      throw new UserError("BAD_OPTION", `graceSeconds must be an integer from 0 to ${MAX_GRACE_SECONDS} (30 days).`);
    }
    const { kind, revokedAt } = await this.get(id);
    if (revokedAt !== null)
      throw new UserError("BAD_OPTION", "This key is revoked, and revoking is final: create a new key.");
    const { secret, webhookSecret, statement } = await this.newSecret(id, kind, now);
    const end = now + graceSeconds * 1000;
    await this.db.batch([
      this.db
        .prepare("UPDATE key_secrets SET expires_at = ?1 WHERE key_id = ?2 AND (expires_at IS NULL OR expires_at > ?1)")
        .bind(end, id),
      this.db.prepare("DELETE FROM key_secrets WHERE key_id = ? AND expires_at <= ?").bind(id, now),
      statement,
      this.audit("rotate", id, { graceSeconds }, actor, now),
    ]);
    return { key: await this.get(id), secret, webhookSecret };
  }

  /** Ends a key; once more changes nothing. @throws UserError NOT_FOUND */
  async revoke(id: string, actor: Actor, now: number): Promise<KeyRecord> {
    const { revokedAt } = await this.get(id);
    if (revokedAt === null) {
      await this.db.batch([
        this.db.prepare("UPDATE api_keys SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL").bind(now, id),
        this.db.prepare("DELETE FROM key_origins WHERE key_id = ?").bind(id),
        this.audit("revoke", id, {}, actor, now),
      ]);
    }
    return this.get(id);
  }

  /** Notes that a key was used, to the minute. */
  async touch({ id, lastUsedAt }: KeyRecord, now: number): Promise<void> {
    if (lastUsedAt !== null && now - lastUsedAt < LAST_USED_RESOLUTION_MS) return;
    await this.db.prepare("UPDATE api_keys SET last_used_at = ? WHERE id = ?").bind(now, id).run();
  }

  /** What webhooks of a key's jobs are signed with: the newest first, and those whose grace period lasts. */
  async webhookSecrets(id: string, now: number): Promise<string[]> {
    const query = `SELECT webhook_secret FROM key_secrets WHERE key_id = ? AND (expires_at IS NULL OR expires_at > ?)
      ORDER BY created_at DESC, rowid DESC`;
    const { results } = await this.db.prepare(query).bind(id, now).all<{ webhook_secret: string }>();
    return results.map((row) => row.webhook_secret);
  }

  /** Whether some live publishable key works from this web origin. */
  async allowsOrigin(origin: string, now: number): Promise<boolean> {
    const query = `SELECT 1 FROM key_origins o JOIN api_keys k ON k.id = o.key_id
      WHERE o.origin = ? AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > ?) LIMIT 1`;
    return (await this.db.prepare(query).bind(origin, now).first()) !== null;
  }

  /** A document that some key is locked to. */
  async operation(hash: string): Promise<string | null> {
    return this.db.prepare("SELECT document FROM operations WHERE hash = ?").bind(hash).first<string>("document");
  }

  private async newSecret(id: string, kind: KeyRecord["kind"], now: number) {
    const secret = generateKey(kind);
    // Standard Webhooks: `whsec_` and 24 to 64 bytes in base64.
    const webhookSecret = `whsec_${btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(32))))}`;
    const statement = this.db
      .prepare("INSERT INTO key_secrets (hash, key_id, prefix, webhook_secret, created_at) VALUES (?, ?, ?, ?, ?)")
      .bind(await sha256(secret), id, prefixOf(secret), webhookSecret, now);
    return { secret, webhookSecret, statement };
  }

  private audit(action: "create" | "rotate" | "revoke", id: string, details: object, actor: Actor, now: number) {
    return this.db
      .prepare("INSERT INTO audit_log (at, actor, action, key_id, details, request_id) VALUES (?, ?, ?, ?, ?, ?)")
      .bind(now, actor.id, action, id, JSON.stringify(details), actor.requestId ?? null);
  }
}
