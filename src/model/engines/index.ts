import type { EngineFactory, EngineName } from "../engine-factory.ts";

/**
 * The engine that the variable `ENGINE` names; the other one is not even imported.
 * @throws Error when there is no such engine: a mistake in the configuration
 */
export async function engineFactory(name: string): Promise<EngineFactory> {
  switch (name as EngineName) {
    case "kernel":
      return (await import("./kernel/factory.ts")).factory;
    case "onnx":
      return (await import("./ort/factory.ts")).factory;
    default:
      throw new Error(`ENGINE is ${JSON.stringify(name)}: it must be "kernel" or "onnx"`);
  }
}
