import { type Coding, unpack } from "./content-coding.ts";
import { drain } from "./drain.ts";

/** A body as it is read: its bytes unpacked, and a way to be rid of the rest that costs no unpacking. */
export interface Incoming {
  reader: ReadableStreamDefaultReader<Uint8Array>;
  /** Reads on and drops what comes. */
  drop: () => Promise<void>;
}

export function incoming(body: ReadableStream<Uint8Array>, coding: Coding | undefined): Incoming {
  const reader = body.getReader();
  if (coding === undefined) return { reader, drop: () => drain(reader) };
  let reading: ReturnType<typeof reader.read> | undefined;
  const read = () => {
    reading = reader.read();
    return reading;
  };
  const unpacked = unpack(read, coding).getReader();
  // Workers' own streams take one read at a time: where the unpacking has one under way, that is the first of the rest.
  const rest = () => {
    const first = reading;
    reading = undefined;
    return first ?? reader.read();
  };
  return {
    reader: unpacked,
    drop: async () => {
      // A failed stream rejects what is asked of it; the rest must be read all the same.
      await unpacked.cancel().catch(() => undefined);
      await drain({ read: rest, cancel: () => reader.cancel() });
    },
  };
}
