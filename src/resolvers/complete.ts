import type { GraphQLResolveInfo } from "graphql";
import type { QueryResolvers, SubscriptionResolvers } from "../../build/graphql-types.ts";
import { metered, type Reservation } from "../access/index.ts";
import type { RequestContext } from "../graphql/context.ts";
import { generatedPixels } from "../model/options.ts";
import type { CompletionSpec, Model } from "../model/types.ts";
import { checkAskedWidths } from "./asked-widths.ts";
import { type LiveCompletion, progress, succeeded } from "./completion.ts";
import type { ProgressParent } from "./parents.ts";
import { readTokens } from "./read-tokens.ts";

type Arguments = Parameters<Extract<NonNullable<QueryResolvers["complete"]>, (...a: never[]) => unknown>>[1];

/** A completion whose options are right, and what it takes of the month's quota: no work has been done for it yet. */
interface Plan {
  model: Model;
  spec: CompletionSpec;
  /** To generate, of all samples and their candidates. */
  pixels: number;
}

async function plan({ samples, options }: Arguments, context: RequestContext, info: GraphQLResolveInfo): Promise<Plan> {
  const model = await context.models.model(options?.model);
  checkAskedWidths(info, model.resolution);
  const spec = context.models.plan(model, samples, options);
  context.inference.route(model, spec);
  return { model, spec, pixels: generatedPixels(spec) };
}

async function accept({ model, spec }: Plan, { image }: Arguments, context: RequestContext): Promise<LiveCompletion> {
  const input = await readTokens(image, model, context);
  return { id: crypto.randomUUID(), createdAt: new Date().toISOString(), model, spec, input };
}

/** `Query.complete` */
export const complete: NonNullable<QueryResolvers["complete"]> = async (_, input, context, info) => {
  const { signal } = context.request;
  const planned = await plan(input, context, info);
  const made = { pixels: planned.pixels, field: String(info.path.key) };
  return metered(context.access, made, signal, async () => {
    const live = await accept(planned, input, context);
    const result = await context.inference.completed(live.model, live.input.tokens, live.spec, signal);
    context.trace.ran(live.model, result.engine, result.ranOn, planned.pixels);
    return succeeded(live, result);
  });
};

/** `Subscription.complete` */
export const completeWithProgress: NonNullable<SubscriptionResolvers["complete"]> = {
  subscribe: async (_, input, context, info) => {
    const planned = await plan(input, context, info);
    const reservation = await context.access.reserve(planned);
    try {
      const live = await accept(planned, input, context);
      return events(live, { ...reservation, pixels: planned.pixels }, context);
    } catch (error) {
      await reservation.refund();
      throw error;
    }
  },
  resolve: (event: ProgressParent) => event,
};

async function* events(
  live: LiveCompletion,
  reservation: Reservation & { pixels: number },
  context: RequestContext,
): AsyncGenerator<ProgressParent> {
  const { signal } = context.request;
  const run = context.inference.complete(live.model, live.input.tokens, live.spec, signal);
  let rowsDone = 0;
  let rowsTotal = 1;
  let failed = false;
  let maker = { engine: "", ranOn: "" };
  try {
    let step = await run.next();
    for (; !step.done; step = await run.next()) {
      ({ rowsDone, rowsTotal } = step.value);
      yield progress(live, step.value, "RUNNING");
    }
    rowsDone = rowsTotal;
    maker = step.value;
    const samples = step.value.samples.map((sample) => sample.tokens);
    yield progress(live, { rowsDone: rowsTotal, rowsTotal, samples }, "SUCCEEDED", succeeded(live, step.value));
  } catch (error) {
    failed = !signal.aborted;
    throw error;
  } finally {
    // Who leaves early pays for the rows that were made; nobody for what did not become an event.
    const made =
      failed || context.access.deliveries.wasCut ? 0 : Math.ceil((reservation.pixels * rowsDone) / rowsTotal);
    context.waitUntil(reservation.commit(made));
    context.trace.mark("work");
    context.trace.ran(live.model, maker.engine, maker.ranOn, made);
    // A client that went away ends this generator early: the work must end with it.
    await run.return({ samples: [], engine: "", ranOn: "EDGE" });
  }
}
