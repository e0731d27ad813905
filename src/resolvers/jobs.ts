import type { MutationResolvers, QueryResolvers, SubscriptionResolvers } from "../../build/graphql-types.ts";
import { UserError } from "../errors.ts";
import type { RequestContext } from "../graphql/context.ts";
import { flatPalette } from "../image/index.ts";
import { hasEnded } from "../jobs/index.ts";
import { jobCompletion } from "./job.ts";
import type { ProgressParent } from "./parents.ts";

/** `Query.completion` */
export const completion: NonNullable<QueryResolvers["completion"]> = async (_, { id }, context) => {
  const job = await context.jobs.find(id, context.access.caller.owner);
  return job && jobCompletion(job, context);
};

/** `Mutation.cancelCompletion` */
export const cancelCompletion: NonNullable<MutationResolvers["cancelCompletion"]> = async (_, { id }, context) =>
  jobCompletion(await context.jobs.cancel(id, context.access.caller.owner), context);

/** `Subscription.completionProgress` */
export const completionProgress: NonNullable<SubscriptionResolvers["completionProgress"]> = {
  subscribe: async (_, { id }, context) => {
    // What cannot be watched is an error of the request, before the stream has begun.
    const job = await context.jobs.find(id, context.access.caller.owner);
    if (!job) throw new UserError("NOT_FOUND", "There is no such job: it may have expired.");
    return events(id, context);
  },
  resolve: (event: ProgressParent) => event,
};

async function* events(id: string, context: RequestContext): AsyncGenerator<ProgressParent> {
  const { jobs, models, access, request } = context;
  let palette: Uint8Array | undefined;
  for await (const { job, progress } of jobs.watch(id, access.caller.owner, request.signal)) {
    const { rowsDone, rowsTotal, samples } = progress;
    palette ??= flatPalette((await models.version(job.model.id, job.model.version)).manifest.palette);
    const colors = palette;
    yield {
      id,
      status: job.status,
      rowsDone,
      rowsTotal,
      retrying: job.retrying,
      samples: samples.map((tokens, index) => ({ index, tokens, palette: colors })),
      completion: hasEnded(job) ? jobCompletion(job, context) : null,
    };
  }
}
