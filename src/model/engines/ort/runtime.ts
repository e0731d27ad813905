/**
 * onnxruntime-web on one thread. Its Emscripten glue compiles the WASM from bytes, which Workers bar, so for the time of
 * the start-up `WebAssembly.instantiate` is wrapped: called with our placeholder, it instantiates the bundled module.
 */
import type * as Ort from "onnxruntime-web/wasm";

/** Handed to the glue as the WASM binary, and recognised when the glue asks for it to be compiled. */
const PLACEHOLDER = Uint8Array.of(0x69, 0x67, 0x70, 0x74, 0x2d, 0x6f, 0x72, 0x74);

/** An ONNX model of one Identity node (`y = x`, float [1]), as helper.make_model serialises it. */
const IDENTITY_GRAPH = Uint8Array.from([
  8, 10, 58, 55, 10, 16, 10, 1, 120, 18, 1, 121, 34, 8, 73, 100, 101, 110, 116, 105, 116, 121, 18, 1, 103, 90, 15, 10,
  1, 120, 18, 10, 10, 8, 8, 1, 18, 4, 10, 2, 8, 1, 98, 15, 10, 1, 121, 18, 10, 10, 8, 8, 1, 18, 4, 10, 2, 8, 1, 66, 4,
  10, 0, 16, 21,
]);

export interface Runtime {
  readonly ort: typeof Ort;
  /** The linear memory, shared by all sessions. It grows and never shrinks. */
  readonly memory: WebAssembly.Memory;
}

let started: Promise<Runtime> | undefined;
let last: Promise<unknown> = Promise.resolve();

/**
 * Starts the runtime once an isolate; later calls get the same one.
 * @param wasmModule the package's `ort-wasm-simd-threaded.wasm`
 * @throws Error when it does not start; it then stays unusable, because the glue refuses a second try.
 */
export function startRuntime(wasmModule: WebAssembly.Module): Promise<Runtime> {
  started ??= start(wasmModule);
  return started;
}

/** Runs one piece of work after another: sessions share the memory, and a run blocks the thread in any case. */
export function exclusively<T>(work: () => Promise<T>): Promise<T> {
  const result = last.then(work, work);
  last = result.catch(() => undefined);
  return result;
}

async function start(wasmModule: WebAssembly.Module): Promise<Runtime> {
  const ort = await import("onnxruntime-web/wasm");
  ort.env.wasm.numThreads = 1;
  ort.env.wasm.proxy = false;
  ort.env.wasm.wasmBinary = PLACEHOLDER;
  ort.env.logLevel = "error";

  const genuine = WebAssembly.instantiate;
  let memory: WebAssembly.Memory | undefined;
  async function instantiate(source: BufferSource | WebAssembly.Module, imports: WebAssembly.Imports = {}) {
    if (!isPlaceholder(source)) return genuine.call(WebAssembly, source as WebAssembly.Module, imports);
    const instance = (await genuine.call(WebAssembly, wasmModule, imports)) as WebAssembly.Instance;
    memory = memoryOf(imports, instance.exports);
    return { module: wasmModule, instance };
  }
  WebAssembly.instantiate = instantiate as typeof genuine;
  try {
    // Only creating a session starts the runtime.
    const session = await ort.InferenceSession.create(IDENTITY_GRAPH, { executionProviders: ["wasm"] });
    await session.release();
  } finally {
    WebAssembly.instantiate = genuine;
  }
  if (!memory) throw new Error("onnxruntime-web did not instantiate its module through WebAssembly.instantiate");
  return { ort, memory };
}

function isPlaceholder(source: BufferSource | WebAssembly.Module): boolean {
  if (source instanceof WebAssembly.Module || source.byteLength !== PLACEHOLDER.length) return false;
  const bytes = ArrayBuffer.isView(source)
    ? new Uint8Array(source.buffer, source.byteOffset, source.byteLength)
    : new Uint8Array(source);
  return PLACEHOLDER.every((value, i) => bytes[i] === value);
}

/** Builds with threads import their memory, others export it. */
function memoryOf(imports: WebAssembly.Imports, exports: WebAssembly.Exports): WebAssembly.Memory | undefined {
  const values: unknown[] = [
    ...Object.values(imports).flatMap((part) => Object.values(part)),
    ...Object.values(exports),
  ];
  return values.find((value) => value instanceof WebAssembly.Memory);
}
