/** The safetensors container (huggingface/safetensors, "Format"): u64 header length, JSON header, tensors without holes. */
import * as v from "valibot";

/** Bytes an element, of the element types that bundles use. */
const DTYPE_BYTES = { I8: 1, U8: 1, F16: 2, BF16: 2, F32: 4, I32: 4 } as const;
export type Dtype = keyof typeof DTYPE_BYTES;

export interface TensorEntry {
  dtype: Dtype;
  shape: readonly number[];
  /** First byte, counted from the start of the data. */
  begin: number;
  /** One past the last byte, counted from the start of the data. */
  end: number;
}

export interface SafetensorsHeader {
  /** By name, in the order of their data. */
  tensors: ReadonlyMap<string, TensorEntry>;
  /** Where the data starts in the file: 8 + header length. */
  dataOffset: number;
  /** Bytes of data after the header. */
  dataBytes: number;
}

export interface SafetensorsStream {
  header: SafetensorsHeader;
  /** The data's bytes in order, in chunks of any size, none of them empty. To be iterated once. */
  data: AsyncIterable<Uint8Array>;
}

/** The file is not what the format says; the message names what is wrong. */
export class SafetensorsError extends Error {
  override readonly name = "SafetensorsError";
}

/** Far above any real header (10 KB for 24 layers), far below what would hurt. */
const MAX_HEADER_BYTES = 1 << 20;
const LENGTH_BYTES = 8;

const size = v.pipe(v.number(), v.integer(), v.minValue(0));
const headerSchema = v.record(
  v.string(),
  v.object({
    dtype: v.picklist(Object.keys(DTYPE_BYTES) as [Dtype, ...Dtype[]]),
    shape: v.array(size),
    data_offsets: v.tuple([size, size]),
  }),
);

/**
 * Splits a file's bytes into header and data.
 * @param fileBytes length of the whole file
 * @throws SafetensorsError when the header is not valid or does not describe exactly the bytes that follow it
 */
export async function readSafetensors(
  chunks: AsyncIterable<Uint8Array>,
  fileBytes: number,
): Promise<SafetensorsStream> {
  const source = chunks[Symbol.asyncIterator]();
  try {
    let head = await take(source, new Uint8Array(0), LENGTH_BYTES);
    const length = Number(new DataView(head.buffer, head.byteOffset).getBigUint64(0, true));
    if (length > MAX_HEADER_BYTES) throw new SafetensorsError(`header of ${length} bytes`);
    const dataOffset = LENGTH_BYTES + length;
    head = await take(source, head, dataOffset);
    const tensors = parseHeader(
      new TextDecoder().decode(head.subarray(LENGTH_BYTES, dataOffset)),
      fileBytes - dataOffset,
    );
    const header = { tensors, dataOffset, dataBytes: fileBytes - dataOffset };
    return { header, data: rest(source, head.subarray(dataOffset)) };
  } catch (error) {
    await source.return?.();
    throw error;
  }
}

/** Checks that tensors lie in order, without holes, and fill the data. */
export function parseHeader(json: string, dataBytes: number): Map<string, TensorEntry> {
  const tensors = Object.entries(parseEntries(json))
    .map(
      ([
        name,
        {
          dtype,
          shape,
          data_offsets: [begin, end],
        },
      ]) => ({ name, entry: { dtype, shape, begin, end } }),
    )
    .sort((a, b) => a.entry.begin - b.entry.begin || a.entry.end - b.entry.end);
  let at = 0;
  for (const { name, entry } of tensors) {
    const bytes = entry.shape.reduce((product, n) => product * n, DTYPE_BYTES[entry.dtype]);
    if (entry.begin !== at || entry.end !== at + bytes)
      throw new SafetensorsError(`tensor ${name} is not where it should be`);
    at = entry.end;
  }
  if (at !== dataBytes) throw new SafetensorsError(`tensors of ${at} bytes in ${dataBytes} bytes of data`);
  return new Map(tensors.map(({ name, entry }) => [name, entry]));
}

function parseEntries(json: string): v.InferOutput<typeof headerSchema> {
  try {
    const { __metadata__: _, ...entries } = v.parse(v.record(v.string(), v.unknown()), JSON.parse(json));
    return v.parse(headerSchema, entries);
  } catch (cause) {
    throw new SafetensorsError("the header is not valid", { cause });
  }
}

/** Reads on until there are at least `length` bytes. */
async function take(source: AsyncIterator<Uint8Array>, head: Uint8Array, length: number): Promise<Uint8Array> {
  const parts = [head];
  let have = head.length;
  while (have < length) {
    const { done, value } = await source.next();
    if (done) throw new SafetensorsError("the file ends in its header");
    parts.push(value.slice());
    have += value.length;
  }
  if (parts.length === 1) return head;
  const joined = new Uint8Array(have);
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

async function* rest(source: AsyncIterator<Uint8Array>, first: Uint8Array): AsyncGenerator<Uint8Array> {
  try {
    if (first.length > 0) yield first;
    for (let step = await source.next(); !step.done; step = await source.next()) {
      if (step.value.length > 0) yield step.value;
    }
  } finally {
    await source.return?.();
  }
}
