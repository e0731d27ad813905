-- Keys, their secrets, what admins did. Times are milliseconds since 1970, UTC.

CREATE TABLE api_keys (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('SECRET', 'PUBLISHABLE')),
  scopes TEXT NOT NULL,              -- JSON array
  allowed_origins TEXT NOT NULL,     -- JSON array; empty for a secret key
  operations TEXT,                   -- JSON array of SHA-256: the only operations it may run; NULL = any
  requests_per_minute INTEGER,
  pixels_per_month INTEGER,
  private_images INTEGER NOT NULL DEFAULT 0,
  picture_secret TEXT NOT NULL,      -- ids and URLs of its private pictures are made with it
  created_at INTEGER NOT NULL,
  expires_at INTEGER,
  revoked_at INTEGER,
  last_used_at INTEGER               -- to the minute
) STRICT;

-- One key has one secret, and while a rotation's grace period lasts, also the ones before it.
CREATE TABLE key_secrets (
  hash TEXT PRIMARY KEY,             -- SHA-256 of the whole key; the key itself is stored nowhere
  key_id TEXT NOT NULL REFERENCES api_keys (id),
  prefix TEXT NOT NULL,              -- the key's public beginning: finds the row, tells keys apart in lists
  webhook_secret TEXT NOT NULL,      -- signs webhooks, so it must be at hand
  created_at INTEGER NOT NULL,
  expires_at INTEGER                 -- set by a rotation
) STRICT;
CREATE INDEX key_secrets_by_prefix ON key_secrets (prefix);
CREATE INDEX key_secrets_by_key ON key_secrets (key_id, created_at);

-- Which origins some publishable key allows: what a CORS preflight, that carries no key, is answered from.
CREATE TABLE key_origins (
  origin TEXT NOT NULL,
  key_id TEXT NOT NULL REFERENCES api_keys (id),
  PRIMARY KEY (origin, key_id)
) STRICT, WITHOUT ROWID;

-- Documents that a publishable key is locked to, by their SHA-256.
CREATE TABLE operations (
  hash TEXT PRIMARY KEY,
  document TEXT NOT NULL
) STRICT;

CREATE TABLE audit_log (
  id INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  actor TEXT NOT NULL,               -- the admin key's id, or 'cli'
  action TEXT NOT NULL CHECK (action IN ('create', 'rotate', 'revoke')),
  key_id TEXT NOT NULL,
  details TEXT NOT NULL,             -- JSON: what was asked for; no secrets
  request_id TEXT
) STRICT;
CREATE INDEX audit_log_by_key ON audit_log (key_id, at);
