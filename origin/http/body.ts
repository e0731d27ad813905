import { contentCoding } from "../../src/net/content-coding.ts";
import { incoming } from "../../src/net/incoming.ts";
import { concat } from "../../src/net/read-capped.ts";
import { HttpError } from "./errors.ts";

/** 256 rows of a whole picture in JSON, and some room. */
const MAX_BODY_BYTES = 32 * 1024 * 1024;

/** A request's body, unpacked; so are the bytes that its limit counts. @throws HttpError 400, 413; UnknownCoding */
export async function readBody({ headers, body, signal }: Request): Promise<Uint8Array> {
  const coding = contentCoding(headers);
  // A body whose packed length is above the limit is longer still when it is unpacked.
  if (Number(headers.get("content-length") ?? 0) > MAX_BODY_BYTES) throw tooLarge();
  if (!body) return new Uint8Array();
  const { reader, drop } = incoming(body, coding);
  const pieces: Uint8Array[] = [];
  let length = 0;
  try {
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
      length += piece.value.length;
      if (length > MAX_BODY_BYTES) break;
      pieces.push(piece.value);
    }
  } catch (error) {
    if (coding === undefined || signal.aborted) throw error;
    await drop();
    throw new HttpError(
      400,
      "the body cannot be decompressed: it is not what its Content-Encoding says, or ends too early",
    );
  }
  if (length > MAX_BODY_BYTES) {
    // Most clients look for the answer only once they have sent everything.
    await drop();
    throw tooLarge();
  }
  return concat(pieces, length);
}

function tooLarge(): HttpError {
  return new HttpError(413, `the body is larger than ${MAX_BODY_BYTES} bytes`);
}
