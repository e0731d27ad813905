import { describe, expect, it } from "vitest";
import type { CompletionSpec, Execution, Model } from "../model/types.ts";
import { gigaMacs } from "./cost.ts";
import { route } from "./route.ts";
import { readOrigins } from "./settings.ts";

const model = {
  id: "m",
  layers: 8,
  width: 256,
  colors: 512,
  resolution: 32,
  edgeSamples: 16,
  edgeCandidates: 20,
} as Model;
const keep = Array.from({ length: 1024 }, (_, i) => i < 512);
const spec = (execution: Execution, samples: number) => ({ execution, samples, keep }) as unknown as CompletionSpec;
const place = (execution: Execution, samples: number, origins: boolean, edgeBudget = 400, edgeSamples = 16) =>
  route({ ...model, edgeSamples }, spec(execution, samples), { origins, edgeBudget });
const code = (work: () => unknown) => {
  try {
    return work();
  } catch (error) {
    return (error as { code?: string }).code;
  }
};

describe("routing", () => {
  it("keeps at the edge what fits and is cheap", () => {
    expect(place("AUTO", 16, true)).toBe("EDGE");
    expect(place("AUTO", 16, false)).toBe("EDGE");
    expect(place("AUTO", 17, true)).toBe("ORIGIN");
    expect(place("AUTO", 16, true, 10)).toBe("ORIGIN");
    expect(place("AUTO", 16, false, 10)).toBe("EDGE");
    expect(place("AUTO", 1, true, 400, 0)).toBe("ORIGIN");
  });

  it("counts candidates of samples, by what they compute and by what the edge holds", () => {
    const hole = Array.from({ length: 1024 }, (_, i) => i < 512 || i >= 768);
    const at = (samples: number, candidates: number, origins: boolean, edgeBudget = 4000) =>
      route(model, { execution: "AUTO", samples, keep: hole, candidates } as unknown as CompletionSpec, {
        origins,
        edgeBudget,
      });
    expect(at(8, 16, true)).toBe("EDGE");
    expect(at(8, 16, true, 400)).toBe("ORIGIN");
    expect(at(9, 16, true)).toBe("ORIGIN");
    expect(at(1, 21, true)).toBe("ORIGIN");
    expect(code(() => at(9, 16, false))).toBe("JOB_TOO_LARGE");
    expect(code(() => at(1, 21, false))).toBe("JOB_TOO_LARGE");
  });

  it("does what is said, or says why not", () => {
    expect(place("EDGE", 16, true)).toBe("EDGE");
    expect(place("ORIGIN", 1, true)).toBe("ORIGIN");
    expect(code(() => place("EDGE", 17, true))).toBe("JOB_TOO_LARGE");
    expect(code(() => place("AUTO", 17, false))).toBe("JOB_TOO_LARGE");
    expect(code(() => place("ORIGIN", 1, false))).toBe("ORIGIN_UNAVAILABLE");
  });
});

it("counts the multiplications of a completion", () => {
  // 6.4M weights that are multiplied a position, 512 positions of prefix and 512 of the sample, and attention.
  const linear = 12 * 8 * 256 ** 2 + 256 * 512;
  const attention = 8 * 256 * 1024 ** 2;
  expect(gigaMacs(model, { keep, samples: 1 })).toBeCloseTo((1024 * linear + attention) / 1e9, 6);
});

describe("origins from the configuration", () => {
  it("are https, or on this machine", () => {
    const urls = (ORIGIN_URLS: string) => readOrigins({ ORIGIN_URLS }).map(({ url }) => url);
    expect(urls("")).toEqual([]);
    expect(urls("https://a.example/base/, http://127.0.0.1:9000")).toEqual([
      "https://a.example/base",
      "http://127.0.0.1:9000",
    ]);
    expect(urls("http://[::1]:9000,http://localhost:1")).toHaveLength(2);
    for (const bad of [
      "http://a.example",
      "http://10.0.0.1",
      "ftp://a.example",
      "a.example",
      "https://u:p@a.example",
    ]) {
      expect(() => urls(bad)).toThrow("ORIGIN_URLS");
    }
  });

  it("are sent the token, and a service token of Access", () => {
    const env = {
      ORIGIN_URLS: "https://a.example",
      ORIGIN_TOKEN: "t",
      ORIGIN_ACCESS_CLIENT_ID: "i",
      ORIGIN_ACCESS_CLIENT_SECRET: "s",
    };
    const headers = { Authorization: "Bearer t", "CF-Access-Client-Id": "i", "CF-Access-Client-Secret": "s" };
    expect(readOrigins(env)[0]?.headers).toEqual(headers);
  });
});
