/** Other people's GraphQL clients against `npm run dev`, each as its own documentation shows it. */
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { createClient, NetworkError } from "graphql-sse";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { ROOT } from "../../lib/root.ts";
import { bearer } from "../access/admin.ts";
import { type Dev, startDev } from "../commands/dev.ts";
import { printed, script } from "../examples/run.ts";
import { apollo } from "./clients/apollo.ts";
import { graphqlRequest } from "./clients/graphql-request.ts";
import { graphqlSse } from "./clients/graphql-sse.ts";
import * as operations from "./clients/operations.ts";
import { relay } from "./clients/relay.ts";
import { urql, urqlByFetch } from "./clients/urql.ts";
import { pythonOf } from "./python.ts";

const PYTHON = join(import.meta.dirname, "clients");
const PICTURES = ["web/pictures/chelsea.jpg", "web/pictures/rocket.jpg"].map((name) => join(ROOT, name));
/** Takes so long that a client can stop it, however busy the machine is. */
const LONG = { samples: 12, model: "igpt-base" };
const BROKEN = { base64: Buffer.from("no picture").toString("base64") };

vi.setConfig({ testTimeout: 300_000 });

let folder: string;
let dev: Dev;
let endpoint: string;
let admin: Record<string, string>;
/** What plain fetch is answered, for each picture. */
let references: Reference[];

interface Reference {
  bytes: Buffer;
  image: { base64: string };
  completed: operations.Completed;
  embedded: operations.Embedded;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "igpt-clients-"));
  dev = await startDev(folder, "--var", "ANONYMOUS_SCOPES=");
  endpoint = `${dev.url}/graphql`;
  const created = await printed(
    script("scripts/keys.ts", "create", "--name", "a", "--scopes", "ADMIN"),
    dev.environment,
  );
  admin = bearer(created.trimEnd().split("\n").at(-1) ?? "");
  const key = await keyOf("reference");
  references = await Promise.all(
    PICTURES.map(async (path) => {
      const bytes = await readFile(path);
      const image = { base64: bytes.toString("base64") };
      const embed = operations.UPLOAD.replace("$file: File!", "$file: String!").replace("file: $file", "base64: $file");
      return {
        ...{ bytes, image },
        completed: await ask<operations.Completed>(operations.COMPLETE, { image }, key),
        embedded: await ask<operations.Embedded>(embed, { file: image.base64 }, key),
      };
    }),
  );
}, 300_000);
afterAll(async () => {
  await dev?.stop();
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
});

const CLIENTS: [string, operations.Connect][] = [
  ["Apollo Client", apollo],
  ["urql, subscriptions by graphql-sse", urql],
  ["urql, subscriptions by itself", urqlByFetch],
  ["Relay", relay],
  ["graphql-request", graphqlRequest],
  ["graphql-sse", graphqlSse],
];

describe.each(CLIENTS)("%s", (name, connect) => {
  let peer: operations.Peer;
  let headers: Record<string, string>;
  beforeAll(async () => {
    headers = await keyOf(name);
    peer = connect(endpoint, headers);
  });

  it("completes a picture", async () => {
    const { image, completed } = first();
    const { data, codes } = await peer.query<operations.Completed>(operations.COMPLETE, { image });
    expect(codes).toEqual([]);
    expect(data).toMatchObject(completed);
  });

  it("tells its user what is wrong with a picture, and with a query", async () => {
    const wrong = await peer.query(operations.COMPLETE, { image: BROKEN });
    expect(wrong.codes).toEqual(["BAD_IMAGE"]);
    expect((await peer.query(operations.UNKNOWN_FIELD)).codes).toEqual(["GRAPHQL_VALIDATION_FAILED"]);
  });

  const { upload, watch } = connect("http://unused.invalid", {});

  it.runIf(upload)("uploads files, two at once", async () => {
    const files = references.map(
      ({ bytes }, i) => new File([Uint8Array.from(bytes)], `${i}.jpg`, { type: "image/jpeg" }),
    );
    const answers = await Promise.all(files.map((file) => peer.upload?.(operations.UPLOAD, file)));
    answers.forEach((answer, i) => {
      expect(answer?.codes).toEqual([]);
      expect(answer?.data).toMatchObject(references[i]?.embedded ?? {});
    });
  });

  it.runIf(watch)("watches a picture being drawn, row by row", async () => {
    const events = await watched(peer, { image: first().image, keepRows: 28 });
    expect(events.flatMap(({ codes }) => codes)).toEqual([]);
    const states = events.map(({ data }) => data?.complete);
    expect(states.map((state) => state?.rowsTotal)).toEqual(states.map(() => 4));
    expect([...new Set(states.map((state) => state?.rowsDone))]).toEqual([0, 1, 2, 3, 4]);
    for (const state of states) {
      const drawn = state?.samples.map(({ tokens }) => tokens.filter((token) => token >= 0).length);
      if (!state?.completion) expect(drawn).toEqual([0, 0].map(() => (28 + (state?.rowsDone ?? 0)) * 32));
    }
    expect(states.slice(0, -1).map((state) => state?.completion)).toEqual(states.slice(1).map(() => null));
    expect(states.at(-1)?.completion?.samples).toHaveLength(2);
  });

  // Where urql's own stream is stopped, it leaves a rejected promise behind that nobody can catch.
  it.runIf(watch && connect !== urqlByFetch)("stops the drawing, and pays for the rows that it saw", async () => {
    const before = await pixelsOf(headers);
    await new Promise<void>((resolve, reject) => {
      const stop = peer.watch?.(
        operations.WATCH,
        { image: first().image, keepRows: 0, ...LONG },
        {
          next({ data, codes }) {
            if (!data) return reject(new Error(codes.join()));
            if (data.complete.rowsDone < 2) return;
            stop?.();
            resolve();
          },
          end: (refused) => refused && reject(refused),
        },
      );
    });
    // All of it is reserved, until the Worker has seen that nobody reads.
    await expect
      .poll(async () => (await pixelsOf(headers)) - before, { timeout: 60_000 })
      .toBeLessThan(LONG.samples * 32 * 32);
    expect((await pixelsOf(headers)) - before).toBeGreaterThanOrEqual(2 * LONG.samples * 32);
  });

  it.runIf(watch)("tells its user what is wrong in a stream", async () => {
    const events = await watched(peer, { image: BROKEN, keepRows: 28 });
    expect(events.flatMap(({ codes }) => codes)).toEqual(["BAD_IMAGE"]);
  });

  it("tells its user that the key is wrong", async () => {
    const stranger = connect(endpoint, bearer("igpt_sk_wrong"));
    expect((await stranger.query(operations.COMPLETE, { image: first().image })).codes).toEqual(["UNAUTHENTICATED"]);
  });
});

it("graphql-sse's user learns that a single connection for all streams is not offered", async () => {
  const client = createClient({
    url: endpoint,
    headers: await keyOf("single"),
    singleConnection: true,
    retryAttempts: 0,
  });
  const refusal = client.iterate({ query: operations.WATCH, variables: { image: first().image, keepRows: 28 } }).next();
  const error: unknown = await refusal.catch((reason) => reason);
  if (!(error instanceof NetworkError)) throw error;
  expect(error.message).toBe("Server responded with 405: Method Not Allowed");
});

describe("Python's gql", () => {
  let answers: Record<string, Record<string, operations.Answer<unknown>>>;
  beforeAll(async () => {
    const { authorization = "" } = await keyOf("gql");
    const python = pythonOf(PYTHON, "clients");
    const child = spawn(python, [join(PYTHON, "gql_client.py"), endpoint, authorization, PICTURES[0] ?? ""]);
    const { COMPLETE: complete, UPLOAD: upload, UNKNOWN_FIELD: unknown } = operations;
    child.stdin.end(JSON.stringify({ complete, upload, unknown }));
    const [output, problems] = await Promise.all([text(child.stdout), text(child.stderr)]);
    if (output === "") throw new Error(problems);
    answers = JSON.parse(output);
  }, 600_000);

  it.each(["httpx", "httpx, async", "aiohttp"])(
    "%s: completes, uploads, and tells its user what is wrong",
    (transport) => {
      const { completed, embedded } = first();
      expect(answers[transport]).toEqual({
        completed: { data: completed, codes: [] },
        uploaded: { data: embedded, codes: [] },
        broken: { data: { complete: null }, codes: ["BAD_IMAGE"] },
        unknown: { data: null, codes: ["GRAPHQL_VALIDATION_FAILED"] },
        stranger: { data: null, codes: ["UNAUTHENTICATED"] },
      });
    },
  );
});

it("the versions that docs/graphql.md names are those that ran", async () => {
  const table = await readFile(join(ROOT, "docs/graphql.md"), "utf8");
  const { devDependencies } = JSON.parse(await readFile(join(ROOT, "package.json"), "utf8"));
  const [, gql] = /^gql\S*==(\S+)$/m.exec(await readFile(join(PYTHON, "requirements.txt"), "utf8")) ?? [];
  for (const version of [
    ...[`Apollo Client ${devDependencies["@apollo/client"]}`, `urql ${devDependencies.urql}`],
    `\`apollo-upload-client\` ${devDependencies["apollo-upload-client"]}`,
    ...[`Relay ${devDependencies["relay-runtime"]}`, `graphql-request ${devDependencies["graphql-request"]}`],
    ...[`graphql-sse ${devDependencies["graphql-sse"]}`, `gql ${gql}`],
  ]) {
    expect(table).toContain(version);
  }
});

function first(): Reference {
  const [reference] = references;
  if (!reference) throw new Error("no picture");
  return reference;
}

/** A plain request. */
async function ask<T>(query: string, variables: operations.Variables, headers: Record<string, string>): Promise<T> {
  const response = await fetch(endpoint, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = (await response.json()) as { data: T; errors?: unknown };
  if (errors) throw new Error(JSON.stringify(errors));
  return data;
}

/** A key of its own: what each client used is known. */
async function keyOf(name: string): Promise<Record<string, string>> {
  const mutation = `mutation ($name: String!) {
    createApiKey(input: { name: $name, scopes: [COMPLETE, EMBED, JOBS] }) { secret }
  }`;
  const { createApiKey } = await ask<{ createApiKey: { secret: string } }>(mutation, { name }, admin);
  return bearer(createApiKey.secret);
}

async function pixelsOf(headers: Record<string, string>): Promise<number> {
  const query = "{ viewer { usage { pixelsThisMonth } } }";
  return (await ask<{ viewer: { usage: { pixelsThisMonth: number } } }>(query, {}, headers)).viewer.usage
    .pixelsThisMonth;
}

/** All events of a stream, which ends by itself. */
function watched(
  peer: operations.Peer,
  variables: operations.Variables,
): Promise<operations.Answer<operations.Watched>[]> {
  const events: operations.Answer<operations.Watched>[] = [];
  return new Promise((resolve, reject) => {
    peer.watch?.(operations.WATCH, variables, {
      next: (event) => events.push(event),
      end: (refused) => (refused ? reject(refused) : resolve(events)),
    });
  });
}
