import { type Body, joinBody, readTensors, splitBody, tensorHeader } from "./body.ts";
import { type Parameters, parseResponseHeader } from "./header.ts";
import type { Tensor } from "./tensor.ts";

export interface InferResponse {
  id?: string | undefined;
  modelName?: string | undefined;
  modelVersion?: string | undefined;
  /** As read, of any type: a peer may add what it likes. */
  parameters: Record<string, unknown>;
  outputs: Tensor[];
}

export function encodeResponse(
  response: InferResponse & { parameters: Parameters },
  wantsBinary: (output: string) => boolean,
): Body {
  const { id, modelName, modelVersion, parameters, outputs } = response;
  const header = {
    id,
    model_name: modelName,
    model_version: modelVersion,
    parameters,
    outputs: outputs.map((tensor) => tensorHeader(tensor, wantsBinary(tensor.name))),
  };
  return joinBody(
    header,
    outputs.filter(({ name }) => wantsBinary(name)),
  );
}

/** @throws ProtocolError */
export function decodeResponse(headers: Headers, bytes: Uint8Array): InferResponse {
  const { json, rest } = splitBody(headers, bytes);
  const header = parseResponseHeader(json);
  return {
    id: header.id ?? undefined,
    modelName: header.model_name ?? undefined,
    modelVersion: header.model_version ?? undefined,
    parameters: header.parameters ?? {},
    outputs: readTensors(header.outputs, rest),
  };
}
