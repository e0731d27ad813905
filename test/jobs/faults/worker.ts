/**
 * The Worker as it would be deployed, on bindings that fail when they are told to. The product knows nothing of it: its
 * entry points are given another `env`.
 */

import * as product from "../../product.mjs";
import { Breakables } from "./breakable.ts";
import { FAULTS_PATH, type Fault } from "./plan.ts";

/** One isolate runs all entry points here: they share it. */
const breakables = new Breakables();
const envs = new WeakMap<Env, Env>();

function breakable(env: Env): Env {
  const known = envs.get(env);
  if (known) return known;
  const made: Env = {
    ...env,
    BUCKET: breakables.of(env.BUCKET, "BUCKET"),
    DB: breakables.of(env.DB, "DB", ["prepare"]),
    JOBS: breakables.of(env.JOBS, "JOBS", ["getByName"]),
    METERS: breakables.of(env.METERS, "METERS", ["getByName"]),
    COMPLETIONS: breakables.of(env.COMPLETIONS, "COMPLETIONS"),
  };
  envs.set(env, made);
  return made;
}

export const Meter = product.Meter;

export class CompletionJob extends product.CompletionJob {
  constructor(state: DurableObjectState, env: Env) {
    super(state, breakable(env));
  }
}

export class CompletionWorkflow extends product.CompletionWorkflow {
  constructor(context: ExecutionContext, env: Env) {
    super(context, breakable(env));
  }
}

export default {
  async fetch(request: Request, env: Env, context: ExecutionContext): Promise<Response> {
    if (new URL(request.url).pathname !== FAULTS_PATH) {
      return product.default.fetch(request, breakable(env), context);
    }
    if (request.method === "POST") breakables.follow(await request.json<Fault[]>());
    return Response.json(breakables.failed);
  },
} satisfies ExportedHandler<Env>;
