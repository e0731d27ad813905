/** The tables of docs/tensors.md. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../../lib/root.ts";

/** A tensor as the page describes it. */
export interface Row {
  name: string;
  datatype: string;
  /** Dimensions as written, such as "B" and "L + 1". */
  shape: string[];
  values: string;
  /** `Type.member` of what it corresponds to in the Worker, and in the API's schema; only where the page says it. */
  worker: string | undefined;
  api: string | undefined;
}

/** A section's tensors. @param kind the table's first heading */
export function tensorTable(section: string, kind: "input" | "output"): Row[] {
  const page = readFileSync(join(ROOT, "docs/tensors.md"), "utf8");
  const text = page.split(/^## /m).find((part) => part.startsWith(`\`${section}\`\n`)) ?? "";
  const [, rows = ""] = new RegExp(`^\\| ${kind} \\|.*\\n\\|[-|]+\\|\\n((?:\\|.*\\n)+)`, "m").exec(text) ?? [];
  return rows
    .trimEnd()
    .split("\n")
    .map((line) => line.split("|").map((cell) => cell.trim().replace(/^`(.*)`$/, "$1")))
    .map(([, name = "", datatype = "", shape = "", values = "", , worker, api]) => ({
      ...{ name, datatype, values, shape: shape.slice(1, -1).split(", ") },
      worker: worker || undefined,
      api: api || undefined,
    }));
}

/** Numbers at the edges of what the page allows, on both sides. @param colors C */
export function edgesOf(values: string, colors: number): { allowed: number[]; refused: number[] } {
  const whole = /^(-?\w+) \.\. (C - 1|-?\w+)$/.exec(values);
  if (whole) {
    const [least, most] = [whole[1], whole[2]].map((text) =>
      text === "C" ? colors : text === "C - 1" ? colors - 1 : Number(text),
    ) as [number, number];
    return { allowed: [least, most], refused: [least - 1, most + 1] };
  }
  const real = /^([[(])(\d+), (\d+|inf)([\])])$/.exec(values);
  if (!real) throw new Error(`what are ${values}?`);
  const [, left, from, to, right] = real;
  const [least, most] = [Number(from), to === "inf" ? Number.POSITIVE_INFINITY : Number(to)];
  const middle = Number.isFinite(most) ? (least + most) / 2 : least + 1;
  return {
    allowed: [middle, ...(left === "[" ? [least] : []), ...(right === "]" ? [most] : [])],
    refused: [
      ...[Number.NaN, least - 0.01, ...(left === "(" ? [least] : [])],
      ...(right === ")" ? [most] : [most + 0.01]),
    ],
  };
}
