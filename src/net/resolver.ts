/** Resolves a host name to all its addresses, IPv4 and IPv6, as literals. Empty: the name has none. */
export type AddressResolver = (name: string, signal?: AbortSignal) => Promise<string[]>;
