import { UserError } from "../errors.ts";
import { isLiteral, isOwnHost, isPublicAddress } from "./addresses.ts";
import type { AddressResolver } from "./resolver.ts";

export interface UrlPolicy {
  resolver: AddressResolver;
  /** Development only: http and the machine's own addresses are allowed as well. */
  allowLoopback?: boolean;
  signal?: AbortSignal | undefined;
}

/** Names that stand for something inside, whatever they resolve to. */
const INSIDE = /(^|\.)(localhost|local|localdomain|internal|intranet|lan|home|corp|private|home\.arpa|onion)$/;

/** Ports below are other services' (mail, shells, databases of old): only the web's own is reached there. */
const FIRST_FREE_PORT = 1024;

/**
 * Whether the Worker may fetch a URL that a caller gave: https, a public host, no credentials; a name is resolved and
 * every one of its addresses checked. To be asked before each hop.
 *
 * A Worker cannot pin the address that fetch() then connects to, so a name whose answer changes in between (rebinding)
 * gets past this; docs/images.md says what is left of that risk.
 * @throws UserError URL_REFUSED; NameNotResolved when the resolver could not say.
 */
export async function checkPublicUrl(given: string, policy: UrlPolicy): Promise<URL> {
  const url = parse(given);
  const host = hostOf(url);
  if (isOwnHost(host)) {
    if (policy.allowLoopback) return url;
    throw refused(
      "The Worker fetches its own machine's addresses only in development, where ALLOW_LOOPBACK_URLS is on.",
    );
  }
  if (url.protocol !== "https:") throw refused("The Worker fetches only https URLs.");
  if (url.port !== "" && Number(url.port) < FIRST_FREE_PORT) throw refused(`Port ${url.port} is not allowed.`);
  if (isLiteral(host)) {
    if (!isPublicAddress(host)) throw notPublic();
    return url;
  }
  if (!host.includes(".") || INSIDE.test(host)) throw notPublic();
  const addresses = await policy.resolver(host, policy.signal);
  if (addresses.length === 0 || !addresses.every(isPublicAddress)) throw notPublic();
  return url;
}

/** WHATWG's parser brings an IPv4 address in any notation (decimal, octal, hex, short) and IDNs to one form. */
function parse(given: string): URL {
  const url = URL.parse(given);
  if (!url) throw refused("This is not a URL.");
  if (url.protocol !== "https:" && url.protocol !== "http:") throw refused("The Worker fetches only https URLs.");
  if (url.username !== "" || url.password !== "") throw refused("It contains a user name or password.");
  return url;
}

/** Without an IPv6 address's brackets and the trailing dot of a fully qualified name. */
function hostOf(url: URL): string {
  const host = url.hostname.toLowerCase();
  if (host.startsWith("[")) return host.slice(1, -1);
  return host.replace(/\.+$/, "");
}

function notPublic(): UserError {
  return refused("The Worker fetches only from hosts on the public internet.");
}

function refused(why: string): UserError {
  return new UserError("URL_REFUSED", `The URL is refused: ${why} Give a public https URL, or send the data itself.`);
}
