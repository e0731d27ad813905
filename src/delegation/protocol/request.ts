import { type Body, joinBody, readTensors, splitBody, tensorHeader } from "./body.ts";
import { type Parameters, parseRequestHeader, type RequestHeader } from "./header.ts";
import type { Tensor } from "./tensor.ts";

export interface InferRequest {
  id?: string | undefined;
  parameters: Parameters;
  inputs: Tensor[];
  /** The wanted outputs' names; absent: all. */
  outputs?: string[] | undefined;
  /** Whether an output is wanted in the binary form. */
  wantsBinary: (output: string) => boolean;
}

/** @param binary tensors both ways in the binary form, which the server must know (`binary_tensor_data` in its metadata) */
export function encodeRequest(
  { id, parameters, inputs, outputs }: Pick<InferRequest, "id" | "inputs" | "outputs"> & { parameters?: Parameters },
  binary: boolean,
): Body {
  const header = {
    id,
    parameters: binary ? { ...parameters, binary_data_output: true } : parameters,
    inputs: inputs.map((tensor) => tensorHeader(tensor, binary)),
    outputs: outputs?.map((name) => ({ name })),
  };
  return joinBody(header, binary ? inputs : []);
}

/** @throws ProtocolError */
export function decodeRequest(headers: Headers, bytes: Uint8Array): InferRequest {
  const { json, rest } = splitBody(headers, bytes);
  const header = parseRequestHeader(json);
  return {
    id: header.id ?? undefined,
    parameters: header.parameters ?? {},
    inputs: readTensors(header.inputs, rest),
    outputs: header.outputs?.map(({ name }) => name),
    wantsBinary: wantsBinary(header),
  };
}

/** An output's own wish goes before the request's. */
function wantsBinary({ parameters, outputs }: RequestHeader): (output: string) => boolean {
  const all = parameters?.binary_data_output === true;
  const own = new Map(outputs?.map(({ name, parameters }) => [name, parameters?.binary_data]));
  return (name) => {
    const wish = own.get(name);
    return typeof wish === "boolean" ? wish : all;
  };
}
