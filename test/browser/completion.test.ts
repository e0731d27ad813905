import { readFile } from "node:fs/promises";
import { PNG } from "pngjs";
import { expect, it } from "vitest";
import { shoot } from "./lib/browser.ts";
import {
  allSamples,
  complete,
  finished,
  painted,
  pixelsOf,
  press,
  ready,
  rowsOf,
  samples,
  seedOf,
  seen,
  setMostSamples,
  setRange,
  shownRun,
  stage,
  status,
  stroke,
  textOf,
} from "./lib/playground.ts";
import { atEachWidth } from "./lib/suite.ts";

atEachWidth("completing", ({ device, open, worker }) => {
  it("completes a drawn picture and leaves its upper half as it was", async () => {
    const { page } = await open();
    await ready(page);
    await page.getByRole("radio", { name: "Draw" }).check();
    await page.getByRole("button", { name: "Sky" }).click();
    await page.getByRole("button", { name: "New in this colour" }).click();
    await page.getByRole("button", { name: "Green" }).click();
    await page.getByRole("radio", { name: "6 pixels" }).check();
    await stroke(page, [
      [2, 14],
      [29, 14],
    ]);
    await page.getByRole("button", { name: "Yellow" }).click();
    await stroke(page, [
      [24, 4],
      [26, 6],
    ]);
    await shoot(page, device, "drawing");
    await setRange(page, "Samples", 2);
    const drawn = await pixelsOf(stage(page));
    const made = await complete(page);
    await shoot(page, device, "drawing-completed");

    // What the model was given, asked for once more from outside the page.
    const base64 = PNG.sync
      .write(Object.assign(new PNG({ width: 32, height: 32 }), { data: Buffer.from(drawn) }))
      .toString("base64");
    const { complete: answer } = await worker().data<{ complete: { input: { dataUri: string } } }>(
      "query ($image: ImageInput!) { complete(image: $image, options: { keepRows: 31 }) { input { dataUri } } }",
      { image: { base64 } },
    );
    const input = [...PNG.sync.read(Buffer.from(answer.input.dataUri.split(",")[1] ?? "", "base64")).data];
    expect(await pixelsOf(seen(page))).toEqual(input);
    expect(made).toHaveLength(2);
    for (const sample of made) {
      expect(rowsOf(sample, 0, 16)).toEqual(rowsOf(input, 0, 16));
      expect(rowsOf(sample, 16, 32)).not.toEqual(rowsOf(input, 16, 32));
    }
    expect(made[0]).not.toEqual(made[1]);
  });

  it("shows the rows as they are drawn", async () => {
    const { page } = await open();
    await ready(page);
    await setRange(page, "Samples", 8);
    await setRange(page, "Rows kept", 0);
    await painted(page);
    await page.evaluate(() => {
      const seenValues: [number, number][] = [];
      Object.assign(window, { seenValues });
      const opaqueRows = () => {
        const canvas = document.querySelector<HTMLCanvasElement>(".card canvas");
        const data = canvas?.getContext("2d")?.getImageData(0, 0, 32, 32).data ?? [];
        let rows = 0;
        while (rows < 32 && data[(rows * 32 + 31) * 4 + 3] === 255) rows++;
        return rows;
      };
      const look = () => {
        const value = document.querySelector("progress")?.value ?? 0;
        const [last] = seenValues.at(-1) ?? [-1];
        if (value !== last) seenValues.push([value, opaqueRows()]);
        requestAnimationFrame(look);
      };
      look();
    });
    await press(page);
    await page.waitForFunction(() => (window as unknown as { seenValues: number[][] }).seenValues.length > 4);
    await shoot(page, device, "row-by-row");
    await finished(page, null);
    const values = await page.evaluate(() => (window as unknown as { seenValues: [number, number][] }).seenValues);
    const rows = values.map(([, opaque]) => opaque);
    expect(new Set(rows).size).toBeGreaterThan(3);
    expect(rows).toEqual(rows.toSorted((a, b) => a - b));
    await shoot(page, device, "done");
  });

  for (const count of [1, 4, 6]) {
    it(`moves nothing from the first look to the last row, ${count} samples`, async () => {
      const { page } = await open({ path: `/#picture=chelsea&keep=28&samples=${count}` });
      await ready(page);
      await page.waitForLoadState("networkidle");
      const pictures = page.locator(".card canvas");
      const places = () =>
        pictures.evaluateAll((canvases) =>
          canvases.map((canvas) => {
            const { left, top, width } = canvas.getBoundingClientRect();
            return [left + scrollX, top + scrollY, width].map(Math.round);
          }),
        );
      await expect.poll(() => pictures.count()).toBe(count);
      const before = await places();
      await complete(page);
      expect(await places()).toEqual(before);
      if (count > 4) return;
      const visible = await pictures.evaluateAll((canvases) =>
        canvases.every((canvas) => {
          const { top, bottom } = canvas.getBoundingClientRect();
          return top >= 0 && bottom <= innerHeight;
        }),
      );
      expect(visible).toBe(true);
    });
  }

  it("stops, and goes on working", async () => {
    const { page } = await open();
    await ready(page);
    await setMostSamples(page);
    await setRange(page, "Rows kept", 0);
    await press(page);
    await page.getByText(/^Row \d+ of/).waitFor();
    await page.getByRole("button", { name: "Stop" }).click();
    await status(page)
      .filter({ hasText: /^Stopped at row \d+ of 32/ })
      .waitFor();
    await shoot(page, device, "stopped");
    await setRange(page, "Samples", 2);
    await setRange(page, "Rows kept", 28);
    await complete(page);
  });

  it("repeats with its seed, differs with another, saves, and goes on from a sample", async () => {
    const { page } = await open();
    await ready(page);
    await setRange(page, "Rows kept", 26);
    await setRange(page, "Samples", 2);
    const first = await complete(page);
    const seed = await seedOf(page);
    await page.getByRole("button", { name: "Keep this seed" }).click();
    await expect.poll(() => page.getByRole("spinbutton", { name: "Seed" }).inputValue()).toBe(String(seed));
    expect(await complete(page)).toEqual(first);
    const before = await shownRun(page);
    await page.getByRole("button", { name: "Another seed" }).click();
    await finished(page, before);
    expect(await seedOf(page)).not.toBe(seed);
    const other = await allSamples(page);
    expect(other).not.toEqual(first);

    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("button", { name: "Save Sample 1" }).click(),
    ]);
    const png = PNG.sync.read(await readFile(await download.path()));
    expect([png.width, png.height]).toEqual([512, 512]);
    expect([...png.data.subarray(0, 3)]).toEqual(other[0]?.slice(0, 3));

    await page.getByRole("button", { name: "Go on from Sample 1" }).click();
    await page.getByRole("img", { name: "The picture: Sample 1" }).waitFor();
    expect(await pixelsOf(stage(page))).toEqual(other[0]);
  });

  it("redoes what a mask covers and nothing else", async () => {
    const { page } = await open();
    await ready(page);
    await page.getByRole("radio", { name: "Mask" }).check();
    await page.getByRole("button", { name: "Complete the picture" }).click();
    await page.getByRole("alert").filter({ hasText: "Paint over the part" }).waitFor();
    await page.getByRole("radio", { name: "4 pixels" }).check();
    await stroke(page, [
      [8, 22],
      [24, 22],
    ]);
    // Nothing is missing any more.
    await page.getByRole("alert").waitFor({ state: "detached" });
    await shoot(page, device, "mask");
    await setRange(page, "Samples", 1);
    // On by itself, and off where one wants it.
    const [sample = []] = await complete(page);
    await page.getByText("Fits its surroundings: 8 times the work").waitFor();
    await setRange(page, "Candidates", 1);
    await page.getByText("Fits its surroundings").waitFor({ state: "detached" });
    const input = await pixelsOf(seen(page));
    const changed = Array.from({ length: 1024 }, (_, i) => i).filter((i) =>
      [0, 1, 2].some((c) => sample[i * 4 + c] !== input[i * 4 + c]),
    );
    expect(changed.length).toBeGreaterThan(0);
    for (const i of changed) {
      expect(Math.floor(i / 32)).toBeGreaterThanOrEqual(21);
      expect(Math.floor(i / 32)).toBeLessThanOrEqual(24);
    }
    await shoot(page, device, "mask-completed");
  });

  it("says what is wrong and what to do", async () => {
    const { page } = await open({ path: "/#picture=chelsea&model=no-such-model" });
    await ready(page);
    await press(page);
    const alert = page.getByRole("alert");
    expect(await textOf(alert)).toContain("MODEL_NOT_FOUND");
    expect(await textOf(alert)).toContain("Choose another model");
    await shoot(page, device, "problem");
    await expect.poll(() => samples(page).count()).toBe(4);
  });
});
