/** The request in a form to paste elsewhere. */
import { COMPLETE, COMPLETE_LIVE } from "./documents.ts";
import type { CompleteVariables } from "./types.ts";

export type Language = "curl" | "typescript";

export interface SnippetRequest {
  address: string;
  variables: CompleteVariables;
  /** Row by row, as the page asks; else one answer at the end. */
  live: boolean;
  /** Does the request need a key? It is read from the environment and never written out. */
  withKey: boolean;
}

export function snippet(language: Language, request: SnippetRequest): string {
  return language === "curl" ? curl(request) : typescript(request);
}

function curl({ address, variables, live, withKey }: SnippetRequest): string {
  const body = JSON.stringify({ query: live ? COMPLETE_LIVE : COMPLETE, variables });
  const headers = ["content-type: application/json", ...(live ? ["accept: text/event-stream"] : [])];
  return [
    `curl -sN ${address}`,
    ...headers.map((header) => `  -H '${header}'`),
    ...(withKey ? [`  -H "authorization: Bearer $IGPT_KEY"`] : []),
    `  --data-binary '${body.replaceAll("'", "'\\''")}'`,
  ].join(" \\\n");
}

function typescript({ address, variables, live, withKey }: SnippetRequest): string {
  const headers = [`"content-type": "application/json"`];
  if (live) headers.push(`accept: "text/event-stream"`);
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the snippet's own placeholder.
  if (withKey) headers.push("authorization: `Bearer ${process.env.IGPT_KEY}`");
  const head = [
    `const query = \`${live ? COMPLETE_LIVE : COMPLETE}\`;`,
    `const variables = ${JSON.stringify(variables, null, 2).replace(/"keep": \[[^\]]*\]/, (list) => list.replace(/\s+/g, ""))};`,
    "",
    `const response = await fetch("${address}", {`,
    `  method: "POST",`,
    `  headers: { ${headers.join(", ")} },`,
    "  body: JSON.stringify({ query, variables }),",
    "});",
  ];
  return [...head, ...(live ? READ_EVENTS : READ_ANSWER), ""].join("\n");
}

const READ_ANSWER = [
  "const { data, errors } = await response.json();",
  "if (errors) throw new Error(errors[0].message);",
  "for (const sample of data.complete.samples) console.log(sample.nllPerPixel, sample.image.url);",
];

const READ_EVENTS = [
  "if (!response.ok || !response.body) throw new Error(await response.text());",
  `let text = "";`,
  "for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {",
  "  text += chunk;",
  '  const events = text.split("\\n\\n");',
  `  text = events.pop() ?? "";`,
  "  for (const event of events) {",
  "    const json = event.match(/^data: ?(.+)$/m)?.[1];",
  "    if (!json) continue;",
  "    const { data, errors } = JSON.parse(json);",
  "    if (errors) throw new Error(errors[0].message);",
  "    const { rowsDone, rowsTotal, completion } = data.complete;",
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the snippet's own placeholder.
  '    console.log(`row ${rowsDone} of ${rowsTotal}`, completion?.samples ?? "");',
  "  }",
  "}",
];
