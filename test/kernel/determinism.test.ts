/** What must hold bit for bit. */
import { describe, expect, it } from "vitest";
import type { KernelEngine } from "../../src/model/engines/kernel/engine.ts";
import { load, randomTokens, randomUniforms, SMALL, score } from "./models.ts";
import { BINARIES, type Binary } from "./modules.ts";

const SAMPLING = { temperature: 0.9, topK: 20, topP: 0.95 };

/** Colours of `samples` samples after 40 given ones, drawn in rows of the given lengths. */
async function draw(engine: KernelEngine, samples: number, rows: readonly number[]): Promise<number[][]> {
  const total = rows.reduce((a, b) => a + b, 0);
  const prefix = engine.openPrefix();
  await prefix.append(randomTokens(40, SMALL.colors));
  const generation = engine.generate(prefix, samples, SAMPLING);
  const drawn: number[][] = Array.from({ length: samples }, () => []);
  let done = 0;
  for (const steps of rows) {
    const uniforms = new Float32Array(samples * steps);
    for (let b = 0; b < samples; b++) {
      uniforms.set(randomUniforms(total, 100 + b).subarray(done, done + steps), b * steps);
    }
    const { tokens } = await generation.next({ forced: new Int32Array(samples * steps).fill(-1), uniforms });
    drawn.forEach((colors, b) => {
      colors.push(...tokens.subarray(b * steps, (b + 1) * steps));
    });
    done += steps;
  }
  generation.release();
  prefix.release();
  return drawn;
}

describe.each(BINARIES)("%s", (binary) => {
  it("draws a sample alike whatever is sampled with it, and however the rows are cut", async () => {
    const engine = await load(binary, SMALL);
    const alone = await draw(engine, 1, [32, 32, 36]);
    expect(new Set(alone[0]).size).toBeGreaterThan(5);
    for (const samples of [2, 3, 8, 35]) {
      const together = await draw(engine, samples, [1, 64, 35]);
      expect(together[0]).toEqual(alone[0]);
      expect(together[1]).not.toEqual(alone[0]);
      expect(together.slice(0, 2)).toEqual((await draw(engine, 2, [100])).slice(0, samples));
    }
  });

  it("gives a colour the same likelihood whether it was given or forced, and however a prefix is cut", async () => {
    const engine = await load(binary, SMALL);
    const tokens = randomTokens(256, SMALL.colors);
    const whole = await score(engine, tokens, 256);
    for (const prefix of [0, 1, 63, 64, 65, 130, 255]) expect(await score(engine, tokens, prefix)).toEqual(whole);
    const cut = engine.openPrefix();
    const parts = [];
    for (const [from, to] of [
      [0, 1],
      [1, 100],
      [100, 101],
      [101, 256],
    ]) {
      parts.push(...(await cut.append(tokens.subarray(from, to))));
    }
    expect(parts).toEqual(whole[0]);
    const uncut = engine.openPrefix();
    await uncut.append(tokens);
    expect(cut.features()).toEqual(uncut.features());
  });

  it("keeps apart what runs in turns: prefixes, generations, and pages that were used before", async () => {
    const engine = await load(binary, SMALL);
    const expected = await draw(engine, 2, [32, 32]);
    const [a, b] = [engine.openPrefix(), engine.openPrefix()];
    await b.append(randomTokens(70, SMALL.colors, 3));
    await a.append(randomTokens(40, SMALL.colors));
    const [first, second] = [engine.generate(a, 1, SAMPLING), engine.generate(b, 3, SAMPLING)];
    const colors = [];
    for (let row = 0; row < 2; row++) {
      const uniforms = randomUniforms(64, 100).subarray(row * 32, (row + 1) * 32);
      await second.next({ forced: new Int32Array(96).fill(-1), uniforms: randomUniforms(96, row) });
      colors.push(...(await first.next({ forced: new Int32Array(32).fill(-1), uniforms })).tokens);
      await engine.openPrefix().append(randomTokens(200, SMALL.colors, row));
    }
    expect(colors).toEqual(expected[0]);
  });
});

it("gives the same bits with and without relaxed SIMD", async () => {
  const run = async (binary: Binary) => {
    const engine = await load(binary, SMALL);
    return { nll: await score(engine, randomTokens(256, SMALL.colors), 100, 2), drawn: await draw(engine, 3, [90]) };
  };
  expect(await run("kernel-r16-plain")).toEqual(await run("kernel-r16"));
});
