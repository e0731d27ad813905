/** The suite that every engine passes, and PyTorch's golden values, on each binary. */
import { describe } from "vitest";
import { readSafetensors } from "../../src/model/bundle/safetensors.ts";
import { KernelEngine } from "../../src/model/engines/kernel/engine.ts";
import type { KernelShape } from "../../src/model/engines/kernel/tensors.ts";
import { engineConformance, type Tolerance } from "../engine-conformance.ts";
import type { Golden } from "../golden/load.ts";
import { BINARIES, type Binary, kernelModule } from "./modules.ts";

// The means are over as little as one pixel; correctness.test.ts has the bounds of long runs.
const RANDOM: Tolerance = { nll: 0.25, meanNll: 0.02, features: 0.04, tie: 0.4 };

/**
 * A trained model is surer of its colours, and errs more where it is surprised: over 48 test pictures the worst pixel was
 * 0.35 nats off, one in 10,000 by 0.28, and the mean by 0.0006. At a single position all colours share the error of their
 * normaliser, so the mean over colours is hardly better than one of them.
 */
const TRAINED: Tolerance = { nll: 0.5, meanNll: 0.1, meanLogits: 0.15, features: 0.05, tie: 0.6 };

const SHIPPED: Binary = "kernel-r16";

describe.each(BINARIES)("%s", (binary) => {
  const load = async (golden: Golden) => {
    const file = golden.file("weights.safetensors");
    const shape: KernelShape = { ...golden.shape, bias: golden.bias };
    return KernelEngine.load(binary, kernelModule(binary), shape, await readSafetensors(once(file), file.length));
  };
  engineConformance(load, RANDOM, ["tiny", "biased"]);
  // The others have the same bits: correctness.test.ts.
  if (binary !== SHIPPED) return;
  engineConformance(load, RANDOM, ["large"]);
  engineConformance(load, TRAINED, ["shipped"]);
});

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
