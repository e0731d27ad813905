/** The API's side: which model answers, and the vectors of some pictures. */
const { IGPT_ENDPOINT = "http://127.0.0.1:8787/graphql", IGPT_KEY } = process.env;
const TRIES = 10;
/** Where the API does not say how long to wait. */
const PAUSE_SECONDS = 5;

interface ApiError {
  message: string;
  path?: (string | number)[];
  extensions: { code: string };
}

/** What its model saw in a picture, or why it could not be read. */
export type Reading = { vector: Float32Array } | { problem: string };

interface Embedding {
  model: { id: string; version: string };
  layer: number;
  vector: number[];
}

/** Name of the space that vectors lie in: only those of one model, version and layer can be compared. */
export async function spaceOf(model?: string): Promise<string> {
  const query = "query ($model: ID) { model(id: $model) { id version embeddingLayer } }";
  const { data, errors } = await ask<{ model: { id: string; version: string; embeddingLayer: number } | null }>(query, {
    model,
  });
  if (errors[0]) throw new Error(describe(errors[0]));
  if (!data?.model) throw new Error(`there is no model ${model}`);
  return nameOf(data.model, data.model.embeddingLayer);
}

/** @param pictures 1 to 64 files, 20 MB together @param space where their vectors must lie @returns one for each picture, in their order */
export async function readAll(pictures: Buffer[], space: string, model?: string): Promise<Reading[]> {
  const { data, errors } = await ask<{ embedMany: (Embedding | null)[] | null }>(
    `query ($images: [ImageInput!]!, $model: ID) {
      embedMany(images: $images, model: $model) { model { id version } layer vector }
    }`,
    { images: pictures.map((picture) => ({ base64: picture.toString("base64") })), model },
  );
  // Where the whole field failed there is one error; where a picture did, an error whose path ends with its index.
  const [failure] = errors;
  if (!data?.embedMany) throw new Error(failure ? describe(failure) : "an answer without vectors");
  return data.embedMany.map((embedding, i) => {
    if (!embedding) {
      const error = errors.find(({ path }) => path?.[0] === "embedMany" && path[1] === i);
      return { problem: error ? describe(error) : "no vector, and no word why" };
    }
    if (nameOf(embedding.model, embedding.layer) !== space) throw new Error("another model was published: start again");
    return { vector: Float32Array.from(embedding.vector) };
  });
}

/** Asks again where the API is busy or the key's limit of requests is met. */
async function ask<T>(query: string, variables: object): Promise<{ data: T | null; errors: ApiError[] }> {
  for (let tried = 1; ; tried++) {
    const response = await fetch(IGPT_ENDPOINT, {
      method: "POST",
      headers: { "content-type": "application/json", ...(IGPT_KEY && { authorization: `Bearer ${IGPT_KEY}` }) },
      body: JSON.stringify({ query, variables }),
    });
    const { data = null, errors = [] } = (await response.json()) as { data?: T | null; errors?: ApiError[] };
    const passes = errors.some(({ extensions: { code } }) => code === "BUSY" || code === "RATE_LIMITED");
    if (!passes || tried === TRIES) return { data, errors };
    const seconds = Number(response.headers.get("retry-after")) || PAUSE_SECONDS;
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  }
}

function nameOf({ id, version }: { id: string; version: string }, layer: number): string {
  return `${id}/${version}, layer ${layer}`;
}

function describe({ message, extensions: { code } }: ApiError): string {
  return `${code}: ${message}`;
}
