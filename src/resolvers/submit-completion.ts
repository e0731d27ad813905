import type { MutationResolvers } from "../../build/graphql-types.ts";
import { sha256 } from "../access/index.ts";
import { type ErrorCode, UserError } from "../errors.ts";
import type { RequestContext } from "../graphql/context.ts";
import { flatPalette, type Picture, readPicture, toTokens } from "../image/index.ts";
import type { JobRecord } from "../jobs/index.ts";
import { generatedPixels } from "../model/options.ts";
import type { CompletionSpec, Model } from "../model/types.ts";
import { checkPublicUrl } from "../net/public-url.ts";
import { jobCompletion } from "./job.ts";

type Arguments = Parameters<Extract<NonNullable<MutationResolvers["submitCompletion"]>, (...a: never[]) => unknown>>[1];

const MAX_KEY_LENGTH = 255;

/** Codes of what is wrong with the input, and where it then is. Any other error is one of the request. */
const INPUT_ERRORS: Partial<Record<ErrorCode, string[]>> = {
  BAD_IMAGE: ["image"],
  IMAGE_TOO_LARGE: ["image"],
  UNSUPPORTED_IMAGE: ["image"],
  NOT_FOUND: ["image", "id"],
  URL_REFUSED: ["image", "url"],
  BAD_OPTION: ["options"],
  MODEL_NOT_FOUND: ["options", "model"],
  JOB_TOO_LARGE: ["samples"],
  ORIGIN_UNAVAILABLE: ["options", "execution"],
  IDEMPOTENCY_CONFLICT: ["idempotencyKey"],
};

/** An input error of a known place. */
class ArgumentError extends UserError {
  constructor(
    code: ErrorCode,
    message: string,
    readonly path: string[],
  ) {
    super(code, message);
  }
}

/** `Mutation.submitCompletion` */
export const submitCompletion: NonNullable<MutationResolvers["submitCompletion"]> = async (_, input, context, info) => {
  try {
    const job = await submit(input, context);
    // With an idempotency key the caller finds it again.
    if (input.idempotencyKey == null) {
      await context.access.deliveries.add({ field: String(info.path.key), lost: () => context.jobs.withdraw(job) });
    }
    return { completion: jobCompletion(job, context), userErrors: [] };
  } catch (error) {
    const path = error instanceof ArgumentError ? error.path : error instanceof UserError && INPUT_ERRORS[error.code];
    if (!(error instanceof UserError) || !path) throw error;
    return { completion: null, userErrors: [{ code: error.code, message: error.message, path }] };
  }
};

/** Everything is checked before anything is stored, and what costs least first. */
async function submit(input: Arguments, context: RequestContext): Promise<JobRecord> {
  const { image, samples, options } = input;
  const { models, inference, jobs, access, images, request } = context;
  const idempotencyKey = checkedKey(input.idempotencyKey);
  const model = await models.model(options?.model);
  const spec = models.plan(model, samples, options);
  inference.route(model, spec);
  const webhook = await checkedWebhook(input.webhookUrl, context);
  const picture = await readPicture(image, model.resolution, { ...images, signal: request.signal });
  const pixels = generatedPixels(spec);
  return jobs.submit({
    owner: access.caller.owner,
    model,
    spec,
    tokens: toTokens(picture, flatPalette(model.manifest.palette)),
    payload: await payloadHash(input, picture, model, spec),
    idempotencyKey,
    webhook,
    pixels,
    reservation: await access.reserve({ pixels, keepMs: RESERVATION_MS }),
  });
}

/** Longer than a job can take. */
const RESERVATION_MS = 24 * 3_600_000;

function checkedKey(key: string | null | undefined): string | null {
  if (key == null) return null;
  if (key.length >= 1 && key.length <= MAX_KEY_LENGTH) return key;
  throw new ArgumentError("BAD_OPTION", `idempotencyKey must have 1 to ${MAX_KEY_LENGTH} characters.`, [
    "idempotencyKey",
  ]);
}

async function checkedWebhook(url: string | null | undefined, { access, images, env, request }: RequestContext) {
  if (url == null) return null;
  const path = ["webhookUrl"];
  const policy = { resolver: images.resolver, allowLoopback: images.allowLoopback === true, signal: request.signal };
  let href: string;
  try {
    ({ href } = await checkPublicUrl(url, policy));
  } catch (error) {
    request.signal.throwIfAborted();
    const message = error instanceof UserError ? error.message : "The host of webhookUrl could not be found.";
    throw new ArgumentError("URL_REFUSED", message, path);
  }
  // After the URL: one that is refused stays so with a key, and is told so without one too.
  const keyId = access.caller.key?.id ?? null;
  if (keyId === null && !(env as { WEBHOOK_SECRET?: string }).WEBHOOK_SECRET) {
    const message =
      "webhookUrl needs an API key, whose webhook secret signs the webhook (or the deployment's secret WEBHOOK_SECRET).";
    throw new ArgumentError("BAD_OPTION", message, path);
  }
  return { url: href, keyId };
}

/** Of what was asked for: not of what was drawn for it (a seed), nor of how the picture came. */
async function payloadHash(input: Arguments, { rgb }: Picture, model: Model, spec: CompletionSpec): Promise<string> {
  const { seed, firstSample: _, ...decided } = spec;
  const asked = { ...decided, seed: input.options?.seed == null ? null : seed };
  return sha256(JSON.stringify([model.id, asked, input.webhookUrl ?? null, Array.from(rgb)]));
}
