import { spawn } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Image } from "imagescript";
import { PNG } from "pngjs";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ROOT } from "../../lib/root.ts";
import { issueKey } from "../access/admin.ts";
import { type SharedWorker, sharedWorker } from "../shared-worker.ts";
import { printed, run, script } from "./run.ts";

const PHOTOS = ["astronaut.jpg", "chelsea.jpg", "coffee.jpg", "rocket.jpg"];
const SMALL = ["camera.png", "horse.png", "hubble.png", "retina.png"];

let worker: SharedWorker;
let env: Record<string, string>;
let folder: string;
let outside: string;
beforeAll(async () => {
  worker = await sharedWorker("closed");
  const { secret } = await issueKey(worker, { scopes: ["EMBED"] });
  env = { IGPT_ENDPOINT: new URL("/graphql", worker.url).href, IGPT_KEY: secret };
  folder = await mkdtemp(join(tmpdir(), "igpt-edge-"));
  outside = await mkdtemp(join(tmpdir(), "igpt-edge-"));
  await mkdir(join(folder, "small & old"));
  for (const name of PHOTOS) await cp(join(ROOT, "web/pictures", name), join(folder, name));
  for (const name of SMALL) await cp(join(ROOT, "web/pictures/32", name), join(folder, "small & old", name));
  await writeFile(join(folder, "broken.png"), "no picture");
  await cp(join(ROOT, "README.md"), join(folder, "README.md"));
});
afterAll(async () => {
  for (const made of [folder, outside]) await rm(made, { recursive: true });
});

const similar = (...args: string[]) => script("examples/similar/run.ts", "--model", "igpt-small", folder, ...args);

it("stopped in the midst, it goes on from there, and tells what it skipped", async () => {
  const before = await stoppedAfter("2 of 9", similar("--at-once", "2"));
  expect(before).toContain("9 pictures, 9 to embed (igpt-small/2, layer");
  const left = Number(/, (\d+) to embed/.exec(await printed(similar("--at-once", "3"), env))?.[1]);
  expect(left).toBeLessThanOrEqual(7);
  const text = await printed(similar(), env);
  expect(text).toMatch(/^9 pictures, 0 to embed/);
  expect(text.match(/^skipped .*$/gm)).toEqual([expect.stringMatching(/^skipped broken\.png: BAD_IMAGE: ./)]);
});

it("the nearest to a mirrored, a recompressed and an own picture", async () => {
  const mirrored = join(outside, "mirrored.png");
  await writeFile(mirrored, mirror(await readFile(join(ROOT, "web/pictures/32/chelsea.png"))));
  expect(await nearestTo(mirrored)).toBe("chelsea.jpg");

  const recompressed = join(outside, "recompressed.jpg");
  const photo = await Image.decode(await readFile(join(folder, "rocket.jpg")));
  await writeFile(recompressed, await photo.resize(100, Image.RESIZE_AUTO).encodeJPEG(20));
  expect(await nearestTo(recompressed)).toBe("rocket.jpg");

  // Itself is not an answer.
  await cp(recompressed, join(folder, "again.jpg"));
  expect(await nearestTo(join(folder, "rocket.jpg"))).toBe("again.jpg");
  await rm(join(folder, "again.jpg"));
  expect(await nearestTo(recompressed)).toBe("rocket.jpg");
});

it("the sheet shows the pictures", async () => {
  const sheet = join(outside, "nearest.html");
  await printed(similar(join(folder, "coffee.jpg"), sheet), env);
  const page = await readFile(sheet, "utf8");
  const files = [...page.matchAll(/src="([^"]+)"/g)].map(([, link = ""]) => new URL(link, `file://${sheet}`));
  expect(files).toHaveLength(PHOTOS.length + SMALL.length);
  for (const file of files) expect((await readFile(file)).length).toBeGreaterThan(0);
  expect(page).toContain("small &#38; old");
});

it("says what is wrong with a picture that is asked about, and with a key", async () => {
  const broken = await run(similar(join(folder, "broken.png")), env);
  expect([broken.code, broken.stderr]).toEqual([1, expect.stringContaining("broken.png: BAD_IMAGE: ")]);
  const nobody = await run(similar(), { ...env, IGPT_KEY: undefined });
  expect([nobody.code, nobody.stderr]).toEqual([1, expect.stringMatching(/^UNAUTHENTICATED: /)]);
});

/** The first of those that it prints. */
async function nearestTo(picture: string): Promise<string | undefined> {
  const text = await printed(similar(picture, join(outside, "sheet.html")), env);
  return /^\d\.\d{3} (.*)$/m.exec(text)?.[1];
}

/** Ends the program, hard, once it has printed a line. @returns what it had printed */
function stoppedAfter(line: string, [command, ...args]: readonly [string, ...string[]]): Promise<string> {
  const child = spawn(command, args, {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let text = "";
  child.stdout.on("data", (chunk) => {
    text += chunk;
    if (text.split("\n").includes(line)) child.kill("SIGKILL");
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", () => resolve(text));
  });
}

/** Left for right. */
function mirror(file: Buffer): Buffer {
  const { width, height, data } = PNG.sync.read(file);
  const mirrored = new PNG({ width, height });
  for (let i = 0; i < width * height; i++) {
    const x = i % width;
    data.copy(mirrored.data, 4 * (i - x + width - 1 - x), 4 * i, 4 * i + 4);
  }
  return PNG.sync.write(mirrored);
}
