import type { Fault } from "./plan.ts";

/** Bindings whose calls can be made to fail, and what has failed. */
export class Breakables {
  #plan: Fault[] = [];
  #failed: string[] = [];
  /** A batch of statements must be given the statements themselves. */
  readonly #originals = new WeakMap<object, object>();

  /** Calls that failed since the plan was set, in order. */
  get failed(): readonly string[] {
    return this.#failed;
  }

  follow(plan: Fault[]): void {
    this.#plan = plan;
    this.#failed = [];
  }

  /**
   * The same object, of which every call may fail; its name is `NAME METHOD` and the first argument, if that is a text.
   * @param makers methods that only name something (a statement, an object): what they return is breakable too
   */
  of<T extends object>(target: T, name: string, makers: readonly string[] = []): T {
    const proxy = new Proxy(target, {
      get: (object, property) => {
        const method: unknown = Reflect.get(object, property, object);
        if (typeof method !== "function" || typeof property === "symbol") return method;
        return (...args: unknown[]) => {
          if (makers.includes(property)) {
            // A statement's name is its text, an object's the one of its namespace.
            const made = Reflect.apply(method, object, args) as object;
            return this.of(made, property === "prepare" ? `${name} ${args[0]}` : name, ["bind"]);
          }
          const text = typeof args[0] === "string" ? ` ${args[0]}` : "";
          const unbroken = args.map((arg) => (Array.isArray(arg) ? arg.map((part) => this.#original(part)) : arg));
          return this.#perform(`${name} ${property}${text}`, () => Reflect.apply(method, object, unbroken) as unknown);
        };
      },
    });
    this.#originals.set(proxy, target);
    return proxy;
  }

  #original(part: unknown): unknown {
    return (typeof part === "object" && part !== null && this.#originals.get(part)) || part;
  }

  async #perform(call: string, work: () => unknown): Promise<unknown> {
    this.#strike(call, "before");
    const result = await work();
    this.#strike(call, "after");
    return result;
  }

  #strike(call: string, when: Fault["when"]): void {
    const fault = this.#plan.find(
      (planned) => planned.times > 0 && planned.when === when && new RegExp(planned.calls).test(call),
    );
    if (!fault) return;
    fault.times--;
    this.#failed.push(`${when} ${call}`);
    throw new Error(`a fault of the test, ${when} ${call}`);
  }
}
