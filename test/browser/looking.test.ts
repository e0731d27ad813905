import { expect, it } from "vitest";
import { shoot } from "./lib/browser.ts";
import { complete, pixelsOf, ready, setRange, textOf } from "./lib/playground.ts";
import { atEachWidth } from "./lib/suite.ts";

atEachWidth("looking closer", ({ device, open, worker }) => {
  it("shows each pixel's surprise", async () => {
    const { page } = await open();
    await ready(page);
    await setRange(page, "Rows kept", 28);
    await setRange(page, "Samples", 1);
    await complete(page);
    await page.getByRole("button", { name: "How sure? Sample 1" }).click();
    const map = page.getByRole("application", { name: /^Surprise of each pixel/ });
    await map.waitFor({ timeout: 60_000 });
    const colors = await pixelsOf(map);
    expect(new Set(Array.from({ length: 1024 }, (_, i) => colors.slice(i * 4, i * 4 + 3).join())).size).toBeGreaterThan(
      16,
    );
    await map.focus();
    await page.keyboard.press("ArrowUp");
    await page.getByText(/^Row 16, column 1: \d+\.\d\d nats/).waitFor();
    const text = await textOf(page.locator(".sure-text"));

    // The figure on the page is the API's for the very picture.
    const dataUri = await page
      .locator(".sure .pixels")
      .first()
      .evaluate((canvas) => (canvas as HTMLCanvasElement).toDataURL());
    const { likelihood } = await worker().data<{ likelihood: { nllPerPixel: number } }>(
      "query ($image: ImageInput!) { likelihood(image: $image) { nllPerPixel } }",
      { image: { base64: dataUri } },
    );
    expect(text).toContain(`${likelihood.nllPerPixel.toFixed(2)} nats`);
    await shoot(page, device, "how-sure");
  });

  it("places the session's pictures on a map and names the nearest", async () => {
    const { page } = await open();
    await ready(page);
    await setRange(page, "Rows kept", 30);
    await setRange(page, "Samples", 2);
    await complete(page);
    await page.getByRole("tab", { name: "What is it like?" }).click();
    await page.getByRole("button", { name: "Add the shipped pictures" }).click();
    await page.locator(".map").waitFor({ timeout: 60_000 });
    // The cat, its two completions, the seven others.
    await expect.poll(() => page.locator(".map button").count()).toBe(10);
    await page
      .locator(".map")
      .getByRole("button", { name: /^Chelsea the cat, sample 1/ })
      .click();
    await page.getByRole("heading", { name: /Nearest to Chelsea the cat, sample 1/ }).waitFor();
    const nearest = page.locator(".nearest li");
    // Two rows of 32 were redone: the picture itself and the other sample are nearer than any other picture.
    await expect
      .poll(async () => (await nearest.allTextContents()).map((text) => text.startsWith("Chelsea")))
      .toEqual([true, true, false, false, false]);
    await shoot(page, device, "alike");
  });
});
