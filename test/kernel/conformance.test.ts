/** The suite that every engine passes, and PyTorch's golden values, on each binary. */
import { describe } from "vitest";
import { KernelEngine } from "../../src/model/engines/kernel/engine.ts";
import type { KernelShape } from "../../src/model/engines/kernel/tensors.ts";
import { readSafetensors } from "../../src/model/safetensors.ts";
import { engineConformance, type Tolerance } from "../engine-conformance.ts";
import { BINARIES, type Binary, kernelModule } from "./modules.ts";

// The means are over as little as one pixel; correctness.test.ts has the bounds of long runs. A single pixel may be far
// off where the trained model is very surprised (the drawing: flat colours that no photo has), at 8 nats and more.
const SEVEN_BITS: Tolerance = { nll: 0.9, meanNll: 0.04, features: 0.06, tie: 0.6 };
const TOLERANCES: Record<Binary, Tolerance> = {
  "kernel-r16": SEVEN_BITS,
  "kernel-r16-plain": SEVEN_BITS,
  "kernel-p16": { nll: 0.3, meanNll: 0.03, features: 0.02, tie: 0.3 },
};

describe.each(BINARIES)("%s", (binary) => {
  engineConformance(
    async (golden) => {
      const file = golden.file("weights.safetensors");
      const shape: KernelShape = { ...golden.shape, bias: golden.bias };
      return KernelEngine.load(binary, kernelModule(binary), shape, await readSafetensors(once(file), file.length));
    },
    TOLERANCES[binary],
    ["tiny", "biased", "shipped"],
  );
});

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
