/**
 * What a thousand requests cost: docs/costs.md has the prices, the CPU times and the operations in tables that people
 * read; here they are multiplied, so that its totals cannot say anything else.
 */

export type Row = Record<string, string>;

/** What is charged for, as the tables of prices and operations call it. */
export const UNITS = [
  "Worker requests",
  "R2 class A",
  "R2 class B",
  "D1 rows read",
  "D1 rows written",
  "object requests",
  "object rows written",
  "Workflow steps",
  "data points",
] as const;
export type Unit = (typeof UNITS)[number];
export type Operations = Record<Unit, number>;

const BEGIN = "<!-- Made by `npm run costs`: change the tables below, not this. -->";
const END = "<!-- End. -->";
const CPU = "CPU milliseconds";
const OBJECT_TIME = "object GB-seconds";
const GPU = "GPU hours";
/** Memory that an object is charged for while it is active. */
const OBJECT_GB = 0.128;
/** Completions a second, to show what the formula gives. */
const THROUGHPUTS = [1, 10, 100];

/** What is added up: a row of CPU times, and rows of operations. */
const KINDS: { name: string; cpu: string; operations: string[]; of?: number }[] = [
  { name: "`complete`, 1 sample", cpu: "complete 1", operations: ["complete"] },
  { name: "`complete`, 4 samples", cpu: "complete 4", operations: ["complete"] },
  { name: "`complete`, 8 samples", cpu: "complete 8", operations: ["complete"] },
  { name: "`embed`", cpu: "embed", operations: ["embed"] },
  { name: "pictures by `embedMany`, 16 a request", cpu: "embedMany 16", operations: ["embedMany"], of: 16 },
  { name: "`likelihood`", cpu: "likelihood", operations: ["likelihood"] },
  {
    name: "jobs of 4 samples, at the edge",
    cpu: "complete 4",
    operations: ["submitCompletion, to the job's end", "completion(id) with its samples", "a job's deletion"],
  },
];
const STORED = "each picture whose url or id is asked for";
const THUMBNAIL = "a thumbnail that no cache has";

/** The rows of the first table under a heading, by the heads of its columns. @throws Error if there is none */
export function tableUnder(page: string, heading: string): Row[] {
  const section = page.split(/^## /m).find((part) => part.startsWith(`${heading}\n`)) ?? "";
  const lines = section.split("\n").filter((line) => line.startsWith("|"));
  const [head = [], , ...rows] = lines.map((line) =>
    line
      .slice(1, -1)
      .split("|")
      .map((cell) => cell.trim()),
  );
  if (rows.length === 0) throw new Error(`docs/costs.md has no table under "${heading}"`);
  return rows.map((cells) => Object.fromEntries(head.map((name, i) => [name, cells[i] ?? ""])));
}

/** The counted operations of each kind of request. */
export function operationsOf(page: string): Map<string, Operations> {
  return new Map(
    tableUnder(page, "Operations").map((row) => [
      (row.request ?? "").replaceAll("`", ""),
      Object.fromEntries(UNITS.map((unit) => [unit, numberIn(row, unit)])) as Operations,
    ]),
  );
}

/** The page with its totals as its tables give them. @throws Error where a table lacks something */
export function withTotals(page: string): string {
  const [before, rest] = page.split(BEGIN);
  const after = rest?.split(END)[1];
  if (before === undefined || after === undefined) throw new Error("docs/costs.md has no place for the totals");
  return `${before}${BEGIN}\n${totalsOf(page)}\n${END}${after}`;
}

function totalsOf(page: string): string {
  const prices = new Map(
    tableUnder(page, "Prices").map((row) => [row.unit ?? "", numberIn(row, "dollars") / numberIn(row, "for")]),
  );
  const price = (unit: string) => found(prices, unit);
  const operations = operationsOf(page);
  const beside = (names: readonly string[]) =>
    names
      .flatMap((name) => UNITS.map((unit) => found(operations, name)[unit] * price(unit)))
      .reduce((a, b) => a + b, 0);
  const times = tableUnder(page, "CPU time");
  const cpuOf = (model: string, operation: string) => {
    const row = times.find((time) => time.model === model && time.operation === operation);
    if (!row) throw new Error(`docs/costs.md has no CPU time of ${operation} by ${model}`);
    return numberIn(row, "CPU ms");
  };
  const included = numberIn(tableUnder(page, "Prices").find(({ unit }) => unit === CPU) ?? {}, "included a month");
  const line = (model: string, name: string, cpu: number, rest: number) =>
    `| ${model} | ${name} | ${dollars(cpu * price(CPU) * 1000)} | ${dollars(rest * 1000)} | **${dollars((cpu * price(CPU) + rest) * 1000)}** | ${count(included / cpu)} |`;
  const models = [...new Set(times.map(({ model = "" }) => model))].filter((model) => model !== "none");
  const lines = models.flatMap((model) =>
    KINDS.map(({ name, cpu, operations: kinds, of = 1 }) =>
      line(model, name, cpuOf(model, cpu) / of, beside(kinds) / of),
    ),
  );
  const atOrigin = cpuOf("igpt-base", "complete 1 at an origin") * price(CPU) + beside(["complete"]);
  return [
    "| model | a thousand | CPU time | all else | together | how many a month use up the plan's CPU time |",
    "|---|---|---|---|---|---|",
    ...lines,
    line("none", "thumbnails that no cache has", cpuOf("none", "thumbnail"), beside([THUMBNAIL])),
    "",
    `Each picture whose \`url\` or \`id\` you ask for adds ${dollars(beside([STORED]) * 1000)} a thousand. A Durable Object that is active for 1,000 seconds costs`,
    `${dollars(1000 * OBJECT_GB * price(OBJECT_TIME))}. We have not measured how long ours are active: a meter while it answers a call, a job's object a few times in the job's life.`,
    "",
    `A GPU at ${dollars(price(GPU))} an hour, by its throughput in completions a second (an input that we chose, not a measurement), and the Worker beside it, with igpt-base:`,
    "",
    "| completions a second | GPU, a thousand of 1 sample | the Worker | together |",
    "|---|---|---|---|",
    ...THROUGHPUTS.map((rate) => {
      const [gpu, worker] = [price(GPU) / 3.6 / rate, atOrigin * 1000];
      return `| ${rate} | ${dollars(gpu)} | ${dollars(worker)} | **${dollars(gpu + worker)}** |`;
    }),
  ].join("\n");
}

function found<T>(map: ReadonlyMap<string, T>, name: string): T {
  const value = map.get(name);
  if (value === undefined) throw new Error(`docs/costs.md says nothing of "${name}"`);
  return value;
}

function numberIn(row: Row, column: string): number {
  const value = Number((row[column] ?? "").replaceAll(",", ""));
  if ((row[column] ?? "") === "" || !Number.isFinite(value)) {
    throw new Error(`docs/costs.md: "${column}" of ${JSON.stringify(row)} is no number`);
  }
  return value;
}

/** Two digits that count, at least cents. */
function dollars(value: number): string {
  const digits = value >= 1 || value === 0 ? 2 : Math.max(2, 1 - Math.floor(Math.log10(value)));
  return `$${value.toFixed(digits)}`;
}

/** Three digits that count. */
function count(value: number): string {
  return Number(value.toPrecision(3)).toLocaleString("en-US");
}
