/** Watches a completion being drawn, row by row, over server-sent events: npx tsx examples/sse/watch.ts PICTURE */
import { readFile } from "node:fs/promises";
import { createClient } from "graphql-sse";

interface Progress {
  complete: {
    rowsDone: number;
    rowsTotal: number;
    completion: { seed: number; samples: { image: { url: string } }[] } | null;
  };
}

const { IGPT_ENDPOINT = "http://127.0.0.1:8787/graphql", IGPT_KEY } = process.env;
const [picture = "web/pictures/chelsea.jpg"] = process.argv.slice(2);

const client = createClient({
  url: IGPT_ENDPOINT,
  // One connection a subscription, which is what the API speaks; trying again would start the drawing anew.
  singleConnection: false,
  retryAttempts: 0,
  headers: { ...(IGPT_KEY && { authorization: `Bearer ${IGPT_KEY}` }) },
});

const query = `subscription Watch($image: ImageInput!) {
  complete(image: $image, samples: 2, options: { keepRows: 24 }) {
    rowsDone rowsTotal
    completion { seed samples { image { url(width: 256) } } }
  }
}`;

const variables = { image: { base64: await readFile(picture, "base64") } };
for await (const { data, errors } of client.iterate<Progress>({ query, variables })) {
  if (errors?.[0] || !data) throw errors?.[0] ?? new Error("an event without data");
  const { rowsDone, rowsTotal, completion } = data.complete;
  console.log(`${rowsDone} of ${rowsTotal} rows`);
  for (const { image } of completion?.samples ?? []) console.log(image.url);
}
