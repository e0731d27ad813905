import { availableParallelism } from "node:os";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readConfig } from "../../origin/config.ts";
import { Origin } from "../../origin/origin.ts";
import { decodeResponse, encodeRequest, fp32, int64, type Tensor } from "../../src/delegation/protocol/index.ts";
import { SHIPPED } from "../shipped.ts";
import { OriginProcess } from "./process.ts";

const MODEL = `/v2/models/${SHIPPED.id}`;
const TOKEN = "a-token-of-tests";

interface Ask {
  rows: number;
  given: number;
  generate: number;
  /** Each row's own given colours instead of the same in all. */
  differ?: boolean;
  first?: number;
}

/** Rows `first` .. of a fixed request, so that one row can be asked for alone and among others. */
function inputs({ rows, given, generate, differ = false, first = 0 }: Ask): Tensor[] {
  const all = <T>(width: number, value: (b: number, i: number) => T) =>
    Array.from({ length: rows * width }, (_, n) => value(first + Math.floor(n / width), n % width));
  return [
    int64(
      "tokens",
      [rows, given],
      all(given, (b, i) => (i * 31 + (differ ? b * 17 : 0)) % 512),
    ),
    int64(
      "forced",
      [rows, generate],
      all(generate, (_, i) => (i % 5 === 0 ? i % 512 : -1)),
    ),
    fp32("uniforms", [rows, generate], Float32Array.from(all(generate, (b, i) => ((b * 97 + i * 57) % 101) / 101))),
    fp32("temperature", [rows, 1], new Float32Array(rows).fill(1)),
    int64("top_k", [rows, 1], new Array<number>(rows).fill(40)),
    fp32("top_p", [rows, 1], new Float32Array(rows).fill(1)),
  ];
}

const post = (url: string, tensors: Tensor[], { binary = true, headers = {} } = {}) => {
  const body = encodeRequest({ inputs: tensors }, binary);
  return fetch(`${url}${MODEL}/infer`, { method: "POST", headers: { ...body.headers, ...headers }, body: body.bytes });
};

async function infer(url: string, ask: Ask, binary = true) {
  const response = await post(url, inputs(ask), { binary });
  const answer = decodeResponse(response.headers, new Uint8Array(await response.arrayBuffer()));
  const of = (name: string) => Array.from(answer.outputs.find((tensor) => tensor.name === name)?.data ?? [], Number);
  return {
    parameters: answer.parameters,
    samples: of("samples"),
    nll: of("nll"),
    prefixNll: of("prefix_nll"),
    features: of("features"),
  };
}

describe.each(["kernel", "onnx"])("the %s engine behind the protocol", (engine) => {
  let origin: Origin;
  let url = "";
  beforeAll(async () => {
    origin = new Origin(readConfig(["--port", "0", "--engine", engine], {}));
    url = await origin.listen();
  });
  afterAll(() => origin.close());

  it("answers in both forms alike, and says who computed it", async () => {
    const ask = { rows: 2, given: 40, generate: 24 };
    const [binary, json] = [await infer(url, ask), await infer(url, ask, false)];
    expect(json.samples).toEqual(binary.samples);
    expect(json.nll).toEqual(binary.nll);
    expect(binary.parameters).toMatchObject({
      engine,
      precision: "int8",
    });
    expect(binary.samples[5]).toBe(5);
    expect(new Set(binary.samples).size).toBeGreaterThan(5);
  });

  it("gives a row the same whatever it is batched with", async () => {
    const among = await infer(url, { rows: 5, given: 33, generate: 40, differ: true });
    const calls = [0, 1, 2, 3, 4].map((first) => infer(url, { rows: 1, given: 33, generate: 40, differ: true, first }));
    const alone = await Promise.all(calls);
    expect(alone.flatMap(({ samples }) => samples)).toEqual(among.samples);
    expect(alone.flatMap(({ nll }) => nll)).toEqual(among.nll);
    expect(alone.flatMap(({ prefixNll }) => prefixNll)).toEqual(among.prefixNll);
  });

  it("takes nothing given and nothing to generate", async () => {
    const fromNothing = await infer(url, { rows: 1, given: 0, generate: 10 });
    expect(fromNothing.samples).toHaveLength(10);
    expect(fromNothing.features.every((x) => x === 0)).toBe(true);
    const reading = await infer(url, { rows: 1, given: 64, generate: 0 });
    expect(reading.samples).toEqual([]);
    expect(reading.prefixNll).toHaveLength(64);
    expect(reading.features.some((x) => x !== 0)).toBe(true);
  });
});

describe("what callers get wrong", () => {
  let origin: Origin;
  let url = "";
  beforeAll(async () => {
    origin = new Origin(readConfig(["--port", "0", "--host", "127.0.0.1"], { ORIGIN_TOKEN: TOKEN }));
    url = await origin.listen();
  });
  afterAll(() => origin.close());
  const headers = { Authorization: `Bearer ${TOKEN}` };

  it("is refused without the token; probes need none", async () => {
    expect((await fetch(`${url}/v2`)).status).toBe(401);
    expect((await fetch(`${url}/v2`, { headers: { Authorization: "Bearer other" } })).status).toBe(401);
    expect((await fetch(`${url}/metrics`)).status).toBe(401);
    expect((await fetch(`${url}/v2`, { headers })).status).toBe(200);
    expect((await fetch(`${url}/v2/health/ready`)).status).toBe(200);
  });

  it("is a 404 for another model or version", async () => {
    for (const path of ["/v2/models/other", `${MODEL}/versions/99`, "/v2/models/constructor", "/v2/models/..%2f"]) {
      expect((await fetch(url + path, { headers })).status, path).toBe(404);
    }
    expect((await fetch(`${url}${MODEL}/versions/${SHIPPED.version}/ready`, { headers })).status).toBe(200);
  });

  const good = inputs({ rows: 1, given: 4, generate: 4 });
  const replaced = (tensor: Tensor) => good.map((other) => (other.name === tensor.name ? tensor : other));
  it.each<[string, Tensor[]]>([
    ["forced", good.filter(({ name }) => name !== "forced")],
    ["tokens", [...good, int64("tokens", [1, 4], [1, 2, 3, 4])]],
    ["512 is not in", replaced(int64("tokens", [1, 4], [1, 2, 3, 512]))],
    ["1 is not in", replaced(fp32("uniforms", [1, 4], Float32Array.of(0, 0.5, 1, 0)))],
    ["top_p", replaced(fp32("top_p", [1, 1], Float32Array.of(0)))],
    ["shape", replaced(fp32("uniforms", [1, 3], new Float32Array(3)))],
    ["FP32", replaced(int64("temperature", [1, 1], [1]))],
    ["1020 + 8", [...inputs({ rows: 1, given: 1020, generate: 8 })]],
    ["no input extra", [...good, int64("extra", [1], [1])]],
    ["rows", inputs({ rows: 257, given: 1, generate: 1 })],
  ])("is a 400 that says so: %s", async (says, tensors) => {
    const response = await post(url, tensors, { headers });
    expect(response.status).toBe(400);
    expect(((await response.json()) as { error: string }).error).toContain(says);
  });

  it("is a 400 for what is no request, and a 413 for too much of it", async () => {
    const to = `${url}${MODEL}/infer`;
    for (const body of ["", "{", "[]", '{"inputs":{}}']) {
      expect((await fetch(to, { method: "POST", headers, body })).status).toBe(400);
    }
    const body = new Uint8Array(33 * 1024 * 1024);
    expect((await fetch(to, { method: "POST", headers, body })).status).toBe(413);
  });

  it("is counted", async () => {
    expect((await post(url, good, { headers })).status).toBe(200);
    const metrics = await (await fetch(`${url}/metrics`, { headers })).text();
    expect(metrics).toMatch(/igpt_origin_requests_total\{model="igpt-base",version="",status="200"\} 1\n/);
    expect(metrics).toContain('igpt_origin_generated_pixels_total{engine="kernel",precision="int8"} 4');
    expect(metrics).not.toContain("constructor");
  });
});

it("a full queue is a 503 that says when to come back", async () => {
  const origin = new Origin(readConfig(["--port", "0", "--threads", "1", "--queue-rows", "4"], {}));
  const url = await origin.listen();
  try {
    const calls = Array.from({ length: 8 }, () => post(url, inputs({ rows: 2, given: 256, generate: 8 })));
    const answers = await Promise.all(calls);
    const busy = answers.filter(({ status }) => status === 503);
    expect(busy.length).toBeGreaterThan(0);
    expect(answers.length - busy.length).toBeGreaterThanOrEqual(2);
    for (const { headers } of busy) expect(Number(headers.get("retry-after"))).toBeGreaterThanOrEqual(1);
    expect((await post(url, inputs({ rows: 2, given: 8, generate: 8 }))).status).toBe(200);
  } finally {
    await origin.close();
  }
});

it("without a token it is for this machine alone", () => {
  expect(readConfig([], {}).host).toBe("127.0.0.1");
  expect(readConfig([], { ORIGIN_TOKEN: "t" }).host).toBe("0.0.0.0");
  expect(() => readConfig(["--host", "0.0.0.0"], {})).toThrow("ORIGIN_TOKEN");
});

it("told to end, it finishes what it has begun and takes nothing new", async () => {
  const origin = await OriginProcess.start();
  // More rows than its threads take at once, so that some wait and can be seen.
  const rows = 8 * (availableParallelism() + 1);
  const running = infer(origin.url, { rows, given: 512, generate: 64 });
  const metrics = async () => (await fetch(`${origin.url}/metrics`)).text();
  await expect.poll(metrics, { interval: 20 }).toMatch(/^igpt_origin_queued_rows [1-9]/m);
  const exit = origin.stop("SIGTERM");
  const another = () =>
    post(origin.url, inputs({ rows: 1, given: 4, generate: 4 })).then(
      () => "taken",
      () => "refused",
    );
  await expect.poll(another).toBe("refused");
  expect((await running).samples).toHaveLength(rows * 64);
  expect(await exit).toBe(0);
});
