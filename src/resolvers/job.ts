import type { RequestContext } from "../graphql/context.ts";
import { flatPalette } from "../image/index.ts";
import { hasEnded, type JobRecord, makerOf } from "../jobs/index.ts";
import { image } from "./completion.ts";
import type { CompletionParent } from "./parents.ts";

/** A stored job as a completion; its picture and samples are fetched when they are asked for. */
export function jobCompletion(job: JobRecord, context: RequestContext): CompletionParent {
  const { models, jobs } = context;
  const model = () => models.version(job.model.id, job.model.version);
  const palette = async () => flatPalette((await model()).manifest.palette);
  const maker = makerOf(job);
  return {
    id: job.id,
    status: job.status,
    model,
    seed: job.seed,
    keepRows: job.keepRows,
    ranOn: maker?.ranOn ?? null,
    engine: maker?.engine ?? null,
    input: async () => image(Int32Array.from((await jobs.input(job)).tokens), await palette()),
    samples: async () => {
      if (!hasEnded(job)) return [];
      const [samples, colors] = await Promise.all([jobs.samples(job), palette()]);
      return samples.map(({ index, tokens, nllPerPixel }) => ({ index, nllPerPixel, image: image(tokens, colors) }));
    },
    error: job.error,
    retrying: job.retrying,
    createdAt: new Date(job.createdAt).toISOString(),
    finishedAt: job.finishedAt === null ? null : new Date(job.finishedAt).toISOString(),
  };
}
