import ipaddr from "ipaddr.js";

/**
 * Hosts of cloud providers that answer inside a cloud although the addresses look public, and what ipaddr.js counts as
 * ordinary unicast but IANA's special-purpose registries do not.
 */
const NEVER = ["168.63.129.16/32", "192.88.99.0/24", "3fff::/20", "5f00::/16"].map((range) => ipaddr.parseCIDR(range));

/** Global unicast: all public IPv6 addresses lie here (IANA, RFC 4291 section 2.4). */
const GLOBAL_V6 = ipaddr.parseCIDR("2000::/3");

/**
 * Whether a literal address is one of the public internet: not loopback, private, link-local (metadata services are),
 * shared (CGNAT), multicast, documentation, reserved, or one that carries such an IPv4 address inside (mapped, NAT64,
 * 6to4, Teredo). Other forms of an address than a dotted quad and IPv6 are not public: the URL parser has made them so.
 */
export function isPublicAddress(literal: string): boolean {
  if (!isLiteral(literal)) return false;
  const address = ipaddr.parse(literal);
  if (address.range() !== "unicast") return false;
  if (address.kind() === "ipv6" && !matches(address, GLOBAL_V6)) return false;
  return !NEVER.some((range) => matches(address, range));
}

/** Whether a literal address is the machine's own. */
export function isLoopbackAddress(literal: string): boolean {
  return isLiteral(literal) && ipaddr.process(literal).range() === "loopback";
}

/** Whether a host, without an IPv6 address's brackets, stands for the machine itself. */
export function isOwnHost(host: string): boolean {
  return host === "localhost" || isLoopbackAddress(host);
}

/** Whether a web origin is a page of the machine itself; browsers take every name below `localhost` for it. */
export function isOwnOrigin(origin: string): boolean {
  const url = URL.parse(origin);
  if (url?.origin !== origin || !/^https?:$/.test(url.protocol)) return false;
  const host = url.hostname.replace(/^\[|\]$/g, "");
  return isOwnHost(host) || host.endsWith(".localhost");
}

/** Whether a host is an address and not a name. */
export function isLiteral(host: string): boolean {
  return ipaddr.IPv4.isValidFourPartDecimal(host) || ipaddr.IPv6.isValid(host);
}

function matches(address: ipaddr.IPv4 | ipaddr.IPv6, [range, bits]: [ipaddr.IPv4 | ipaddr.IPv6, number]): boolean {
  return address.kind() === range.kind() && address.match(range, bits);
}
