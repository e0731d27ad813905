/** `igpt.onnx` as a request and its answer: completions, embeddings and likelihoods to tensors and back. */
export {
  CANDIDATES,
  candidateInputs,
  completionInputs,
  readingInputs,
  type SampleRange,
  type Span,
  spanOf,
  stepInputs,
} from "./inputs.ts";
export { completedSamples, embeddings, likelihoodOf, stepResult } from "./outputs.ts";
