/** The one function of Node's that workerd has too and that hashes a stream in both; `@types/node` would bring all others. */
declare module "node:crypto" {
  interface Sha256 {
    update(data: string | Uint8Array): Sha256;
    digest(): Uint8Array;
    digest(encoding: "hex" | "base64" | "base64url"): string;
  }
  export function createHash(algorithm: "sha256"): Sha256;
}
