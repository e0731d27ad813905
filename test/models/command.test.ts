/** `npm run models`: what it says before it changes a bucket or a folder. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openFolder } from "../../bundles/folder.ts";
import { readIndex } from "../../bundles/publish.ts";
import { makeBundle } from "../doubles/bundle.ts";
import { loggedOut, printed, run, script } from "../examples/run.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "igpt-models-"));
});
afterAll(() => rm(folder, { recursive: true, maxRetries: 5 }));

/** A folder below ours with one model, as training writes it. */
async function trained(name: string, id: string, version: string): Promise<string> {
  const source = openFolder(join(folder, name));
  const { manifest, weights, graph } = makeBundle(id, version, { resolution: 32 });
  await source.put(`models/${id}/${version}/weights.safetensors`, weights);
  await source.put(`models/${id}/${version}/igpt.onnx`, graph);
  await source.put(`models/${id}/${version}/manifest.json`, Buffer.from(JSON.stringify(manifest)));
  const index = { format: 1, default: id, models: { [id]: { version, versions: [version] } } };
  await source.put("models/index.json", Buffer.from(JSON.stringify(index)));
  return join(folder, name);
}

const environment = () => ({ IGPT_EDGE_STATE: join(folder, "state") });
const models = (...args: string[]) => printed(script("scripts/models.ts", ...args), environment());
const lines = (...all: string[]) => `${all.join("\n")}\n`;

it("push, rollback and pull name versions and default model, before and after", async () => {
  expect(await models("push", "--dir", await trained("first", "shop", "1"))).toBe(
    lines(
      "About to change the bucket of npm run dev:",
      "  shop: version 1; current now: none",
      "  default model: shop; now: none",
      "shop version 1: published",
      "The default model was none and is shop now.",
    ),
  );
  await models("push", "--dir", await trained("second", "shop", "2"));
  const mine = await trained("third", "mine", "1");
  expect(await models("push", "--dir", mine)).toBe(
    lines(
      "About to change the bucket of npm run dev:",
      "  mine: version 1; current now: none",
      "  default model: shop; now: shop",
      "mine version 1: published",
      "The default model stays shop.",
    ),
  );
  expect(await models("push", "--dir", mine, "--default", "mine")).toBe(
    lines(
      "About to change the bucket of npm run dev:",
      "  mine: version 1, whose files are there; current now: version 1",
      "  default model: mine; now: shop",
      "mine version 1: was there already",
      "The default model was shop and is mine now.",
    ),
  );
  expect(await models("rollback", "--model", "shop")).toBe(
    lines("About to change the bucket of npm run dev: shop, from version 2 to 1.", "shop is at version 1 now."),
  );
  expect(await models("pull", "--dir", join(folder, "second"), "--model", "mine")).toBe(
    lines(
      `About to change the folder ${join(folder, "second")}:`,
      "  mine: version 1; current now: none",
      "  default model: shop; now: shop",
      `Copied to ${join(folder, "second")}.`,
    ),
  );
  expect((await readIndex((key) => openFolder(join(folder, "second")).get(key)))?.default).toBe("shop");
});

it("--remote without a login changes nothing, and announces nothing", async () => {
  const push = script("scripts/models.ts", "push", "--remote", "--dir", await trained("fourth", "shop", "3"));
  const { code, stdout, stderr } = await run(push, { ...environment(), ...loggedOut(folder) });
  expect([code, stdout]).toEqual([1, ""]);
  expect(stderr).toContain("CLOUDFLARE_API_TOKEN");
});
