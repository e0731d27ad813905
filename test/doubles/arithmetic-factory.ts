import { WEIGHTS_FILE } from "../../src/model/bundle/manifest.ts";
import type { EngineFactory, MemoryPlan } from "../../src/model/engine-factory.ts";
import { ArithmeticEngine } from "./arithmetic-engine.ts";

/** Bytes of a loaded engine, and of each prefix and sample. */
export const BASE_BYTES = 1000;
export const SAMPLE_BYTES = 100;

/** Makes arithmetic engines from real bundles: reads the weights as a stream, to the verified end. */
export function arithmeticFactory({
  onTurn,
  whileLoading = async () => {},
  requestBytes = (samples) => (1 + samples) * SAMPLE_BYTES,
}: {
  onTurn?: () => Promise<void> | void;
  /** Runs after each chunk. */
  whileLoading?: () => Promise<void>;
  /** What the plan says; the engine takes what `ArithmeticEngine.requestBytes` says. */
  requestBytes?: MemoryPlan["requestBytes"];
} = {}) {
  const loads: { version: string; engine: ArithmeticEngine | undefined }[] = [];
  const factory: EngineFactory = {
    name: "kernel",
    plan: () => ({
      residentBytes: BASE_BYTES,
      loadBytes: BASE_BYTES + 50,
      requestBytes,
    }),
    async load(manifest, files) {
      const load: (typeof loads)[number] = { version: manifest.version, engine: undefined };
      loads.push(load);
      const { data } = await files.safetensors(WEIGHTS_FILE);
      for await (const _ of data) await whileLoading();
      const memory = { baseBytes: BASE_BYTES, sampleBytes: SAMPLE_BYTES };
      load.engine = new ArithmeticEngine(manifest.architecture, onTurn ? { ...memory, onTurn } : memory);
      return load.engine;
    },
  };
  return { factory, loads };
}
