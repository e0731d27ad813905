/** What is used of Node's modules that workerd has too; `@types/node` would bring the types of all others. */
declare module "node:crypto" {
  export function timingSafeEqual(a: ArrayBufferView, b: ArrayBufferView): boolean;
}
declare module "node:async_hooks" {
  export class AsyncLocalStorage<T> {
    run<R>(store: T, work: () => R): R;
    getStore(): T | undefined;
  }
}
