/** `tsx print-samples.ts BINARY`: draws with a small random model and prints colours and nats in all their bits. */
import { load, PLAIN_SAMPLING, randomTokens, randomUniforms, score } from "./models.ts";
import { BINARIES } from "./modules.ts";

const SHAPE = { layers: 3, width: 96, heads: 3, positions: 256, colors: 512, bias: true };
const SAMPLES = 3;
const STEPS = 64;

const binary = BINARIES.find((name) => name === process.argv[2]);
if (!binary) throw new Error(`usage: print-samples.ts ${BINARIES.join("|")}`);
const engine = await load(binary, SHAPE);
const tokens = randomTokens(SHAPE.positions, SHAPE.colors);
const bits = (values: ArrayLike<number>) => Buffer.from(Float32Array.from(values).buffer).toString("hex");

console.log(bits((await score(engine, tokens, 150, 2)).flat()));
const prefix = engine.openPrefix();
await prefix.append(tokens.subarray(0, 100));
const generation = engine.generate(prefix, SAMPLES, PLAIN_SAMPLING);
const forced = new Int32Array(SAMPLES * STEPS).fill(-1);
const row = await generation.next({ forced, uniforms: randomUniforms(forced.length) });
console.log(row.tokens.join(" "), bits(row.nll), bits(prefix.features()));
