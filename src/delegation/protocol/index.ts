/** The Open Inference Protocol (KServe v2) over HTTP: messages, in JSON and in Triton's binary form. */
export { type Body, HEADER_LENGTH } from "./body.ts";
export { parseConfiguredEngine } from "./configuration.ts";
export type { Parameters } from "./header.ts";
export { decodeRequest, encodeRequest, type InferRequest } from "./request.ts";
export { decodeResponse, encodeResponse, type InferResponse } from "./response.ts";
export { elements, fp32, int64, ProtocolError, type Tensor } from "./tensor.ts";
