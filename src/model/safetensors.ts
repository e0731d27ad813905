/** The safetensors container (huggingface/safetensors, "Format"): u64 header length, JSON header, tensors without holes. */

/** Element types that bundles use. */
export type Dtype = "I8" | "U8" | "F16" | "BF16" | "F32" | "I32";

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
