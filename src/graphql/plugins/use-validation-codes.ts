import type { Plugin } from "graphql-yoga";
import { maskError } from "../mask-error.ts";

/** Yoga masks what comes of an execution; what validation refuses gets its code here, the same as it has in a variable. */
export function useValidationCodes(): Plugin {
  return {
    onValidate() {
      return ({ valid, result, setResult }) => {
        if (!valid) setResult(result.map((error) => maskError(error, error.message)));
      };
    },
  };
}
