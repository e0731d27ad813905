/** A model's configuration as Triton shows it (its extension `model_configuration`). */
import * as v from "valibot";

const configuration = v.object({ parameters: v.object({ engine: v.object({ string_value: v.string() }) }) });

/** The engine that it names, by a parameter of our own; undefined when it is no such configuration. */
export function parseConfiguredEngine(json: string): string | undefined {
  try {
    const result = v.safeParse(configuration, JSON.parse(json));
    return result.success ? result.output.parameters.engine.string_value : undefined;
  } catch {
    return undefined;
  }
}
