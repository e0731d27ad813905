/** `igpt.onnx` as a request and its answer: completions, embeddings and likelihoods to tensors and back. */
export {
  candidateInputs,
  completionInputs,
  readingInputs,
  type SampleRange,
  type Span,
  spanOf,
  stepInputs,
} from "./inputs.ts";
export {
  CANDIDATE_INPUTS,
  CANDIDATES,
  type CandidateInputName,
  entriesOf,
  INPUTS,
  type InputName,
  type Interface,
  OUTPUTS,
  type OutputName,
  type Sizes,
  shapeOf,
  tensorsOf,
} from "./interface.ts";
export { completedSamples, embeddings, likelihoodOf, stepResult } from "./outputs.ts";
