/** The table as a picture: milliseconds a step, bars on a logarithmic scale, one panel a shape and number of samples. */
import type { Report, Row } from "./report.ts";

const WIDTH = 760;
const BAR = 18;
const LABEL = 150;
const PANEL_GAP = 34;
const MARGIN = 24;
const SHOWN = ["kernel", "ort-web", "ort-web-stepwise", "ort-node", "transformers", "full-forward"];

export function plotOf({ rows }: Report): string {
  const shown = rows.filter(({ engine }) => SHOWN.includes(engine));
  const most = Math.max(...shown.map(({ msPerStep }) => msPerStep));
  const least = Math.min(...shown.map(({ msPerStep }) => msPerStep)) / 2;
  const length = (ms: number) =>
    ((Math.log(ms) - Math.log(least)) / (Math.log(most) - Math.log(least))) * (WIDTH - LABEL - 110);
  const parts: string[] = [];
  let y = MARGIN;
  for (const [title, panel] of panels(shown)) {
    parts.push(`<text x="${MARGIN}" y="${y + 13}" font-weight="600">${title}</text>`);
    y += BAR + 4;
    for (const { engine, msPerStep } of panel) {
      const width = length(msPerStep).toFixed(1);
      parts.push(`<text x="${LABEL - 8}" y="${y + 13}" text-anchor="end">${engine}</text>`);
      parts.push(
        `<rect x="${LABEL}" y="${y}" width="${width}" height="${BAR - 4}" class="${engine === "kernel" ? "ours" : "peer"}"/>`,
      );
      parts.push(`<text x="${LABEL + Number(width) + 6}" y="${y + 12}">${msPerStep.toPrecision(3)} ms</text>`);
      y += BAR;
    }
    y += PANEL_GAP - BAR;
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y}" font-family="sans-serif" font-size="12">
<title>Milliseconds a generated position, logarithmic scale</title>
<style>text{fill:#333}.ours{fill:#0f766e}.peer{fill:#a8a29e}@media(prefers-color-scheme:dark){text{fill:#ddd}}</style>
${parts.join("\n")}
</svg>
`;
}

function panels(rows: readonly Row[]): Map<string, Row[]> {
  const result = new Map<string, Row[]>();
  for (const row of rows) {
    const title = `${row.shape}, ${row.samples} ${row.samples === 1 ? "sample" : "samples"}`;
    result.set(
      title,
      [...(result.get(title) ?? []), row].sort((a, b) => a.msPerStep - b.msPerStep),
    );
  }
  return result;
}
