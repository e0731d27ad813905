/** The suite that every engine passes, and PyTorch's golden values, on each binary. */
import { describe } from "vitest";
import { readSafetensors } from "../../src/model/bundle/safetensors.ts";
import { KernelEngine } from "../../src/model/engines/kernel/engine.ts";
import type { KernelShape } from "../../src/model/engines/kernel/tensors.ts";
import { engineConformance, type Tolerance } from "../engine-conformance.ts";
import type { Golden } from "../golden/load.ts";
import { BINARIES, type Binary, kernelModule } from "./modules.ts";

// The means are over as little as one pixel; correctness.test.ts has the bounds of long runs.
const SEVEN_BITS: Tolerance = { nll: 0.25, meanNll: 0.02, features: 0.04, tie: 0.4 };
const TWELVE_BITS: Tolerance = { nll: 0.1, meanNll: 0.01, features: 0.02, tie: 0.2 };
const TOLERANCES: Record<Binary, Tolerance> = {
  "kernel-r16": SEVEN_BITS,
  "kernel-r16-plain": SEVEN_BITS,
  "kernel-p16": TWELVE_BITS,
};

/**
 * A trained model is surer of its colours, and errs more where it is surprised: over 48 test pictures the worst pixel was
 * 0.35 nats off, one in 10,000 by 0.28, and the mean by 0.0006. At a single position all colours share the error of their
 * normaliser, so the mean over colours is hardly better than one of them.
 */
const TRAINED: Tolerance = { nll: 0.5, meanNll: 0.1, meanLogits: 0.15, features: 0.05, tie: 0.6 };

describe.each(BINARIES)("%s", (binary) => {
  const load = async (golden: Golden) => {
    const file = golden.file("weights.safetensors");
    const shape: KernelShape = { ...golden.shape, bias: golden.bias };
    return KernelEngine.load(binary, kernelModule(binary), shape, await readSafetensors(once(file), file.length));
  };
  engineConformance(load, TOLERANCES[binary], ["tiny", "biased", "large"]);
  engineConformance(load, TRAINED, ["shipped"]);
});

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
