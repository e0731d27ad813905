/** Fills by candidates at an origin: those of the edge, token for token, where both run the kernel. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startWorker, type TestWorker } from "../harness.ts";
import { ended, submitted } from "../jobs/client.ts";
import { photo } from "../worker/pictures.ts";
import { OriginProcess } from "./process.ts";

/** Near the upper edge: what an origin that keeps nothing computes anew each time is little. */
const keep = Array.from({ length: 1024 }, (_, i) => ![1, 2].includes(i >> 5) || i % 32 < 10 || i % 32 > 15);
const options = { model: "igpt-small", keep, seed: 3, candidates: 5, temperature: 0.95 };
const COMPLETED = "ranOn engine samples { index nllPerPixel image { tokens } }";
interface Completed {
  ranOn: string;
  engine: string;
  samples: { index: number; nllPerPixel: number; image: { tokens: number[] } }[];
}

let origin: OriginProcess;
/** The same origin, for who does not know that it knows candidates. */
let plain: Server;
let worker: TestWorker;
beforeAll(async () => {
  origin = await OriginProcess.start();
  plain = await withoutExtension(origin.url);
  worker = await startWorker({ vars: { ORIGIN_URLS: origin.url, ENGINE: "kernel", EDGE_BUDGET_GIGAMACS: "6" } });
});
afterAll(async () => {
  await worker?.close();
  plain?.close();
  await origin?.stop("SIGKILL");
});

/** Passes everything on, but the one word in the server's metadata. */
async function withoutExtension(url: string): Promise<Server> {
  const server = createServer(async (request, response) => {
    if (request.url === "/v2") {
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify({ name: "plain", version: "2", extensions: ["binary_tensor_data"] }));
      return;
    }
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const headers = Object.entries(request.headers).filter(([name]) => !["host", "connection"].includes(name));
    const answer = await fetch(url + request.url, {
      method: request.method ?? "GET",
      headers: headers as [string, string][],
      ...(request.method === "POST" ? { body } : {}),
    });
    response.writeHead(answer.status, Object.fromEntries(answer.headers));
    response.end(Buffer.from(await answer.arrayBuffer()));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

const complete = async (samples: number, more: Record<string, unknown>, by = worker) => {
  const query = `query ($image: ImageInput!, $samples: Int!, $options: CompleteOptions) {
    complete(image: $image, samples: $samples, options: $options) { ${COMPLETED} } }`;
  const variables = { image: photo, samples, options: { ...options, ...more } };
  return (await by.data<{ complete: Completed }>(query, variables)).complete;
};

it("gives the edge's samples", async () => {
  const edge = await complete(3, { execution: "EDGE" });
  expect(edge).toMatchObject({ ranOn: "EDGE", engine: "kernel" });
  const there = await complete(3, { execution: "ORIGIN" });
  expect(there).toMatchObject({ ranOn: "ORIGIN", engine: "kernel" });
  expect(there.samples).toEqual(edge.samples);
  expect((await complete(1, { execution: "ORIGIN" })).samples).toEqual(edge.samples.slice(0, 1));
});

it("gives them too where it knows the graph alone", async () => {
  const { port } = plain.address() as AddressInfo;
  const other = await startWorker({ vars: { ORIGIN_URLS: `http://127.0.0.1:${port}`, ENGINE: "kernel" } });
  try {
    const before = origin.lines.length;
    const there = await complete(2, { execution: "ORIGIN" }, other);
    expect(there.samples).toEqual((await complete(2, { execution: "EDGE" })).samples);
    // A call a step: four drawn pixels at most.
    expect(origin.lines.slice(before).filter(({ event }) => event === "infer").length).toBeGreaterThan(8);
  } finally {
    await other.close();
  }
});

it("does the same by the graph, in steps of its own", async () => {
  const onnx = await OriginProcess.start(["--engine", "onnx"]);
  const hiding = await withoutExtension(onnx.url);
  const workers = await Promise.all(
    [onnx.url, `http://127.0.0.1:${(hiding.address() as AddressInfo).port}`].map((url) =>
      startWorker({ vars: { ORIGIN_URLS: url } }),
    ),
  );
  try {
    const [one, other] = await Promise.all(
      workers.map((by) => complete(1, { execution: "ORIGIN", candidates: 2 }, by)),
    );
    expect(one).toMatchObject({ ranOn: "ORIGIN", engine: "onnx" });
    expect(other).toEqual(one);
  } finally {
    for (const by of workers) await by.close();
    hiding.close();
    await onnx.stop("SIGKILL");
  }
});

it("refuses what is no filter's work", async () => {
  const inputs = (forced: number[], more: Record<string, number>) => {
    const scalars = { temperature: 1, top_p: 1, top_k: 0, candidates: 2, seed: 1, sample: 0, ...more };
    return [
      { name: "tokens", datatype: "INT64", shape: [1, 0], data: [] },
      { name: "forced", datatype: "INT64", shape: [1, forced.length], data: forced },
      { name: "uniforms", datatype: "FP32", shape: [1, forced.length], data: forced.map(() => 0) },
      ...Object.entries(scalars).map(([name, value]) => ({
        ...{ name, datatype: name === "temperature" || name === "top_p" ? "FP32" : "INT64", shape: [1, 1] },
        data: [value],
      })),
    ];
  };
  const { model } = await worker.data<{ model: { id: string } }>("{ model { id } }");
  const ask = async (forced: number[], more: Record<string, number> = {}) => {
    const body = JSON.stringify({ inputs: inputs(forced, more) });
    const headers = { "content-type": "application/json" };
    const response = await fetch(`${origin.url}/v2/models/${model.id}/infer`, { method: "POST", headers, body });
    return `${response.status} ${await response.text()}`;
  };
  const rows = [-1, ...new Array<number>(159).fill(7)];
  expect(await ask(rows)).toMatch(/^200/);
  expect(await ask([7, ...rows.slice(1)])).toMatch(/^400.*first pixel/);
  expect(await ask(rows.slice(0, 100))).toMatch(/^400.*position 160/);
  expect(await ask(rows, { candidates: 33 })).toMatch(/^400.*candidates/);
});

it("is chosen by what the candidates cost", async () => {
  expect((await complete(1, { candidates: 1 })).ranOn).toBe("EDGE");
  expect((await complete(1, {})).ranOn).toBe("ORIGIN");
});

it("does jobs, as the edge does them", async () => {
  const edge = await complete(2, { execution: "EDGE" });
  for (const execution of ["ORIGIN", "EDGE"]) {
    const id = await submitted(worker, { image: photo, samples: 2, options: { ...options, execution } });
    expect(await ended(worker, id)).toMatchObject({ status: "SUCCEEDED", ranOn: execution, samples: edge.samples });
  }
});
