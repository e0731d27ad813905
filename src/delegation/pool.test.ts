import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { OriginFault } from "./fault.ts";
import { Origin } from "./origin.ts";
import { OriginPool } from "./pool.ts";
import { encodeResponse } from "./protocol/index.ts";

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
