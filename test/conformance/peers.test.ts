/** The Open Inference Protocol with a client and a server that others wrote. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ROOT } from "../../lib/root.ts";
import { startWorker, type TestWorker } from "../harness.ts";
import { ended, picture, submitted } from "../jobs/client.ts";
import { freePort, OriginProcess } from "../origin/process.ts";
import { SHIPPED } from "../shipped.ts";
import { PEERS, peersPython, report, untilReady } from "./python.ts";

let python = "";
beforeAll(() => {
  python = peersPython();
}, 600_000);

interface TritonReport {
  live: boolean;
  ready: boolean;
  modelReady: boolean;
  otherReady: boolean;
  server: { extensions: string[] };
  model: {
    name: string;
    versions: string[];
    inputs: { name: string; datatype: string }[];
    outputs: { name: string }[];
  };
  id: string;
  version: string;
  binary: { samples: number[][]; nll: number[][]; features: number[][][] };
  json: TritonReport["binary"];
  /** Requests and answers by gzip and by deflate, in both forms. */
  packed: { coding: string; version: string; same: boolean }[];
  refused: { status: string; message: string } | null;
}

it("NVIDIA's tritonclient understands our origin, in both forms", async () => {
  const origin = await OriginProcess.start();
  try {
    const answers = await report<TritonReport>(python, "triton_client.py", `127.0.0.1:${origin.port}`, SHIPPED.version);
    expect(answers).toMatchObject({
      live: true,
      ready: true,
      modelReady: true,
      otherReady: false,
      id: "a-request",
      version: SHIPPED.version,
    });
    expect(answers.server.extensions).toContain("binary_tensor_data");
    expect(answers.model).toMatchObject({ name: "igpt-base", versions: expect.arrayContaining([SHIPPED.version]) });
    expect(answers.model.outputs.map(({ name }) => name)).toEqual(["samples", "nll", "prefix_nll", "features"]);
    expect(answers.json).toEqual(answers.binary);
    const packed = ["gzip", "deflate"].map((coding) => ({ coding, version: SHIPPED.version, same: true }));
    expect(answers.packed).toEqual([...packed, ...packed]);
    expect(answers.binary.samples.map((row) => row.length)).toEqual([24, 24, 24]);
    // Of the embeddings and of twelve blocks.
    expect(answers.binary.features[0]?.length).toBe(13);
    expect(answers.refused).toMatchObject({ status: "400" });
    expect(answers.refused?.message).toContain("tokens");
  } finally {
    await origin.stop("SIGKILL");
  }
});

describe("MLServer, serving igpt.onnx with a runtime of a few lines, as the Worker's origin", () => {
  let server: ChildProcess;
  let folder: string;
  let worker: TestWorker;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "igpt-mlserver-"));
    const [http_port, grpc_port, metrics_port] = [await freePort(), await freePort(), await freePort()];
    const settings = { http_port, grpc_port, metrics_port, host: "127.0.0.1", parallel_workers: 0, debug: false };
    const uri = join(ROOT, `r2-assets/models/igpt-base/${SHIPPED.version}/igpt.onnx`);
    const model = {
      name: "igpt-base",
      implementation: "igpt_runtime.IgptRuntime",
      parameters: { uri, version: SHIPPED.version },
    };
    await writeFile(join(folder, "settings.json"), JSON.stringify(settings));
    await writeFile(join(folder, "model-settings.json"), JSON.stringify(model));
    const env = { ...process.env, PYTHONPATH: PEERS, PATH: `${dirname(python)}:${process.env.PATH}` };
    server = spawn(join(dirname(python), "mlserver"), ["start", folder], { env, stdio: "ignore" });
    const url = `http://127.0.0.1:${http_port}`;
    await untilReady(`${url}/v2/models/igpt-base/versions/${SHIPPED.version}/ready`, server);
    const vars = { ORIGIN_URLS: url, ENGINE: "kernel", FLOOD_GUARD: "off", EDGE_BUDGET_GIGAMACS: "0.0001" };
    worker = await startWorker({ vars: { ...vars, ORIGIN_WAIT_SECONDS: "60" } });
  }, 180_000);
  afterAll(async () => {
    await worker?.close();
    server?.kill();
    await rm(folder, { recursive: true });
  });

  it("completes, repeats with the seed, and each sample is the same in any number", async () => {
    const query = `query ($image: ImageInput!, $samples: Int!) {
      complete(image: $image, samples: $samples, options: { keepRows: 31, seed: 9 }) { ranOn engine samples { index nllPerPixel image { tokens } } }
    }`;
    type Answer = {
      complete: { ranOn: string; engine: string; samples: { nllPerPixel: number; image: { tokens: number[] } }[] };
    };
    const ask = async (samples: number) => (await worker.data<Answer>(query, { image: picture(), samples })).complete;
    const [two, three] = [await ask(2), await ask(3)];
    expect(two).toMatchObject({ ranOn: "ORIGIN", engine: "onnx" });
    expect(three.samples.slice(0, 2)).toEqual(two.samples);
    expect(two.samples[0]?.image.tokens).not.toEqual(two.samples[1]?.image.tokens);
    expect(two.samples.every(({ nllPerPixel }) => nllPerPixel > 0 && nllPerPixel < 20)).toBe(true);
  });

  it("carries out a job; at temperature 0 all of its samples are alike", async () => {
    const options = { keepRows: 31, seed: 4, temperature: 0, execution: "ORIGIN" };
    const answer = await ended(worker, await submitted(worker, { image: picture(1), samples: 2, options }));
    expect(answer).toMatchObject({ status: "SUCCEEDED", ranOn: "ORIGIN", engine: "onnx" });
    expect(answer.samples[0]?.image.tokens).toEqual(answer.samples[1]?.image.tokens);
  });
});
