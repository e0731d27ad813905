/** The one function of Node's that workerd has too and that hashes a stream in both; `@types/node` would bring all others. */
declare module "node:crypto" {
  export function createHash(algorithm: "sha256"): {
    update(bytes: Uint8Array): void;
    digest(encoding: "hex"): string;
  };
}
