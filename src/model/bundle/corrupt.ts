import { UserError } from "../../errors.ts";

/** MODEL_CORRUPT for one bundle; `why` is for the owner, and says nothing that a caller may not know. */
export function corrupt(bundle: { id: string; version: string }, why: string): UserError {
  return new UserError(
    "MODEL_CORRUPT",
    `Model ${bundle.id} version ${bundle.version} is damaged in the bucket (${why}). ` +
      "Its owner can publish it again with `npm run models -- push`; another model may work meanwhile.",
  );
}
