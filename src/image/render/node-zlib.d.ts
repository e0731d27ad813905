/** What is used of Node's zlib, which workerd has too; `@types/node` would bring the types of all others. */
declare module "node:zlib" {
  export function deflateSync(bytes: Uint8Array, options: { level: number }): Uint8Array;
  /** W3C PNG, annex D. */
  export function crc32(bytes: Uint8Array | string): number;
}
