import { Client, fetchExchange } from "urql";

/** @param key a publishable key, whose allowed origins name this page's; none where the API is open */
export function createApi(url: string, key?: string): Client {
  return new Client({
    url,
    exchanges: [fetchExchange],
    // A picture is too long for the URL of a GET.
    preferGetMethod: false,
    fetchOptions: { headers: key ? { authorization: `Bearer ${key}` } : {} },
  });
}
