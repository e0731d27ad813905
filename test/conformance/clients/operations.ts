/** What each client asks, the way that its own documentation shows. igpt-small: the quickest one. */

/** Variables: `image`, an ImageInput. */
export const COMPLETE = `query Complete($image: ImageInput!) {
  complete(image: $image, options: { model: "igpt-small", keepRows: 30, seed: 7 }) { seed samples { image { tokens } } }
}`;

/** Variables: `file`. */
export const UPLOAD = `query Upload($file: File!) {
  embed(image: { file: $file }, model: "igpt-small") { dimensions vector }
}`;

/** The same as a mutation, for clients that upload nowhere else. */
export const SUBMIT = `mutation Submit($file: File) {
  submitCompletion(image: { file: $file }, options: { model: "igpt-small", keepRows: 31, seed: 7 }) {
    completion { input { tokens } }
    userErrors { code }
  }
}`;

/** Variables: `image`, `keepRows`, and what makes it long. */
export const WATCH = `subscription Watch($image: ImageInput!, $keepRows: Int!, $samples: Int! = 2, $model: ID = "igpt-small") {
  complete(image: $image, samples: $samples, options: { model: $model, keepRows: $keepRows, seed: 7 }) {
    rowsDone
    rowsTotal
    samples { tokens }
    completion { samples { image { tokens } } }
  }
}`;

export const UNKNOWN_FIELD = "query Unknown { modelz { id } }";

export interface Completed {
  complete: { seed: number; samples: { image: { tokens: number[] } }[] } | null;
}
export interface Embedded {
  embed: { dimensions: number; vector: number[] } | null;
}
export interface Submitted {
  submitCompletion: { completion: { input: { tokens: number[] } } | null; userErrors: { code: string }[] };
}
export interface Watched {
  complete: {
    rowsDone: number;
    rowsTotal: number;
    samples: { tokens: number[] }[];
    completion: { samples: { image: { tokens: number[] } }[] } | null;
  };
}

export type Variables = Record<string, unknown>;

/** What a client's user is given. */
export interface Answer<T> {
  data: T | null | undefined;
  /** `extensions.code` of each error, read where the client's documentation says that it is. */
  codes: unknown[];
}

export interface Watcher {
  next: (answer: Answer<Watched>) => void;
  /** @param refused how the client tells that there never was a stream */
  end: (refused?: unknown) => void;
}

/** A client of an endpoint, with a key or without. */
export interface Peer {
  query: <T>(query: string, variables?: Variables) => Promise<Answer<T>>;
  /** A file as a variable of a multipart request. */
  upload?: (query: string, file: File) => Promise<Answer<Embedded>>;
  /** @returns what stops it */
  watch?: (query: string, variables: Variables, watcher: Watcher) => () => void;
}

export type Connect = (url: string, headers: Record<string, string>) => Peer;

/** The codes of errors as GraphQL answers them. */
export function codesOf(
  errors: readonly { extensions?: Record<string, unknown> | undefined }[] | undefined,
): unknown[] {
  return (errors ?? []).map(({ extensions }) => extensions?.code);
}
