/** The session's pictures: what was given and what was drawn. "How sure" and "what is it like" look at these. */
import { computed, signal } from "@preact/signals";
import { request, requestAny } from "../api/client.ts";
import { EMBED_MANY, LIKELIHOOD } from "../api/documents.ts";
import { type ApiError, asApiError } from "../api/errors.ts";
import type { Likelihood } from "../api/types.ts";
import { modelId } from "./settings.ts";

/** The most that one `embedMany` takes; the oldest go first. */
const MOST_PICTURES = 64;

export interface AlbumPicture {
  /** The data: URI is its identity: a picture is in the album once. */
  id: string;
  kind: "given" | "sample";
  label: string;
  dataUri: string;
  vector: readonly number[] | null;
  likelihood: Likelihood | null;
}

export const album = signal<readonly AlbumPicture[]>([]);
export const selectedId = signal<string | null>(null);
export const selected = computed(
  () => album.value.find(({ id }) => id === selectedId.value) ?? album.value.at(-1) ?? null,
);

export const lookingAt = signal<"likelihood" | "embeddings" | null>(null);
export const albumError = signal<ApiError | null>(null);

/** Adds a picture and returns its id; one that is there already stays as it is. */
export function addToAlbum(picture: Pick<AlbumPicture, "kind" | "label" | "dataUri">): string {
  const id = picture.dataUri;
  if (!album.value.some((known) => known.id === id)) {
    album.value = [...album.value, { id, ...picture, vector: null, likelihood: null }].slice(-MOST_PICTURES);
  }
  return id;
}

/** Vectors and likelihoods belong to one model: another model's are forgotten. */
export function forgetMeasures(): void {
  album.value = album.peek().map((picture) => ({ ...picture, vector: null, likelihood: null }));
}

function change(id: string, measures: Partial<AlbumPicture>): void {
  album.value = album.value.map((picture) => (picture.id === id ? { ...picture, ...measures } : picture));
}

/** Asks for the likelihood of a picture's pixels, once. */
export async function measureLikelihood(picture: AlbumPicture): Promise<void> {
  if (picture.likelihood) return;
  await look("likelihood", async () => {
    const variables = { image: { base64: picture.dataUri }, model: modelId.value };
    const { likelihood } = await request<{ likelihood: Likelihood }>(LIKELIHOOD, variables);
    change(picture.id, { likelihood });
  });
}

/** Asks for the vectors of all pictures that have none. */
export async function embedAlbum(): Promise<void> {
  const missing = album.value.filter(({ vector }) => vector === null);
  if (missing.length === 0) return;
  await look("embeddings", async () => {
    const images = missing.map(({ dataUri }) => ({ base64: dataUri }));
    const { data, error } = await requestAny<{ embedMany: ({ vector: number[] } | null)[] | null }>(EMBED_MANY, {
      images,
      model: modelId.value,
    });
    for (const [i, { id }] of missing.entries()) change(id, { vector: data.embedMany?.[i]?.vector ?? null });
    if (error) throw error;
  });
}

async function look(what: "likelihood" | "embeddings", work: () => Promise<void>): Promise<void> {
  lookingAt.value = what;
  albumError.value = null;
  try {
    await work();
  } catch (error) {
    albumError.value = asApiError(error);
  } finally {
    lookingAt.value = null;
  }
}
