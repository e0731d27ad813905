/** Root fields and types to their resolvers: they translate, they do not compute. */
import type { Resolvers } from "../../build/graphql-types.ts";
import { complete, completeWithProgress } from "./complete.ts";
import { embed, embedMany } from "./embed.ts";
import { Image, SampleProgress } from "./image.ts";
import { likelihood } from "./likelihood.ts";
import { model, models } from "./models.ts";
import { File } from "./scalars.ts";

export const resolvers: Resolvers = {
  Query: { complete, embed, embedMany, likelihood, model, models },
  Subscription: { complete: completeWithProgress },
  Image,
  SampleProgress,
  File,
};
