/** The name in pixels: given above, drawn by something else below. */

const GLYPHS: Record<string, readonly string[]> = {
  i: ["1", "0", "1", "1", "1", "1", "1"],
  G: ["01110", "10001", "10000", "10111", "10001", "10001", "01110"],
  P: ["11110", "10001", "10001", "11110", "10000", "10000", "10000"],
  T: ["11111", "00100", "00100", "00100", "00100", "00100", "00100"],
  "-": ["00", "00", "00", "11", "00", "00", "00"],
  e: ["00000", "00000", "01110", "10001", "11111", "10000", "01110"],
  d: ["00001", "00001", "01101", "10011", "10001", "10011", "01101"],
  g: ["00000", "00000", "01111", "10001", "01111", "00001", "01110"],
};

const ROWS = 7;
const GIVEN_ROWS = 4;
const DRAWN = ["w1", "w2", "w3", "w4", "w5"];

interface Block {
  x: number;
  y: number;
  class: string;
}

function blocks(word: string): { cells: Block[]; width: number } {
  const cells: Block[] = [];
  let left = 0;
  for (const letter of word) {
    const glyph = GLYPHS[letter] ?? [];
    for (const [y, row] of glyph.entries()) {
      for (const [i, bit] of [...row].entries()) {
        const x = left + i;
        if (bit === "1")
          cells.push({ x, y, class: y < GIVEN_ROWS ? "w0" : (DRAWN[(x * 7 + y * 3) % DRAWN.length] ?? "w1") });
      }
    }
    left += (glyph[0]?.length ?? 0) + 1;
  }
  return { cells, width: left - 1 };
}

export function Wordmark() {
  const { cells, width } = blocks("iGPT-edge");
  return (
    <svg class="wordmark" viewBox={`0 0 ${width} ${ROWS}`} shape-rendering="crispEdges" aria-hidden="true">
      {cells.map(({ x, y, class: className }) => (
        <rect key={`${x},${y}`} x={x} y={y} width="1" height="1" class={className} />
      ))}
    </svg>
  );
}
