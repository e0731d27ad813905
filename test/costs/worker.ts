/** The Worker as it would be deployed, on the real local bindings, each call of which is noted. It knows nothing of that. */
import * as product from "../product.mjs";
import { CALLS_PATH, type Call, EXPIRE_PATH } from "./calls.ts";
import { countedBucket, countedDatabase, countedObjects, countStorage } from "./counting.ts";

/** One isolate runs all entry points here: they share it. */
let calls: Call[] = [];
const note = (call: Call) => void calls.push(call);
const envs = new WeakMap<Env, Env>();

function counted(env: Env): Env {
  const known = envs.get(env);
  if (known) return known;
  const made: Env = {
    ...env,
    BUCKET: countedBucket(env.BUCKET, note),
    DB: countedDatabase(env.DB, note),
    JOBS: countedObjects(env.JOBS, note),
    METERS: countedObjects(env.METERS, note),
    COMPLETIONS: new Proxy(env.COMPLETIONS, {
      get: (workflow, name) => {
        const method: unknown = Reflect.get(workflow, name, workflow);
        if (typeof method !== "function") return method;
        return (...args: unknown[]) => {
          if (name === "create") note({ of: "workflow" });
          return Reflect.apply(method, workflow, args) as unknown;
        };
      },
    }),
    METRICS: {
      writeDataPoint: (point) => {
        note({ of: "data point" });
        env.METRICS.writeDataPoint(point);
      },
    },
  };
  envs.set(env, made);
  return made;
}

function countedState(state: DurableObjectState): DurableObjectState {
  countStorage(state, note);
  return state;
}

export class Meter extends product.Meter {
  constructor(state: DurableObjectState, env: Env) {
    super(countedState(state), counted(env));
  }
}

export class CompletionJob extends product.CompletionJob {
  constructor(state: DurableObjectState, env: Env) {
    super(countedState(state), counted(env));
  }

  override alarm(): Promise<void> {
    note({ of: "object", method: "alarm" });
    return super.alarm();
  }

  /** Its days are over, and its alarm goes off. */
  async expire(): Promise<void> {
    const job = this.ctx.storage.kv.get<object>("job");
    this.ctx.storage.kv.put("job", { ...job, expiresAt: 0 });
    calls = [];
    await this.alarm();
  }
}

export class CompletionWorkflow extends product.CompletionWorkflow {
  constructor(context: ExecutionContext, env: Env) {
    super(context, counted(env));
  }

  override run(...[event, step]: Parameters<product.CompletionWorkflow["run"]>): Promise<void> {
    const steps = new Proxy(step, {
      get: (object, name) => {
        const method: unknown = Reflect.get(object, name, object);
        if (typeof method !== "function" || typeof name === "symbol") return method;
        return (...args: unknown[]) => {
          note({ of: "step", name: `${name} ${args[0]}` });
          return Reflect.apply(method, object, args) as unknown;
        };
      },
    });
    return super.run(event, steps);
  }
}

export default {
  async fetch(request: Request, env: Env, context: ExecutionContext): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname === EXPIRE_PATH) {
      const job = env.JOBS.getByName(searchParams.get("job") ?? "") as unknown as { expire(): Promise<void> };
      await job.expire();
      return Response.json(null);
    }
    if (pathname !== CALLS_PATH) return product.default.fetch(request, counted(env), context);
    if (request.method === "DELETE") calls = [];
    return Response.json(calls);
  },
} satisfies ExportedHandler<Env>;
