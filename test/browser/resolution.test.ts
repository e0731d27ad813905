import type { Page } from "playwright-core";
import { afterAll, expect, it } from "vitest";
import { goldenFolder } from "../golden/folder.ts";
import { shoot } from "./lib/browser.ts";
import { complete, overlay, pixelsOf, ready, samples, setRange, stage, stroke, textOf } from "./lib/playground.ts";
import { atEachWidth } from "./lib/suite.ts";

/** Small random models: `tiny` sees pictures of 32x32 and is the default, `large` 64x64. */
const folder = goldenFolder("tiny", "large");
afterAll(() => folder.remove());

const ROW = 64 * 4;

async function choose(page: Page, model: string): Promise<void> {
  await page.getByRole("radio", { name: new RegExp(`^${model}`) }).check();
}

/** Pixels a side of what is on the stage. */
const sideOf = (page: Page) => stage(page).evaluate((canvas) => (canvas as HTMLCanvasElement).width);
const keptRows = (page: Page) => page.getByRole("slider", { name: "Rows kept" });

atEachWidth(
  "models of another resolution",
  ({ device, open }) => {
    it("show the picture, the line and the samples in their own pixels", async () => {
      const { page } = await open();
      await ready(page);
      expect(await sideOf(page)).toBe(32);
      await textOf(page.getByText("64×64 ·"));
      await choose(page, "large");
      await expect.poll(() => sideOf(page)).toBe(64);
      expect(await keptRows(page).inputValue()).toBe("32");
      expect(await keptRows(page).getAttribute("max")).toBe("63");
      await setRange(page, "Rows kept", 60);
      await setRange(page, "Samples", 2);
      const made = await complete(page);
      expect(made).toHaveLength(2);
      for (const pixels of made) {
        expect(pixels).toHaveLength(64 * ROW);
        expect(pixels.slice(0, 60 * ROW)).toEqual(made[0]?.slice(0, 60 * ROW));
      }
      expect(made[0]).not.toEqual(made[1]);
      await shoot(page, device, "64x64");
      await page.getByRole("button", { name: "How sure? Sample 1" }).click();
      const heat = page.getByRole("application", { name: /^Surprise/ });
      await expect.poll(() => heat.evaluate((canvas) => (canvas as HTMLCanvasElement).width)).toBe(64);

      // What was drawn stays to be seen when another model is chosen.
      await choose(page, "tiny");
      await expect.poll(() => sideOf(page)).toBe(32);
      expect(await keptRows(page).inputValue()).toBe("30");
      expect(await pixelsOf(samples(page).first())).toEqual(made[0]);
    });

    it("keep the painted mask where it was", async () => {
      const { page } = await open();
      await ready(page);
      await page.getByRole("radio", { name: "Mask" }).check();
      await stroke(page, [
        [4, 4],
        [9, 4],
      ]);
      const hint = page.locator(".tool-options .hint").first();
      const count = Number.parseInt(await textOf(hint), 10);
      expect(count).toBeGreaterThan(5);
      await choose(page, "large");
      await expect.poll(() => textOf(hint)).toBe(`${count * 4} pixels to redo`);
      expect(await overlay(page).getAttribute("width")).toBe(String(64 * 8));
    });

    it("start from the options that they recommend, unless others were set", async () => {
      const { page } = await open();
      await ready(page);
      const temperature = page.getByRole("slider", { name: "Temperature" });
      await choose(page, "large");
      await expect.poll(() => temperature.inputValue()).toBe("0.9");
      expect(await page.getByRole("slider", { name: "Top-p" }).inputValue()).toBe("0.95");
      await choose(page, "tiny");
      await expect.poll(() => temperature.inputValue()).toBe("1");
      await setRange(page, "Temperature", 1.2);
      await choose(page, "large");
      await expect.poll(() => sideOf(page)).toBe(64);
      expect(await temperature.inputValue()).toBe("1.2");
    });

    it("come back by a link", async () => {
      const { page } = await open();
      await ready(page);
      await choose(page, "large");
      await expect.poll(() => sideOf(page)).toBe(64);
      await setRange(page, "Rows kept", 61);
      await page.getByRole("button", { name: "Copy link" }).click();
      await expect.poll(() => page.evaluate(() => navigator.clipboard.readText())).toMatch(/side=64/);
      const { hash } = new URL(await page.evaluate(() => navigator.clipboard.readText()));
      const { page: other } = await open({ path: `/${hash}` });
      await ready(other);
      await expect.poll(() => sideOf(other)).toBe(64);
      expect(await keptRows(other).inputValue()).toBe("61");
      expect(await pixelsOf(stage(other))).toEqual(await pixelsOf(stage(page)));
    });
  },
  { models: folder.path },
);
