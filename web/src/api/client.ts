/** GraphQL over HTTP and over server-sent events ("distinct connections mode"). Knows no picture and no view. */
import { createClient, type ExecutionResult, NetworkError } from "graphql-sse";
import { ApiError, asApiError } from "./errors.ts";
import { apiKey } from "./key.ts";

export const ENDPOINT = "/graphql";

export type Variables = Record<string, unknown>;

interface Answer<T> {
  data?: T | null;
  errors?: readonly { message: string; extensions?: Record<string, unknown> }[];
}

function authorization(): Record<string, string> {
  return apiKey.value ? { authorization: `Bearer ${apiKey.value}` } : {};
}

/** The data of one query or mutation, whole. Throws ApiError. */
export async function request<T>(query: string, variables: Variables = {}, signal?: AbortSignal): Promise<T> {
  const { data, error } = await requestAny<T>(query, variables, signal);
  if (error) throw error;
  return data;
}

/** The same where a part may have failed: what is there, and the first error. Throws ApiError when nothing is there. */
export async function requestAny<T>(
  query: string,
  variables: Variables = {},
  signal?: AbortSignal,
): Promise<{ data: T; error: ApiError | null }> {
  try {
    const response = await fetch(ENDPOINT, {
      method: "POST",
      headers: { "content-type": "application/json", accept: "application/json", ...authorization() },
      body: JSON.stringify({ query, variables }),
      ...(signal ? { signal } : {}),
    });
    const answer = await readAnswer<T>(response);
    const error = errorOf(answer, response);
    if (error && answer.data) return { data: answer.data, error };
    return { data: dataOf<T>(answer, response), error: null };
  } catch (error) {
    throw asApiError(error);
  }
}

export interface Listener<T> {
  next: (data: T) => void;
  failed: (error: ApiError) => void;
  ended: () => void;
}

// Retries would start a completion again from its first row: the person decides.
const events = createClient({
  url: ENDPOINT,
  singleConnection: false,
  retryAttempts: 0,
  headers: () => ({ accept: "text/event-stream", ...authorization() }),
});

/** Subscribes; the returned function ends the subscription, and with it the server's work. */
export function subscribe<T>(query: string, variables: Variables, listener: Listener<T>): () => void {
  let closed = false;
  const finish = (report: () => void) => {
    if (closed) return;
    closed = true;
    report();
  };
  const fail = (error: unknown) => void describe(error).then((described) => finish(() => listener.failed(described)));
  const close = events.subscribe<T>(
    { query, variables },
    {
      next: (answer: ExecutionResult<T>) => {
        if (closed) return;
        try {
          listener.next(dataOf<T>(answer as Answer<T>));
        } catch (error) {
          fail(error);
        }
      },
      error: fail,
      complete: () => finish(() => listener.ended()),
    },
  );
  return () => {
    closed = true;
    close();
  };
}

function errorOf({ errors }: Answer<unknown>, response?: Response): ApiError | null {
  const [error] = errors ?? [];
  return error
    ? new ApiError(String(error.extensions?.code ?? "UNREADABLE"), error.message, retryAfter(response))
    : null;
}

function dataOf<T>(answer: Answer<T>, response?: Response): T {
  const error = errorOf(answer, response);
  if (error) throw error;
  const { data } = answer;
  if (data === null || data === undefined) throw new ApiError("UNREADABLE", "The server's answer has no data.");
  return data;
}

async function readAnswer<T>(response: Response): Promise<Answer<T>> {
  const text = await response.text();
  try {
    return JSON.parse(text) as Answer<T>;
  } catch {
    throw new ApiError("UNREADABLE", `The server answered with status ${response.status} and no JSON.`);
  }
}

/** A refused subscription carries its reason in the response's body, as JSON or as one event. */
async function describe(error: unknown): Promise<ApiError> {
  const response = error instanceof NetworkError ? (error.response as Response | null | undefined) : undefined;
  if (!(response instanceof Response))
    return error instanceof NetworkError ? new ApiError("NETWORK", "The connection broke off.") : asApiError(error);
  try {
    const text = await response.text();
    const json = /^data: ?(\{.*\})$/m.exec(text)?.[1] ?? text;
    dataOf(JSON.parse(json) as Answer<unknown>, response);
  } catch (reason) {
    if (reason instanceof ApiError) return reason;
  }
  return new ApiError("UNREADABLE", `The server answered with status ${response.status}.`, retryAfter(response));
}

function retryAfter(response?: Response): number | undefined {
  const seconds = Number(response?.headers.get("retry-after") ?? Number.NaN);
  return Number.isFinite(seconds) ? seconds : undefined;
}
