import { truncated } from "../../problems.ts";
import { latin1 } from "../text.ts";

export interface Box {
  type: string;
  content: Uint8Array;
}

/** The boxes of an ISO media file or of one of its boxes (ISO/IEC 14496-12, section 4.2). @throws UserError BAD_IMAGE */
export function boxes(bytes: Uint8Array): Box[] {
  const found: Box[] = [];
  const view = viewOf(bytes);
  for (let at = 0; at + 8 <= bytes.length; ) {
    const type = latin1(bytes.subarray(at + 4, at + 8));
    const short = view.getUint32(at);
    const head = short === 1 ? 16 : 8;
    if (at + head > bytes.length) throw truncated("AVIF");
    // 1: 64 bits follow. 0: up to the end.
    const length = short === 1 ? Number(view.getBigUint64(at + 8)) : short === 0 ? bytes.length - at : short;
    if (length < head || at + length > bytes.length) throw truncated("AVIF");
    found.push({ type, content: bytes.subarray(at + head, at + length) });
    at += length;
  }
  return found;
}

/** The contents of the first box on a path of types; a box with version and flags is named with how many bytes to skip. */
export function inside(bytes: Uint8Array | undefined, ...path: (string | [string, number])[]): Uint8Array | undefined {
  let content = bytes;
  for (const step of path) {
    const [type, skip] = typeof step === "string" ? [step, 0] : step;
    content =
      content &&
      boxes(content)
        .find((box) => box.type === type)
        ?.content.subarray(skip);
  }
  return content;
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
