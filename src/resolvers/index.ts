/** Root fields and types to their resolvers: they translate, they do not compute. */
import type { Resolvers } from "../../build/graphql-types.ts";
import { ApiKey, apiKeys, createApiKey, revokeApiKey, rotateApiKey } from "./api-keys.ts";
import { complete, completeWithProgress } from "./complete.ts";
import { embed, embedMany } from "./embed.ts";
import { Image, SampleProgress } from "./image.ts";
import { cancelCompletion, completion, completionProgress } from "./jobs.ts";
import { likelihood } from "./likelihood.ts";
import { model, models } from "./models.ts";
import { File } from "./scalars.ts";
import { submitCompletion } from "./submit-completion.ts";
import { Viewer, viewer } from "./viewer.ts";

export const resolvers: Resolvers = {
  Query: { complete, completion, embed, embedMany, likelihood, model, models, viewer, apiKeys },
  Mutation: { submitCompletion, cancelCompletion, createApiKey, rotateApiKey, revokeApiKey },
  Subscription: { complete: completeWithProgress, completionProgress },
  ApiKey,
  Viewer,
  Image,
  SampleProgress,
  File,
};
