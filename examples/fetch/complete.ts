/** Completes a picture four ways and prints where the samples are: npx tsx examples/fetch/complete.ts PICTURE */
import { readFile } from "node:fs/promises";

interface Answer {
  data?: { complete: { seed: number; samples: { nllPerPixel: number; image: { url: string } }[] } | null };
  errors?: { message: string; extensions: { code: string } }[];
}

const { IGPT_ENDPOINT = "http://127.0.0.1:8787/graphql", IGPT_KEY } = process.env;
const [picture = "web/pictures/chelsea.jpg"] = process.argv.slice(2);

const query = `query Complete($image: ImageInput!, $options: CompleteOptions) {
  complete(image: $image, samples: 4, options: $options) {
    seed
    samples { nllPerPixel image { url(width: 256) } }
  }
}`;

const response = await fetch(IGPT_ENDPOINT, {
  method: "POST",
  headers: { "content-type": "application/json", ...(IGPT_KEY && { authorization: `Bearer ${IGPT_KEY}` }) },
  body: JSON.stringify({
    query,
    variables: { image: { base64: await readFile(picture, "base64") }, options: { topP: 0.95 } },
  }),
});
const { data, errors } = (await response.json()) as Answer;
const [error] = errors ?? [];
if (error || !data?.complete) {
  // The code tells what to do (docs/graphql.md); Retry-After, where there is one, when to come back.
  const wait = response.headers.get("retry-after");
  console.error(`${error?.extensions.code}: ${error?.message}${wait ? ` (retry after ${wait} s)` : ""}`);
  process.exit(1);
}
console.log(`seed ${data.complete.seed}`);
for (const { nllPerPixel, image } of data.complete.samples) console.log(`${nllPerPixel.toFixed(3)} ${image.url}`);
