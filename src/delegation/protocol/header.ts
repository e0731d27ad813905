/** The JSON part of `infer` requests and responses, checked: what remains to be read are the tensors' data. */
import * as v from "valibot";
import { ProtocolError } from "./tensor.ts";

const dimension = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(2 ** 31 - 1));
const parameters = v.record(v.string(), v.union([v.string(), v.number(), v.boolean()]));

const tensor = v.object({
  name: v.string(),
  shape: v.array(dimension),
  datatype: v.picklist(["INT64", "FP32"]),
  parameters: v.nullish(parameters),
  data: v.nullish(v.array(v.unknown())),
});

const request = v.object({
  id: v.nullish(v.string()),
  parameters: v.nullish(parameters),
  inputs: v.array(tensor),
  outputs: v.nullish(v.array(v.object({ name: v.string(), parameters: v.nullish(parameters) }))),
});

const response = v.object({
  id: v.nullish(v.string()),
  model_name: v.nullish(v.string()),
  model_version: v.nullish(v.string()),
  // Some servers give parameters of other types (null, objects): what is not ours is not read.
  parameters: v.nullish(v.record(v.string(), v.unknown())),
  outputs: v.array(v.object({ ...tensor.entries, parameters: v.nullish(v.record(v.string(), v.unknown())) })),
});

export type Parameters = v.InferOutput<typeof parameters>;
export type TensorHeader = Omit<v.InferOutput<typeof tensor>, "parameters"> & {
  parameters?: Record<string, unknown> | null | undefined;
};
export type RequestHeader = v.InferOutput<typeof request>;
export type ResponseHeader = v.InferOutput<typeof response>;

/** @throws ProtocolError that names the first field that is wrong. */
export const parseRequestHeader = (json: string): RequestHeader => parse(request, json);
/** @throws ProtocolError that names the first field that is wrong. */
export const parseResponseHeader = (json: string): ResponseHeader => parse(response, json);

function parse<S extends v.GenericSchema>(schema: S, json: string): v.InferOutput<S> {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (error) {
    throw new ProtocolError("the body is not JSON", { cause: error });
  }
  const result = v.safeParse(schema, value, { abortEarly: true });
  if (result.success) return result.output;
  const [issue] = result.issues;
  throw new ProtocolError(`${v.getDotPath(issue) ?? "the body"}: ${issue.message}`);
}
