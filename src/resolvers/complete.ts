import type { QueryResolvers, SubscriptionResolvers } from "../../build/graphql-types.ts";
import type { RequestContext } from "../graphql/context.ts";
import { type LiveCompletion, progress, succeeded } from "./completion.ts";
import type { ProgressParent } from "./parents.ts";
import { readTokens } from "./read-tokens.ts";

type Arguments = Parameters<Extract<NonNullable<QueryResolvers["complete"]>, (...a: never[]) => unknown>>[1];

/** Checks everything that can be checked before any work, the options before the picture. */
async function accept({ image, samples, options }: Arguments, context: RequestContext): Promise<LiveCompletion> {
  const model = await context.models.model(options?.model);
  const spec = context.models.plan(model, samples, options);
  const input = await readTokens(image, model, context);
  return { id: crypto.randomUUID(), createdAt: new Date().toISOString(), model, spec, input };
}

/** `Query.complete` */
export const complete: NonNullable<QueryResolvers["complete"]> = async (_, input, context) => {
  const live = await accept(input, context);
  const result = await context.models.completed(live.model, live.input.tokens, live.spec, context.request.signal);
  return succeeded(live, result);
};

/** `Subscription.complete` */
export const completeWithProgress: NonNullable<SubscriptionResolvers["complete"]> = {
  subscribe: async (_, input, context) => events(await accept(input, context), context),
  resolve: (event: ProgressParent) => event,
};

async function* events(live: LiveCompletion, context: RequestContext): AsyncGenerator<ProgressParent> {
  const run = context.models.complete(live.model, live.input.tokens, live.spec, context.request.signal);
  try {
    let rowsTotal = 0;
    let step = await run.next();
    for (; !step.done; step = await run.next()) {
      rowsTotal = step.value.rowsTotal;
      yield progress(live, step.value, "RUNNING");
    }
    const samples = step.value.samples.map((sample) => sample.tokens);
    yield progress(live, { rowsDone: rowsTotal, rowsTotal, samples }, "SUCCEEDED", succeeded(live, step.value));
  } finally {
    // A client that went away ends this generator early: the work must end with it.
    await run.return({ samples: [], engine: "" });
  }
}
