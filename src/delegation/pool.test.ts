import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { OriginFault } from "./fault.ts";
import { Origin } from "./origin.ts";
import { OriginPool } from "./pool.ts";
import { encodeResponse, int64 } from "./protocol/index.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** A network with one origin in it, that can be taken down. */
function network() {
  const state = { down: false, inferences: 0 };
  const fetcher = async (input: RequestInfo | URL) => {
    const infers = String(input).endsWith("/infer");
    if (infers) state.inferences++;
    if (state.down) throw new TypeError("no connection");
    if (!infers) return Response.json({});
    const { headers, bytes } = encodeResponse({ parameters: {}, outputs: [] }, () => false);
    return new Response(bytes, { headers });
  };
  const pool = new OriginPool([new Origin({ url: "http://127.0.0.1:1", headers: {} }, fetcher)]);
  const call = { model: "m", version: "1", inputs: [], outputs: [] };
  const infer = () => pool.infer(call, () => "done", 60_000);
  return { state, infer, job: () => pool.inTurn(infer) };
}

/** So many jobs at once: what has come of each. */
function start(count: number, job: () => Promise<string>): string[] {
  const outcomes: string[] = [];
  for (let i = 0; i < count; i++) {
    job().then(
      (done) => outcomes.push(done),
      (error) => outcomes.push(error instanceof OriginFault ? error.kind : String(error)),
    );
  }
  return outcomes;
}

it("a line of jobs uses up no tries while an origin restarts, and goes on when it is there", async () => {
  const { state, infer, job } = network();
  state.down = true;
  for (let i = 0; i < 3; i++) await expect(infer()).rejects.toThrow("no connection");
  state.inferences = 0;
  state.down = false;
  // Jobs know of an origin that was well.
  await vi.advanceTimersByTimeAsync(3_000);
  const [first] = await Promise.all([job(), vi.advanceTimersByTimeAsync(2_000)]);
  expect(first).toBe("done");
  state.down = true;
  for (let i = 0; i < 3; i++) await infer().catch(() => {});
  const before = state.inferences;

  const outcomes = start(100, job);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(outcomes).toEqual([]);
  expect(state.inferences).toBe(before);
  state.down = false;
  await vi.advanceTimersByTimeAsync(120_000);
  expect(outcomes).toEqual(Array.from({ length: 100 }, () => "done"));
  expect(state.inferences).toBe(before + 100);
});

it("jobs hear in the end of an origin that stays down", async () => {
  const { state, job } = network();
  state.down = true;
  const outcomes = start(20, job);
  await vi.advanceTimersByTimeAsync(120_000);
  expect(outcomes).toEqual(Array.from({ length: 20 }, () => "unreachable"));
});

it("a server that knows no versions of a model is asked without one, from then on at once", async () => {
  const paths: string[] = [];
  const fetcher = async (input: RequestInfo | URL) => {
    const { pathname } = new URL(String(input));
    paths.push(pathname);
    if (pathname.includes("/versions/")) return Response.json({ error: "not supported" }, { status: 501 });
    const { headers, bytes } = encodeResponse({ modelName: "m", parameters: {}, outputs: [] }, () => false);
    return new Response(bytes, { headers });
  };
  const pool = new OriginPool([new Origin({ url: "http://127.0.0.1:1", headers: {} }, fetcher)]);
  const infer = () =>
    pool.infer({ model: "m", version: "7", inputs: [], outputs: [] }, ({ modelName }) => modelName, 60_000);
  expect([await infer(), await infer()]).toEqual(["m", "m"]);
  const bare = "/v2/models/m/infer";
  expect(paths).toEqual(["/v2", "/v2/models/m/versions/7/infer", bare, bare]);
});

describe("an origin that calls a request wrong", () => {
  const answers = { misfit: 400, away: 0, well: 200 } as const;
  /** Origins at 127.0.0.1:1 and on, each answering as its state says. */
  function several(...states: (keyof typeof answers)[]) {
    const fetcher = async (input: RequestInfo | URL) => {
      const url = new URL(String(input));
      const status = answers[states[Number(url.port) - 1] ?? "away"];
      if (status === 0) throw new TypeError("no connection");
      if (!url.pathname.endsWith("/infer")) return Response.json({});
      if (status === 400) return Response.json({ error: "tokens has shape [1,1024]" }, { status });
      const { headers, bytes } = encodeResponse({ parameters: {}, outputs: [] }, () => false);
      return new Response(bytes, { headers });
    };
    const origins = states.map((_, i) => new Origin({ url: `http://127.0.0.1:${i + 1}`, headers: {} }, fetcher));
    const pool = new OriginPool(origins);
    return () => pool.infer({ model: "m", version: "7", inputs: [], outputs: [] }, () => "done", 60_000);
  }

  it("is passed over for one that fits", async () => {
    expect(await several("misfit", "well")()).toBe("done");
  });

  it("leaves no hope, but for another one that is away", async () => {
    const fault = { kind: "misfit", mayPass: false, bundle: "m, version 7" };
    await expect(several("misfit", "misfit")()).rejects.toMatchObject(fault);
    for (const states of [["misfit", "away"] as const, ["away", "misfit"] as const]) {
      const infer = several(...states);
      // Also when the one that is away is left alone.
      for (let i = 0; i < 5; i++) await expect(infer()).rejects.toMatchObject({ kind: "unreachable", mayPass: true });
    }
  });

  it("is asked once more where another server answers since, that must be asked otherwise", async () => {
    let binary = true;
    let calls = 0;
    const fetcher = async (input: RequestInfo | URL, init?: RequestInit) => {
      const request = new Request(input, init);
      if (!request.url.endsWith("/infer")) {
        return Response.json({ extensions: binary ? ["binary_tensor_data"] : [] });
      }
      calls++;
      if (request.headers.has("inference-header-content-length") !== binary) {
        return Response.json({ error: "this is no JSON" }, { status: 400 });
      }
      const { headers, bytes } = encodeResponse({ parameters: {}, outputs: [] }, () => binary);
      return new Response(bytes, { headers });
    };
    const pool = new OriginPool([new Origin({ url: "http://127.0.0.1:1", headers: {} }, fetcher)]);
    const call = { model: "m", version: "7", inputs: [int64("tokens", [1, 1], [3])], outputs: [] };
    const infer = () => pool.infer(call, () => "done", 60_000);
    expect(await infer()).toBe("done");
    binary = false;
    expect(await infer()).toBe("done");
    expect(calls).toBe(3);
  });
});

describe("an origin whose answers name no engine", () => {
  /** @param config what it answers when asked for the model's configuration; undefined: it does not show one */
  function engineOf(config: unknown, named?: string) {
    const paths: string[] = [];
    const fetcher = async (input: RequestInfo | URL) => {
      const { pathname } = new URL(String(input));
      paths.push(pathname);
      if (pathname === "/v2") return Response.json({ extensions: config === undefined ? [] : ["model_configuration"] });
      if (pathname.endsWith("/config")) return Response.json(config);
      const parameters: Record<string, string> = named === undefined ? {} : { engine: named };
      const { headers, bytes } = encodeResponse({ parameters, outputs: [] }, () => false);
      return new Response(bytes, { headers });
    };
    const pool = new OriginPool([new Origin({ url: "http://127.0.0.1:1", headers: {} }, fetcher)]);
    const call = { model: "m", version: "7", inputs: [], outputs: [] };
    const infer = () => pool.infer(call, ({ parameters }) => parameters.engine, 60_000);
    return { paths, infer };
  }

  it("is asked for the model's configuration, once", async () => {
    const { paths, infer } = engineOf({ parameters: { engine: { string_value: "torch-cuda-bf16" } } });
    expect([await infer(), await infer()]).toEqual(["torch-cuda-bf16", "torch-cuda-bf16"]);
    const asked = "/v2/models/m/versions/7/infer";
    expect(paths).toEqual(["/v2", asked, "/v2/models/m/versions/7/config", asked]);
  });

  it("has none where the configuration has none, or where it shows none", async () => {
    for (const config of [{}, { parameters: {} }, [], undefined]) {
      const { infer } = engineOf(config);
      expect([await infer(), await infer()]).toEqual([undefined, undefined]);
    }
  });

  it("is not asked by a name that it gives itself", async () => {
    const { paths, infer } = engineOf({ parameters: { engine: { string_value: "other" } } }, "kernel");
    expect(await infer()).toBe("kernel");
    expect(paths).toHaveLength(2);
  });
});
