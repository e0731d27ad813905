import { join } from "node:path";
import { createTestHarness } from "wrangler";
import type { Bucket } from "../bundles/bucket.ts";
import { openFolder } from "../bundles/folder.ts";
import { publish } from "../bundles/publish.ts";
import { WORKER_DIRECTORY } from "../lib/build-worker.ts";
import { ROOT } from "../lib/root.ts";

export interface TestWorkerOptions {
  /** Override wrangler.toml's. Default: as under `npm run dev`. */
  vars?: Record<string, string>;
  /** A folder laid out like r2-assets, whose models are published to the Worker's bucket; null: an empty bucket. */
  models?: string | null;
  /** The bucket's default model. Default: that of `models`. */
  defaultModel?: string;
  /** Where the Worker's bundle lies. Default: the production one. */
  directory?: string;
}

/** What a GraphQL request was answered. */
export interface Answer<T> {
  status: number;
  headers: Headers;
  data: T | null;
  errors: { message: string; path?: (string | number)[]; extensions: { code: string } }[];
}

export type TestWorker = Awaited<ReturnType<typeof startWorker>>;

/** The real Worker in workerd, its production bundle, with real local bindings and a bucket of its own. */
export async function startWorker({
  vars = {},
  models = join(ROOT, "r2-assets"),
  defaultModel,
  directory = WORKER_DIRECTORY,
}: TestWorkerOptions = {}) {
  const harness = createTestHarness({
    root: ROOT,
    workers: [
      {
        configPath: "wrangler.toml",
        prebuiltWorkerDir: directory,
        vars: { ANONYMOUS_SCOPES: "COMPLETE,EMBED,JOBS", GRAPHIQL: "on", FLOOD_GUARD: "off", ...vars },
      },
    ],
  });
  const { url } = await harness.listen();
  const env = await harness.getWorker<Env>().getEnv();
  await harness.getWorker<Env>().applyD1Migrations("DB");
  const bucket: Bucket = {
    async get(key) {
      const object = await asked(() => env.BUCKET.get(key));
      return object && Buffer.from(await object.arrayBuffer());
    },
    async put(key, bytes) {
      await asked(() => env.BUCKET.put(key, bytes));
    },
    close: async () => {},
  };
  if (models !== null) await publish((key) => openFolder(models).get(key), bucket, { makeDefault: defaultModel });

  /** A request to the Worker over HTTP; `path` starts with a slash. */
  const request = (path: string, init?: RequestInit): Promise<Response> => fetch(new URL(path, url), init);

  /** A GraphQL query over HTTP. */
  async function ask<T>(
    query: string,
    variables?: Record<string, unknown>,
    headers: Record<string, string> = {},
  ): Promise<Answer<T>> {
    const response = await request("/graphql", {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify({ query, variables }),
    });
    const body = (await response.json()) as Partial<Answer<T>>;
    return { status: response.status, headers: response.headers, data: body.data ?? null, errors: body.errors ?? [] };
  }

  /** The same where nothing may go wrong. @throws Error with the first message otherwise. */
  async function data<T>(
    query: string,
    variables?: Record<string, unknown>,
    headers?: Record<string, string>,
  ): Promise<T> {
    const answer = await ask<T>(query, variables, headers);
    if (answer.errors[0] || !answer.data) throw new Error(JSON.stringify(answer.errors));
    return answer.data;
  }

  return { url, env, bucket, request, ask, data, harness, close: () => harness.close() };
}

/**
 * Asks once more where the connection was closed: workerd closes one that lies idle, and this process may notice too late
 * when it is busy checking bundles meanwhile.
 */
async function asked<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    const cause = error instanceof Error ? (error.cause as { code?: string } | undefined) : undefined;
    if (cause?.code !== "UND_ERR_SOCKET") throw error;
    return ask();
  }
}
