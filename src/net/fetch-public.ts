import { checkPublicUrl, type UrlPolicy } from "./public-url.ts";
import { readCapped } from "./read-capped.ts";
import { NameNotResolved } from "./resolver.ts";

export interface PublicFetch extends UrlPolicy {
  fetch: typeof fetch;
  headers?: Record<string, string>;
  /** For all hops and the body together. */
  timeoutMs: number;
  maxRedirects: number;
  maxBytes: number;
}

export interface PublicAnswer {
  /** The last hop's; its body is read already. */
  response: Response;
  body: Uint8Array | "too large";
}

/** The other side's fault, or the network's. The message is shown to callers. */
export class FetchFailed extends Error {
  override readonly name = "FetchFailed";
}

const REDIRECTS = [301, 302, 303, 307, 308];

/**
 * Gets what a caller's URL points to, each hop checked by checkPublicUrl before it is made.
 * @throws UserError URL_REFUSED, FetchFailed; the signal's reason when aborted.
 */
export async function fetchPublic(url: string, options: PublicFetch): Promise<PublicAnswer> {
  const timeout = AbortSignal.timeout(options.timeoutMs);
  const signal = options.signal ? AbortSignal.any([options.signal, timeout]) : timeout;
  try {
    const response = await follow(url, { ...options, signal });
    return { response, body: await bodyOf(response, options.maxBytes) };
  } catch (error) {
    options.signal?.throwIfAborted();
    if (timeout.aborted)
      throw new FetchFailed(`The URL did not answer within ${options.timeoutMs / 1000} s.`, { cause: error });
    if (error instanceof NameNotResolved) throw new FetchFailed(error.message, { cause: error });
    throw error;
  }
}

/** @throws FetchFailed where it breaks off on the way, or cannot be unpacked */
async function bodyOf(response: Response, maxBytes: number): Promise<Uint8Array | "too large"> {
  try {
    return await readCapped(response, maxBytes);
  } catch (error) {
    throw new FetchFailed("The URL's response broke off, or is not compressed as it says.", { cause: error });
  }
}

async function follow(first: string, options: PublicFetch): Promise<Response> {
  let next = first;
  for (let hop = 0; hop <= options.maxRedirects; hop++) {
    const url = await checkPublicUrl(next, options);
    const response = await hopTo(url, options);
    const location = response.headers.get("location");
    if (!REDIRECTS.includes(response.status) || location === null) return response;
    await response.body?.cancel();
    const target = URL.parse(location, url);
    if (!target) throw new FetchFailed("The URL redirects to something that is not a URL.");
    next = target.href;
  }
  throw new FetchFailed(`The URL redirects more than ${options.maxRedirects} times.`);
}

async function hopTo(url: URL, { fetch: fetcher, headers, signal }: PublicFetch): Promise<Response> {
  try {
    return await fetcher(url.href, { redirect: "manual", ...(headers && { headers }), ...(signal && { signal }) });
  } catch (error) {
    throw new FetchFailed("The URL could not be fetched.", { cause: error });
  }
}
