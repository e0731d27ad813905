/** onnxruntime-web's logits: the Worker's second engine on a rows graph that has them as an output. */
import { gunzipSync } from "node:zlib";
import type { ModelShape } from "../../src/model/engine.ts";
import { PREFIX_CHUNK } from "../../src/model/engine.ts";
import { Cache } from "../../src/model/engines/ort/cache.ts";
import { feedsOf, floatData, openSession, resultOf, type Steps } from "../../src/model/engines/ort/graph.ts";
import { exclusively, type Runtime } from "../../src/model/engines/ort/runtime.ts";
import type { Forcing } from "./forcing.ts";

export interface LogitsGraph {
  /** A new sequence. */
  begin(): Forcing;
  release(): Promise<void>;
}

/** @param graph what `python -m igpt.logits_graph` wrote, compressed; `weights`: the file whose tensors it names */
export async function openLogitsGraph(
  runtime: Runtime,
  graph: Uint8Array,
  weights: Uint8Array,
  shape: ModelShape,
): Promise<LogitsGraph> {
  const session = await openSession(runtime, gunzipSync(graph), weights);
  const run = async (input: Omit<Steps, "uniforms" | "sampling">) => {
    const sampling = { temperature: 1, topK: 0, topP: 1 };
    const steps = { ...input, uniforms: new Float32Array(input.forced.length), sampling };
    const output = await exclusively(() => session.run(feedsOf(runtime.ort.Tensor, shape, steps)));
    return { ...resultOf(output, shape, steps), logits: floatData(output, "logits") };
  };
  return { begin: () => sequence(shape, run), release: () => exclusively(() => session.release()) };
}

type Run = (
  input: Omit<Steps, "uniforms" | "sampling">,
) => Promise<{ row: Parameters<Cache["append"]>[0]; logits: Float32Array }>;

function sequence(shape: ModelShape, run: Run): Forcing {
  const nothing = new Cache(shape, 1, 0);
  const prefix = new Cache(shape, 1, shape.positions);
  let last = -1;
  return {
    async given(colors) {
      const logits = new Float32Array(colors.length * shape.colors);
      for (let start = 0; start < colors.length; start += PREFIX_CHUNK) {
        const forced = colors.slice(start, start + PREFIX_CHUNK);
        const input = { steps: 1, positions: forced.length, forced, last: Int32Array.of(last), prefix, own: nothing };
        const result = await run(input);
        prefix.append(result.row);
        logits.set(result.logits, start * shape.colors);
        last = forced.at(-1) ?? last;
      }
      return logits;
    },
    fork(samples) {
      const own = new Cache(shape, samples, shape.positions - prefix.length);
      let before = new Int32Array(samples).fill(last);
      return {
        async row(colors) {
          const steps = colors.length / samples;
          // The graph has positions before samples.
          const forced = Int32Array.from(
            colors,
            (_, i) => colors[(i % samples) * steps + Math.floor(i / samples)] ?? -1,
          );
          const result = await run({ steps, positions: 1, forced, last: before, prefix, own });
          own.append(result.row);
          before = forced.slice(-samples);
          return result.logits;
        },
        release() {},
      };
    },
    release() {},
  };
}
