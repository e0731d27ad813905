import { beforeAll, describe, expect, it } from "vitest";
import { KeyStore } from "../../src/access/key-store.ts";
import { type SharedWorker, sharedWorker } from "../shared-worker.ts";
import { photo } from "../worker/pictures.ts";
import { bearer, issueKey } from "./admin.ts";

/** As in production: without a key nothing is allowed. */
let worker: SharedWorker;
beforeAll(async () => {
  worker = await sharedWorker("closed");
});

const MODELS = "{ models { id } }";
const EMBED = "query ($image: ImageInput!) { embed(image: $image) { dimensions } }";
const COMPLETE = "query ($image: ImageInput!) { complete(image: $image, options: { keepRows: 31 }) { seed } }";

async function codeOf(query: string, headers: Record<string, string>, variables = { image: photo }) {
  const { errors } = await worker.ask(query, query === MODELS ? undefined : variables, headers);
  return errors[0]?.extensions.code;
}

describe("without a key", () => {
  it.each([MODELS, EMBED, "{ viewer { key { id } } }", "{ apiKeys { id } }", "{ nothingSuch }"])(
    "%s",
    async (query) => {
      const { status, errors } = await worker.ask(query, query === EMBED ? { image: photo } : undefined);
      expect([status, errors[0]?.extensions.code]).toEqual([401, "UNAUTHENTICATED"]);
    },
  );

  it("refuses before the picture is looked at", async () => {
    expect(await codeOf(EMBED, {}, { image: { base64: "no picture" } as never })).toBe("UNAUTHENTICATED");
  });
});

describe("a key", () => {
  it("does what its scopes say, and no more", async () => {
    const { secret, key } = await issueKey(worker, { scopes: ["EMBED"] });
    expect(await codeOf(MODELS, bearer(secret))).toBeUndefined();
    expect(await codeOf(EMBED, bearer(secret))).toBeUndefined();
    expect(await codeOf(COMPLETE, bearer(secret))).toBe("FORBIDDEN");
    expect(await codeOf("{ apiKeys { id } }", bearer(secret))).toBe("FORBIDDEN");
    expect(await worker.data("{ viewer { key { id } } }", {}, bearer(secret))).toEqual({
      viewer: { key: { id: key.id } },
    });
  });

  it.each([
    [
      "forged, with a checksum that fits",
      async () => (await import("../../src/access/key-format.ts")).generateKey("SECRET"),
    ],
    ["mistyped", async () => (await issueKey(worker)).secret.replace(/.$/, (last) => (last === "A" ? "B" : "A"))],
    ["of the other kind", async () => (await issueKey(worker)).secret.replace("igpt_sk_", "igpt_pk_")],
    ["empty", async () => ""],
    ["very long", async () => "igpt_sk_".padEnd(8000, "A")],
    [
      "with a known prefix and another secret",
      async () => {
        const { generateKey, prefixOf } = await import("../../src/access/key-format.ts");
        const { secret } = await issueKey(worker);
        const forged = prefixOf(secret) + generateKey("SECRET").slice(prefixOf(secret).length);
        return forged;
      },
    ],
  ])("that is %s is refused", async (_, make) => {
    expect(await codeOf(MODELS, bearer(await make()))).toBe("UNAUTHENTICATED");
  });

  it("is refused once it is revoked, at once", async () => {
    const { secret, key } = await issueKey(worker);
    expect(await codeOf(MODELS, bearer(secret))).toBeUndefined();
    await new KeyStore(worker.env.DB).revoke(key.id, { id: "cli" }, Date.now());
    expect(await codeOf(MODELS, bearer(secret))).toBe("UNAUTHENTICATED");
  });

  it("is refused once it has expired", async () => {
    const { secret, key } = await issueKey(worker, { expiresAt: new Date(Date.now() + 3600_000).toISOString() });
    expect(await codeOf(MODELS, bearer(secret))).toBeUndefined();
    // An hour later, as far as the key can tell.
    await worker.env.DB.prepare("UPDATE api_keys SET expires_at = expires_at - 3601000 WHERE id = ?")
      .bind(key.id)
      .run();
    expect(await codeOf(MODELS, bearer(secret))).toBe("UNAUTHENTICATED");
  });

  it("works on for the grace period of a rotation, and not after it", async () => {
    const { secret, key } = await issueKey(worker);
    const store = new KeyStore(worker.env.DB);
    const second = await store.rotate(key.id, 3600, { id: "cli" }, Date.now());
    expect(await codeOf(MODELS, bearer(secret))).toBeUndefined();
    expect(await codeOf(MODELS, bearer(second.secret))).toBeUndefined();
    expect(await store.webhookSecrets(key.id, Date.now())).toHaveLength(2);
    const third = await store.rotate(key.id, 0, { id: "cli" }, Date.now());
    expect(await codeOf(MODELS, bearer(secret))).toBe("UNAUTHENTICATED");
    expect(await codeOf(MODELS, bearer(second.secret))).toBe("UNAUTHENTICATED");
    expect(await codeOf(MODELS, bearer(third.secret))).toBeUndefined();
    expect(await store.webhookSecrets(key.id, Date.now())).toEqual([third.webhookSecret]);
  });

  it("leaves no trace of its secret in the database", async () => {
    const { secret } = await issueKey(worker, { name: "traceless" });
    const tables = ["api_keys", "key_secrets", "audit_log"];
    const rows = await Promise.all(tables.map((table) => worker.env.DB.prepare(`SELECT * FROM ${table}`).all()));
    expect(JSON.stringify(rows)).toContain("traceless");
    expect(JSON.stringify(rows)).not.toContain(secret.slice(17));
  });
});

describe("a publishable key", () => {
  const origin = "https://gallery.example";

  it("works from its own origins alone", async () => {
    const { secret } = await issueKey(worker, {
      kind: "PUBLISHABLE",
      allowedOrigins: [origin, "http://localhost:3000"],
    });
    const from = (value: string) => codeOf(MODELS, { ...bearer(secret), origin: value });
    expect(await from(origin)).toBeUndefined();
    expect(await from("http://localhost:3000")).toBeUndefined();
    expect(await from("https://gallery.example.evil.test")).toBe("FORBIDDEN");
    expect(await from("http://gallery.example")).toBe("FORBIDDEN");
    expect(await from("null")).toBe("FORBIDDEN");
    expect(await codeOf(MODELS, bearer(secret))).toBe("FORBIDDEN");
  });

  it("runs the operations alone that it is locked to", async () => {
    const { secret } = await issueKey(worker, { kind: "PUBLISHABLE", allowedOrigins: [origin], operations: [MODELS] });
    const headers = { ...bearer(secret), origin };
    expect(await codeOf(MODELS, headers)).toBeUndefined();
    expect(await codeOf("{ models { id version } }", headers)).toBe("FORBIDDEN");
    const hash = Buffer.from(await crypto.subtle.digest("SHA-256", Buffer.from(MODELS))).toString("hex");
    const byHash = (sha256Hash: string) =>
      worker.request("/graphql", {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body: JSON.stringify({ extensions: { persistedQuery: { version: 1, sha256Hash } } }),
      });
    expect(await (await byHash(hash)).json()).toMatchObject({ data: { models: expect.any(Array) } });
    expect((await byHash("0".repeat(64))).status).toBe(403);
  });

  it.each([
    ["no origins", {}],
    ["ADMIN", { allowedOrigins: [origin], scopes: ["ADMIN" as const] }],
    ["an origin with a path", { allowedOrigins: [`${origin}/app`] }],
    ["a wildcard", { allowedOrigins: ["*"] }],
  ])("is not made with %s", async (_, input) => {
    await expect(issueKey(worker, { kind: "PUBLISHABLE", ...input })).rejects.toMatchObject({ code: "BAD_OPTION" });
  });
});

it.each([
  [undefined, "application/json"],
  ["*/*", "application/json"],
  ["application/json", "application/json"],
  ["application/graphql-response+json,application/json;q=0.9", "application/graphql-response+json"],
  ["application/graphql-response+json;q=0.5, application/json", "application/json"],
  ["application/graphql-response+json;q=0, application/json", "application/json"],
  ["text/event-stream", "application/json"],
])("a refusal is told in what the client accepts: %s", async (accept, type) => {
  const headers = { "content-type": "application/json", ...bearer("igpt_sk_wrong"), ...(accept && { accept }) };
  const response = await worker.request("/graphql", { method: "POST", headers, body: "{}" });
  expect([response.status, response.headers.get("content-type")]).toEqual([401, `${type}; charset=utf-8`]);
  expect(await response.json()).toMatchObject({ errors: [{ extensions: { code: "UNAUTHENTICATED" } }] });
});

describe("keys by GraphQL", () => {
  it("are made, listed, rotated and revoked by an admin, and each is in the audit log", async () => {
    const admin = await issueKey(worker, { scopes: ["ADMIN"] });
    const headers = bearer(admin.secret);
    const { createApiKey: made } = await worker.data<{
      createApiKey: { secret: string; webhookSecret: string; key: { id: string } };
    }>(
      `mutation { createApiKey(input: { name: "partner", scopes: [EMBED], requestsPerMinute: 5, pixelsPerMonth: 1e9 }) {
        secret webhookSecret key { id name kind scopes } } }`,
      {},
      headers,
    );
    expect(made).toMatchObject({ key: { name: "partner", kind: "SECRET", scopes: ["EMBED"] } });
    expect(made.secret).toMatch(/^igpt_sk_[0-9A-Za-z]{46}$/);
    expect(made.webhookSecret).toMatch(/^whsec_/);
    expect(await codeOf(MODELS, bearer(made.secret))).toBeUndefined();

    const { id } = made.key;
    const { rotateApiKey } = await worker.data<{ rotateApiKey: { secret: string } }>(
      "mutation ($id: ID!) { rotateApiKey(id: $id, graceSeconds: 0) { secret } }",
      { id },
      headers,
    );
    expect(await codeOf(MODELS, bearer(made.secret))).toBe("UNAUTHENTICATED");
    expect(await codeOf(MODELS, bearer(rotateApiKey.secret))).toBeUndefined();

    await worker.data("mutation ($id: ID!) { revokeApiKey(id: $id) { revokedAt } }", { id }, headers);
    expect(await codeOf(MODELS, bearer(rotateApiKey.secret))).toBe("UNAUTHENTICATED");
    const { apiKeys } = await worker.data<{
      apiKeys: { id: string; revokedAt: string | null; lastUsedAt: string | null }[];
    }>("{ apiKeys { id revokedAt lastUsedAt } }", {}, headers);
    const listed = apiKeys.find((key) => key.id === id);
    expect(listed?.revokedAt).toEqual(expect.any(String));
    expect(listed?.lastUsedAt).toEqual(expect.any(String));

    const { results } = await worker.env.DB.prepare("SELECT actor, action FROM audit_log WHERE key_id = ? ORDER BY id")
      .bind(id)
      .all();
    expect(results).toEqual(["create", "rotate", "revoke"].map((action) => ({ actor: admin.key.id, action })));
  });

  it("are nobody else's", async () => {
    const { secret } = await issueKey(worker, { scopes: ["COMPLETE", "EMBED", "JOBS"] });
    const mutation = `mutation { createApiKey(input: { name: "mine", scopes: [ADMIN] }) { secret } }`;
    expect(await codeOf(mutation, bearer(secret))).toBe("FORBIDDEN");
    expect(await codeOf(mutation, {})).toBe("UNAUTHENTICATED");
  });
});
