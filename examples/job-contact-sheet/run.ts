/** A job of 64 samples, and all of them in one picture: npx tsx examples/job-contact-sheet/run.ts PICTURE SHEET.png */
import { readFile, writeFile } from "node:fs/promises";
import { contactSheet } from "../../lib/contact-sheet.ts";

const { IGPT_ENDPOINT = "http://127.0.0.1:8787/graphql", IGPT_KEY } = process.env;
const [picture = "web/pictures/chelsea.jpg", sheet = "contact-sheet.png", samples = "64"] = process.argv.slice(2);
const COLUMNS = 8;

interface Submitted {
  submitCompletion: { completion: { id: string } | null; userErrors: { code: string; message: string }[] };
}

interface Job {
  completion: {
    status: string;
    engine: string | null;
    ranOn: string | null;
    error: { message: string } | null;
    samples: { image: { dataUri: string } }[];
  };
}

const { submitCompletion } = await ask<Submitted>(
  `mutation ($image: ImageInput!, $samples: Int!, $options: CompleteOptions) {
    submitCompletion(image: $image, samples: $samples, options: $options) { completion { id } userErrors { code message } }
  }`,
  {
    image: { base64: await readFile(picture, "base64") },
    samples: Number(samples),
    options: { topP: 0.95 },
  },
);
const id = submitCompletion.completion?.id;
if (!id) throw new Error(submitCompletion.userErrors.map(({ code, message }) => `${code}: ${message}`).join("\n"));
console.log(`job ${id}`);

for (let pause = 250; ; pause = Math.min(pause * 1.5, 5_000)) {
  await new Promise((resolve) => setTimeout(resolve, pause));
  const { completion } = await ask<Job>("query ($id: ID!) { completion(id: $id) { status error { message } } }", {
    id,
  });
  if (completion.status === "QUEUED" || completion.status === "RUNNING") continue;
  if (completion.status !== "SUCCEEDED") throw new Error(`${completion.status}: ${completion.error?.message}`);
  break;
}

const { completion } = await ask<Job>(
  "query ($id: ID!) { completion(id: $id) { ranOn engine samples { image { dataUri } } } }",
  { id },
);
const pictures = completion.samples.map(({ image }) => image.dataUri);
const rows = Array.from({ length: Math.ceil(pictures.length / COLUMNS) }, (_, y) =>
  pictures.slice(y * COLUMNS, (y + 1) * COLUMNS),
);
await writeFile(sheet, contactSheet(rows, 3));
console.log(`${pictures.length} samples by ${completion.engine} (${completion.ranOn}): ${sheet}`);

async function ask<T>(query: string, variables: Record<string, unknown>): Promise<T> {
  const response = await fetch(IGPT_ENDPOINT, {
    method: "POST",
    headers: { "content-type": "application/json", ...(IGPT_KEY && { authorization: `Bearer ${IGPT_KEY}` }) },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = (await response.json()) as { data?: T; errors?: { message: string }[] };
  if (errors?.[0] || !data) throw new Error(errors?.[0]?.message ?? `HTTP ${response.status}`);
  return data;
}
