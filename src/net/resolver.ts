import * as v from "valibot";

/**
 * Resolves a host name to all its addresses, IPv4 and IPv6, as literals.
 * @throws NameNotResolved when it has none, or nobody could say.
 */
export type AddressResolver = (name: string, signal?: AbortSignal) => Promise<string[]>;

/** The message is shown to callers. */
export class NameNotResolved extends Error {
  override readonly name = "NameNotResolved";
}

export const DEFAULT_DNS_ENDPOINT = "https://cloudflare-dns.com/dns-query";

/** Record types of DNS. */
const TYPES = { A: 1, AAAA: 28 } as const;

const NXDOMAIN = 3;

/** The JSON form of DNS over HTTPS, as Cloudflare and Google answer it. */
const Answer = v.object({
  Status: v.number(),
  Answer: v.optional(v.array(v.object({ type: v.number(), data: v.string() }))),
});

/** A resolver by DNS over HTTPS: a Worker has no other way to learn a name's addresses. */
export function dnsOverHttps(endpoint: string, fetcher: typeof fetch): AddressResolver {
  const ask = async (name: string, type: keyof typeof TYPES, signal?: AbortSignal): Promise<string[]> => {
    const url = new URL(endpoint);
    url.searchParams.set("name", name);
    url.searchParams.set("type", type);
    const response = await fetcher(url.href, {
      headers: { accept: "application/dns-json" },
      redirect: "manual",
      ...(signal && { signal }),
    });
    if (!response.ok) throw new Error(`the resolver answered with HTTP status ${response.status}`);
    const answer = v.parse(Answer, await response.json());
    if (answer.Status !== 0 && answer.Status !== NXDOMAIN)
      throw new Error(`the resolver answered with ${answer.Status}`);
    return (answer.Answer ?? []).filter((record) => record.type === TYPES[type]).map((record) => record.data);
  };
  return async (name, signal) => {
    let addresses: string[];
    try {
      addresses = (await Promise.all([ask(name, "A", signal), ask(name, "AAAA", signal)])).flat();
    } catch (error) {
      signal?.throwIfAborted();
      throw new NameNotResolved("The name in the URL could not be looked up. Try again later.", { cause: error });
    }
    if (addresses.length === 0) throw new NameNotResolved("The name in the URL has no address. Check its spelling.");
    return addresses;
  };
}
