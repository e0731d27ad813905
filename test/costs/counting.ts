import type { Call } from "./calls.ts";

type Note = (call: Call) => void;
type Method = (...args: never[]) => unknown;

/** The same object with some of its methods replaced; the others are called on the object itself. */
function having<T extends object>(target: T, replaced: Record<string, Method>): T {
  return new Proxy(target, {
    get: (object, name) => {
      if (typeof name === "string" && Object.hasOwn(replaced, name)) return replaced[name];
      const value: unknown = Reflect.get(object, name, object);
      return typeof value === "function" ? value.bind(object) : value;
    },
  });
}

/** A bucket of which each call is noted. */
export function countedBucket(bucket: R2Bucket, note: Note): R2Bucket {
  const methods = ["get", "head", "put", "delete", "list", "createMultipartUpload"];
  const replaced = methods.map((method) => [
    method,
    (...args: unknown[]) => {
      note({ of: "R2", method, key: typeof args[0] === "string" ? args[0] : "" });
      return (Reflect.get(bucket, method) as Method).apply(bucket, args as never[]);
    },
  ]);
  return having(bucket, Object.fromEntries(replaced));
}

/** A database of which each query's rows are noted, as it says itself. */
export function countedDatabase(database: D1Database, note: Note): D1Database {
  const originals = new WeakMap<object, { statement: D1PreparedStatement; query: string }>();
  const noted = <T>(query: string, result: D1Result<T>): D1Result<T> => {
    const { rows_read: rowsRead, rows_written: rowsWritten } = result.meta;
    note({ of: "D1", query, rowsRead, rowsWritten });
    return result;
  };
  const counted = (statement: D1PreparedStatement, query: string): D1PreparedStatement => {
    const all = async () => noted(query, await statement.all<Record<string, unknown>>());
    const made = having(statement, {
      bind: (...values: unknown[]) => counted(statement.bind(...values), query),
      all,
      run: async () => noted(query, await statement.run()),
      // It says nothing of its rows, so it is asked as `all`.
      first: async (column?: string) => {
        const row = (await all()).results[0] ?? null;
        return column === undefined ? row : (row?.[column] ?? null);
      },
    });
    originals.set(made, { statement, query });
    return made;
  };
  return having(database, {
    prepare: (query: string) => counted(database.prepare(query), query),
    batch: async (statements: D1PreparedStatement[]) => {
      const plain = statements.map((each) => originals.get(each) ?? { statement: each, query: "" });
      const results = await database.batch(plain.map(({ statement }) => statement));
      return results.map((result, i) => noted(plain[i]?.query ?? "", result));
    },
  });
}

/** A namespace of which each call to an object is noted: it is a request. */
export function countedObjects<T extends Rpc.DurableObjectBranded>(
  namespace: DurableObjectNamespace<T>,
  note: Note,
): DurableObjectNamespace<T> {
  return having(namespace, {
    getByName: (name: string) => {
      const stub = namespace.getByName(name);
      return new Proxy(stub, {
        get: (object, method) => {
          const value: unknown = Reflect.get(object, method, object);
          if (typeof value !== "function" || typeof method === "symbol") return value;
          return (...args: unknown[]) => {
            note({ of: "object", method });
            return Reflect.apply(value, object, args) as unknown;
          };
        },
      });
    },
  });
}

/** Lays counting over an object's storage, for what reads `state.storage` from now on. */
export function countStorage(state: DurableObjectState, note: Note): void {
  const { storage } = state;
  const { sql, kv } = storage;
  const row = (query: string, rowsRead: number, rowsWritten: number) =>
    note({ of: "storage", query, rowsRead, rowsWritten });
  const countedSql = having(sql, {
    exec: (query: string, ...bindings: (string | number | null)[]) => {
      const cursor = sql.exec(query, ...bindings);
      // A cursor knows its rows when it has been read to its end.
      const rows = cursor.toArray();
      row(query, cursor.rowsRead, cursor.rowsWritten);
      return { toArray: () => rows };
    },
  });
  const countedKv = having(kv, {
    get: (key: string) => {
      row(`get ${key}`, 1, 0);
      return kv.get(key);
    },
    put: (key: string, value: unknown) => {
      row(`put ${key}`, 0, 1);
      kv.put(key, value);
    },
  });
  const counted = having(storage, {
    setAlarm: (time: number | Date) => {
      row("set alarm", 0, 1);
      return storage.setAlarm(time);
    },
    // One row is what these objects hold.
    deleteAll: () => {
      row("delete all", 0, 1);
      return storage.deleteAll();
    },
  });
  const withParts = new Proxy(counted, {
    get: (object, name) => (name === "sql" ? countedSql : name === "kv" ? countedKv : Reflect.get(object, name)),
  });
  Object.defineProperty(state, "storage", { value: withParts, configurable: true });
}
