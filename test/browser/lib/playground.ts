/** The playground as a person uses it: by its labels. */
import type { Locator, Page } from "playwright-core";
import { expect } from "vitest";

/** RGBA bytes of a canvas. */
export type Pixels = number[];

/** Of a picture of 32x32. */
export const ROW_BYTES = 32 * 4;

/** Once the canvas shows what its label says: a picture that has to be decoded comes a moment later. */
export async function pixelsOf(canvas: Locator): Promise<Pixels> {
  const read = () =>
    canvas.evaluate((element) => {
      if (element.getAttribute("aria-busy") === "true") return null;
      const { width, height } = element as HTMLCanvasElement;
      const context = (element as HTMLCanvasElement).getContext("2d");
      return context ? [...context.getImageData(0, 0, width, height).data] : [];
    });
  for (;;) {
    const pixels = await read();
    if (pixels) return pixels;
    await canvas.page().waitForTimeout(20);
  }
}

export function rowsOf(pixels: Pixels, from: number, to: number): Pixels {
  return pixels.slice(from * ROW_BYTES, to * ROW_BYTES);
}

export async function textOf(locator: Locator): Promise<string> {
  return (await locator.textContent()) ?? "";
}

export const stage = (page: Page) => page.getByRole("img", { name: /^The picture:/ });
export const overlay = (page: Page) => page.locator(".stage .overlay");
export const samples = (page: Page) =>
  page.getByRole("region", { name: "Samples" }).getByRole("img", { name: /^Sample \d/ });
export const seen = (page: Page) => page.getByRole("img", { name: "The whole picture as the model sees it" });
export const status = (page: Page) => page.locator(".status-text").first();

/** Until the first shipped picture is on the stage. */
export async function ready(page: Page): Promise<void> {
  await stage(page).waitFor();
  await page.waitForFunction(() => !document.querySelector('.stage [aria-label="The picture: Blank"]'));
}

export async function setRange(page: Page, label: string, value: number): Promise<void> {
  await page.getByRole("slider", { name: label }).fill(String(value));
}

/** The panel of large jobs, filled in. */
export async function jobPanel(page: Page, wanted: { rowsKept: number; samples: number }): Promise<Locator> {
  await setRange(page, "Rows kept", wanted.rowsKept);
  await page.getByRole("tab", { name: "Large job" }).click();
  const panel = page.getByRole("tabpanel");
  await panel.getByRole("spinbutton", { name: "Samples" }).fill(String(wanted.samples));
  return panel;
}

/** As many samples as the edge runs, so that there is time to look; known once the server has told of its models. */
export async function setMostSamples(page: Page): Promise<void> {
  const slider = page.getByRole("slider", { name: "Samples" });
  await expect.poll(() => slider.getAttribute("max")).toBe("16");
  await slider.fill("16");
}

export async function press(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Complete the picture" }).click();
}

/** The number of the completion that the page shows; null before the first. */
export async function shownRun(page: Page): Promise<string | null> {
  return page.locator("#results").getAttribute("data-run");
}

/**
 * Waits for the end of the completion that came after the one of number `before`.
 * @throws Error with the page's own message when it failed.
 */
export async function finished(page: Page, before: string | null): Promise<void> {
  await page.waitForFunction((last) => document.getElementById("results")?.getAttribute("data-run") !== last, before);
  const outcome = page
    .locator(".status-text")
    .filter({ hasText: /^(Done|Failed)/ })
    .first();
  await outcome.waitFor({ timeout: 120_000 });
  if ((await textOf(outcome)).startsWith("Failed")) throw new Error(await textOf(page.getByRole("alert").first()));
  await painted(page);
}

/** Waits until the pictures of the samples are decoded and on their canvases. */
export async function painted(page: Page): Promise<void> {
  await page.waitForFunction(() => !document.querySelector('#results canvas[aria-busy="true"]'));
}

/** All samples' pixels once they are done. */
export async function complete(page: Page): Promise<Pixels[]> {
  const before = await shownRun(page);
  await press(page);
  await finished(page, before);
  return allSamples(page);
}

export async function allSamples(page: Page): Promise<Pixels[]> {
  return Promise.all((await samples(page).all()).map(pixelsOf));
}

export async function seedOf(page: Page): Promise<number> {
  return Number(/seed (\d+)/.exec(await textOf(status(page)))?.[1]);
}

/** A stroke of the mouse on the stage, in cells. */
export async function stroke(page: Page, cells: readonly [number, number][]): Promise<void> {
  await overlay(page).scrollIntoViewIfNeeded();
  const box = await overlay(page).boundingBox();
  if (!box) throw new Error("The stage is not visible.");
  const at = ([x, y]: [number, number]) =>
    [box.x + ((x + 0.5) / 32) * box.width, box.y + ((y + 0.5) / 32) * box.height] as const;
  for (const [i, cell] of cells.entries()) {
    await page.mouse.move(...at(cell), { steps: i === 0 ? 1 : 6 });
    if (i === 0) await page.mouse.down();
  }
  await page.mouse.up();
}
