/** Which origins there are, from the Worker's variables and secrets. */
import { isLoopbackAddress } from "../net/addresses.ts";

/** `ORIGIN_URLS` is a variable of wrangler.toml, the others are secrets and may not be set. */
export interface OriginEnv {
  /** Base URLs, separated by commas; "" = no origin. */
  ORIGIN_URLS: string;
  /** Sent as `Authorization: Bearer`. */
  ORIGIN_TOKEN?: string;
  /** A Cloudflare Access service token, for an origin behind Access. */
  ORIGIN_ACCESS_CLIENT_ID?: string;
  ORIGIN_ACCESS_CLIENT_SECRET?: string;
}

export interface OriginSettings {
  /** Without a slash at the end. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** @throws Error that says which URL is wrong: a mistake in the configuration. */
export function readOrigins(env: OriginEnv): OriginSettings[] {
  const headers: Record<string, string> = {};
  if (env.ORIGIN_TOKEN) headers.Authorization = `Bearer ${env.ORIGIN_TOKEN}`;
  if (env.ORIGIN_ACCESS_CLIENT_ID && env.ORIGIN_ACCESS_CLIENT_SECRET) {
    headers["CF-Access-Client-Id"] = env.ORIGIN_ACCESS_CLIENT_ID;
    headers["CF-Access-Client-Secret"] = env.ORIGIN_ACCESS_CLIENT_SECRET;
  }
  const urls = env.ORIGIN_URLS.split(",").map((url) => url.trim());
  return urls.filter((url) => url !== "").map((url) => ({ url: checkedUrl(url), headers }));
}

/** Pictures and the token would be open to read on the way: http is for a process on this machine alone. */
function checkedUrl(text: string): string {
  const url = URL.parse(text);
  if (!url) throw new Error(`ORIGIN_URLS: ${JSON.stringify(text)} is not a URL`);
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const own = host === "localhost" || isLoopbackAddress(host);
  if (url.protocol !== "https:" && !(url.protocol === "http:" && own)) {
    throw new Error(`ORIGIN_URLS: ${url.host} must be https; http is only for an origin on this machine`);
  }
  if (url.username || url.password || url.search || url.hash) {
    throw new Error(`ORIGIN_URLS: ${url.host} must have no credentials, query or fragment; the token is ORIGIN_TOKEN`);
  }
  return url.href.replace(/\/+$/, "");
}
