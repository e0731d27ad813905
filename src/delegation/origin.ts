/** One origin: a server that speaks the Open Inference Protocol and has our models. */
import { readCapped } from "../net/read-capped.ts";
import { Breaker } from "./breaker.ts";
import { type FaultKind, OriginFault } from "./fault.ts";
import {
  decodeResponse,
  encodeRequest,
  type InferResponse,
  ProtocolError,
  parseConfiguredEngine,
  type Tensor,
} from "./protocol/index.ts";
import type { OriginSettings } from "./settings.ts";

export interface InferCall {
  model: string;
  version: string;
  inputs: Tensor[];
  /** The outputs that are wanted. */
  outputs: string[];
  /** What the server must know beyond the protocol. */
  extension?: string;
}

/** 256 samples of a whole picture in JSON, and room. */
const MAX_ANSWER_BYTES = 32 * 1024 * 1024;
const MAX_METADATA_BYTES = 256 * 1024;
const PROBE_MS = 2_000;
/** Triton's, for tensors. */
const BINARY = "binary_tensor_data";
/** Triton's too: its older versions let a model say nothing of itself in an answer, but all show its configuration. */
const CONFIGURATION = "model_configuration";
const NOT_IMPLEMENTED = 501;
/** Packing would cost the origin more time than the way to it, and hide an answer's length. */
const PLAIN = { "Accept-Encoding": "identity" };
/** From an answer's head to its end: a body that was cut off on the way may never say so. */
const BODY_MS = 10_000;

export class Origin {
  readonly url: string;
  readonly breaker = new Breaker();
  /** Calls under way from this isolate. */
  inFlight = 0;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #fetch: typeof fetch;
  /** What it knows beyond the protocol; undefined until it was asked. */
  #extensions: ReadonlySet<string> | undefined;
  /** As models' configurations name their engines, by path; undefined for one that names none. */
  readonly #engines = new Map<string, string | undefined>();
  /** Whether it knows versions of a model: they are optional in the protocol, and KServe's own server has none. */
  #versioned = true;

  constructor({ url, headers }: OriginSettings, fetcher: typeof fetch) {
    this.url = url;
    this.#headers = headers;
    this.#fetch = fetcher;
  }

  /**
   * Runs the model. Keeps count of how the origin does.
   * @param check reads the answer; a ProtocolError of it is the origin's fault
   * @throws OriginFault; the signal's reason when aborted.
   */
  async infer<T>(
    call: InferCall,
    check: (answer: InferResponse) => T,
    timeoutMs: number,
    signal?: AbortSignal,
  ): Promise<T> {
    this.inFlight++;
    try {
      const result = check(await this.#infer(call, timeoutMs, signal));
      this.breaker.succeeded();
      return result;
    } catch (error) {
      signal?.throwIfAborted();
      const fault = error instanceof ProtocolError ? this.#fault("garbled", error.message, error) : error;
      if (fault instanceof OriginFault && fault.counts) {
        this.breaker.failed();
        // What is there when it is back may be another server.
        this.#extensions = undefined;
        this.#engines.clear();
        this.#versioned = true;
      }
      throw fault;
    } finally {
      this.inFlight--;
    }
  }

  /** Whether it has an extension of the protocol. Who cannot be asked has none: what is asked of it next tells why. */
  async has(extension: string, signal?: AbortSignal): Promise<boolean> {
    try {
      this.#extensions ??= await this.#readExtensions(PROBE_MS, signal);
      return this.#extensions.has(extension);
    } catch (error) {
      if (error instanceof OriginFault) return false;
      throw error;
    }
  }

  /** Whether it says that it is ready; asked before it is trusted again. */
  async probe(): Promise<boolean> {
    this.breaker.beginTrial(PROBE_MS);
    const well = await this.#isReady();
    this.breaker.endTrial(well);
    return well;
  }

  async #isReady(): Promise<boolean> {
    try {
      return (await this.#request("/v2/health/ready", {}, PROBE_MS, MAX_METADATA_BYTES)).ok;
    } catch (error) {
      if (error instanceof OriginFault) return false;
      throw error;
    }
  }

  async #infer(call: InferCall, timeoutMs: number, signal?: AbortSignal): Promise<InferResponse> {
    const deadline = Date.now() + timeoutMs;
    const left = () => Math.max(1, deadline - Date.now());
    const before = this.#extensions;
    this.#extensions ??= await this.#readExtensions(Math.min(timeoutMs, PROBE_MS), signal);
    try {
      return await this.#ask(call, left, signal);
    } catch (error) {
      if (!before || !(error instanceof OriginFault && error.kind === "misfit")) throw error;
      // Another server may stand there since, that is to be asked in another way: that is no misfit.
      this.#extensions = await this.#readExtensions(Math.min(left(), PROBE_MS), signal);
      if (this.#extensions.has(BINARY) === before.has(BINARY)) throw error;
      return this.#ask(call, left, signal);
    }
  }

  /** @param left milliseconds of the time that there is */
  async #ask(call: InferCall, left: () => number, signal: AbortSignal | undefined): Promise<InferResponse> {
    const { model, version, inputs, outputs } = call;
    // Optional too, but KServe's server answers nothing without one; and it is in the origin's log.
    const { headers, bytes } = encodeRequest(
      { id: crypto.randomUUID(), inputs, outputs },
      this.#extensions?.has(BINARY) === true,
    );
    const init = { method: "POST", headers, body: bytes, ...(signal && { signal }) };
    const ask = (versions: string) => {
      const path = `/v2/models/${encodeURIComponent(model)}${versions}/infer`;
      return this.#request(path, init, left(), MAX_ANSWER_BYTES);
    };
    let response = await ask(this.#versioned ? `/versions/${encodeURIComponent(version)}` : "");
    if (response.status === NOT_IMPLEMENTED && this.#versioned) {
      this.#versioned = false;
      response = await ask("");
    }
    if (!response.ok) throw this.#refusal(response, call);
    const answer = decodeResponse(response.headers, response.body);
    if (answer.modelName !== undefined && answer.modelName !== model) {
      throw this.#fault("garbled", `an answer of model ${answer.modelName}`);
    }
    if (answer.modelVersion && answer.modelVersion !== version) {
      throw this.#fault("missing", `an answer of version ${answer.modelVersion}`);
    }
    const engine = answer.parameters.engine ?? (await this.#configuredEngine(call, left, signal));
    return { ...answer, parameters: { ...answer.parameters, ...(engine !== undefined && { engine }) } };
  }

  /** The parameter `engine` of the model's configuration, asked for once; undefined where there is none. */
  async #configuredEngine({ model, version }: InferCall, left: () => number, signal: AbortSignal | undefined) {
    if (!this.#extensions?.has(CONFIGURATION)) return undefined;
    const path = `/v2/models/${encodeURIComponent(model)}/versions/${encodeURIComponent(version)}/config`;
    if (!this.#engines.has(path)) {
      try {
        const limit = Math.min(left(), PROBE_MS);
        const { ok, body } = await this.#request(path, signal ? { signal } : {}, limit, MAX_METADATA_BYTES);
        this.#engines.set(path, ok ? parseConfiguredEngine(new TextDecoder().decode(body)) : undefined);
      } catch (error) {
        // The work is done, and only its maker's name is missing.
        if (!(error instanceof OriginFault)) throw error;
      }
    }
    return this.#engines.get(path);
  }

  /** Named in the server's metadata; the protocol alone is understood by all. */
  async #readExtensions(timeoutMs: number, signal?: AbortSignal): Promise<ReadonlySet<string>> {
    const { ok, body } = await this.#request("/v2", signal ? { signal } : {}, timeoutMs, MAX_METADATA_BYTES);
    if (!ok) return new Set();
    try {
      const metadata = JSON.parse(new TextDecoder().decode(body)) as { extensions?: unknown } | null;
      return new Set(Array.isArray(metadata?.extensions) ? metadata.extensions : []);
    } catch {
      return new Set();
    }
  }

  async #request(path: string, init: RequestInit, timeoutMs: number, maxBytes: number) {
    const limit = new AbortController();
    const stop = (why: string) => () => limit.abort(this.#fault("slow", why));
    let timer = setTimeout(stop(`no answer within ${timeoutMs} ms`), timeoutMs);
    const signal = init.signal ? AbortSignal.any([init.signal, limit.signal]) : limit.signal;
    const headers = { ...PLAIN, ...this.#headers, ...(init.headers as Record<string, string> | undefined) };
    try {
      // A redirect would take the token elsewhere.
      const response = await this.#fetch(this.url + path, { ...init, headers, signal, redirect: "manual" });
      clearTimeout(timer);
      timer = setTimeout(stop(`an answer that did not end within ${BODY_MS} ms`), BODY_MS);
      const body = await unlessAborted(readCapped(response, maxBytes), signal);
      if (body === "too large") throw this.#fault("garbled", `an answer above ${maxBytes} bytes`);
      return { ok: response.ok, status: response.status, headers: response.headers, body };
    } catch (error) {
      if (error instanceof OriginFault) throw error;
      init.signal?.throwIfAborted();
      if (limit.signal.aborted) throw limit.signal.reason;
      throw this.#fault("unreachable", error instanceof Error ? error.message : String(error), error);
    } finally {
      clearTimeout(timer);
    }
  }

  #refusal(
    { status, headers, body }: { status: number; headers: Headers; body: Uint8Array },
    { model, version }: InferCall,
  ): OriginFault {
    const said = new TextDecoder().decode(body.subarray(0, 300));
    const kind = kindOf(status, said);
    const seconds = Number(headers.get("retry-after"));
    const wait = Number.isFinite(seconds) && seconds > 0 ? { retryAfterMs: seconds * 1000 } : {};
    const options = { bundle: `${model}, version ${version}`, ...(kind === "busy" && wait) };
    return new OriginFault(kind, `${this.url}: ${model}/${version}: status ${status}: ${said}`, options);
  }

  #fault(kind: FaultKind, message: string, cause?: unknown): OriginFault {
    return new OriginFault(kind, `${this.url}: ${message}`, { cause });
  }
}

function kindOf(status: number, said: string): FaultKind {
  if (status === 503 || status === 429) return "busy";
  // Triton answers 400 for a model that it has not.
  if (status === 404 || (status === 400 && /unknown model|not found|not ready/i.test(said))) return "missing";
  if (status === 400 || status === 422) return "misfit";
  return status >= 500 ? "failing" : "refusing";
}

/** A stream that never ends doesn't end for a signal either. */
function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  return Promise.race([work, promise]);
}
