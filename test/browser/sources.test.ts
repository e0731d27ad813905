import { readFile } from "node:fs/promises";
import type { Page } from "playwright-core";
import { PNG } from "pngjs";
import { expect, it } from "vitest";
import { shoot } from "./lib/browser.ts";
import { overlay, pixelsOf, ready, stage, stroke, textOf } from "./lib/playground.ts";
import { atEachWidth } from "./lib/suite.ts";

const fixture = (name: string) => new URL(`../fixtures/${name}`, import.meta.url);

/** Waits until the stage shows the picture of this name. */
async function shown(page: Page, label: string): Promise<void> {
  await page.getByRole("img", { name: `The picture: ${label}` }).waitFor();
}

/** A drop or a paste, as the browser sends it. */
async function hand(page: Page, type: "drop" | "paste", file: Buffer, mime: string, name: string): Promise<void> {
  await page.evaluate(
    ([kind, base64, fileType, fileName]) => {
      const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
      const transfer = new DataTransfer();
      transfer.items.add(new File([bytes], fileName, { type: fileType }));
      const event =
        kind === "drop"
          ? new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true })
          : new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true });
      document.body.dispatchEvent(event);
    },
    [type, file.toString("base64"), mime, name] as const,
  );
}

atEachWidth("pictures in", ({ device, open }) => {
  it("takes a shipped picture, a file, a drop, a paste and a photo", async () => {
    const { page } = await open();
    await ready(page);
    const first = await pixelsOf(stage(page));
    await page.getByRole("button", { name: "A horse" }).click();
    await shown(page, "A horse");
    const horse = await pixelsOf(stage(page));
    expect(horse).not.toEqual(first);

    await page.locator('input[type="file"]').setInputFiles(fixture("baseline.jpg").pathname);
    await shown(page, "baseline.jpg");
    expect(await pixelsOf(stage(page))).not.toEqual(horse);

    await hand(page, "drop", await readFile(fixture("2000x40.png")), "image/png", "wide.png");
    await shown(page, "wide.png");
    await hand(page, "paste", await readFile(fixture("32x32.png")), "image/png", "");
    await shown(page, "Pasted picture");

    await page.getByRole("button", { name: "Camera" }).click();
    await page.getByRole("button", { name: "Take the photo" }).click();
    await shown(page, "Photo");
    expect(new Set(await pixelsOf(stage(page))).size).toBeGreaterThan(2);
    await shoot(page, device, "photo");
  });

  it("keeps the exact pixels of a 32x32 picture", async () => {
    const { page } = await open();
    await ready(page);
    const picture = new PNG({ width: 32, height: 32 });
    for (let i = 0; i < 1024; i++) picture.data.set([(i * 7) % 256, (i * 13) % 256, (i * 29) % 256, 255], i * 4);
    await hand(page, "drop", PNG.sync.write(picture), "image/png", "exact.png");
    await shown(page, "exact.png");
    expect(await pixelsOf(stage(page))).toEqual([...picture.data]);
  });

  it("pastes what the clipboard holds by its button", async () => {
    const { page } = await open();
    await ready(page);
    await page.evaluate(async () => {
      const canvas = new OffscreenCanvas(32, 32);
      const context = canvas.getContext("2d");
      if (!context) throw new Error("no canvas");
      context.fillStyle = "#0a7";
      context.fillRect(0, 0, 32, 32);
      await navigator.clipboard.write([new ClipboardItem({ "image/png": await canvas.convertToBlob() })]);
    });
    await page.getByRole("button", { name: "Paste" }).click();
    await shown(page, "Pasted picture");
    expect((await pixelsOf(stage(page))).slice(0, 4)).toEqual([0, 170, 119, 255]);
  });

  it("refuses what is no picture, and says so", async () => {
    const { page } = await open();
    await ready(page);
    await hand(page, "drop", Buffer.from("not a picture"), "image/png", "broken.png");
    await page.getByRole("alert").filter({ hasText: "can't be read as a picture" }).waitFor();
    await hand(page, "drop", Buffer.from("%PDF"), "application/pdf", "paper.pdf");
    await page.getByRole("alert").filter({ hasText: "Drop a PNG, JPEG, WebP, GIF or AVIF" }).waitFor();
    await shown(page, "Chelsea the cat");
  });

  it("moves the line by pointer and by keys", async () => {
    const { page } = await open();
    await ready(page);
    const slider = page.getByRole("slider", { name: "Rows kept" });
    const handle = await page.locator(".line-handle").boundingBox();
    const box = await overlay(page).boundingBox();
    if (!handle || !box) throw new Error("no stage");
    await page.mouse.move(handle.x + 40, handle.y + handle.height / 2);
    await page.mouse.down();
    await page.mouse.move(handle.x + 40, box.y + box.height / 4, { steps: 5 });
    await page.mouse.up();
    await expect.poll(() => slider.inputValue()).toBe("8");
    await slider.focus();
    await page.keyboard.press("ArrowRight");
    await expect.poll(() => slider.inputValue()).toBe("9");
    await shoot(page, device, "line");
  });

  it.runIf(device.name === "phone")("moves the line and paints a mask by a finger's taps", async () => {
    const { page } = await open();
    await ready(page);
    const tap = async (x: number, y: number) => {
      const box = await overlay(page).boundingBox();
      if (!box) throw new Error("no stage");
      await overlay(page).tap({ position: { x: ((x + 0.5) / 32) * box.width, y: ((y + 0.5) / 32) * box.height } });
    };
    await tap(10, 5);
    await expect.poll(() => page.getByRole("slider", { name: "Rows kept" }).inputValue()).toBe("5");
    await page.getByRole("radio", { name: "Mask" }).check();
    await page.getByRole("radio", { name: "1 pixel" }).check();
    await tap(3, 20);
    await tap(28, 9);
    await page.getByText("2 pixels to redo").waitFor();
  });

  it("paints a mask by pointer and by keys", async () => {
    const { page } = await open();
    await ready(page);
    await page.getByRole("radio", { name: "Mask" }).check();
    await page.getByRole("radio", { name: "1 pixel" }).check();
    await stroke(page, [
      [4, 10],
      [13, 10],
    ]);
    await page.getByText("10 pixels to redo").waitFor();
    await page.getByRole("button", { name: "Keep again" }).click();
    await stroke(page, [
      [4, 10],
      [6, 10],
    ]);
    await page.getByText("7 pixels to redo").waitFor();
    await page.getByRole("button", { name: "Invert" }).click();
    await page.getByText("1017 pixels to redo").waitFor();
    await page.getByRole("button", { name: "Clear" }).click();

    await page.getByRole("button", { name: "Keep again" }).click();
    await overlay(page).focus();
    await page.keyboard.press("Space");
    for (let i = 0; i < 3; i++) await page.keyboard.press("Shift+ArrowDown");
    await page.getByText("4 pixels to redo").waitFor();
    await expect.poll(() => textOf(page.locator("#stage-cursor"))).toBe("Row 20, column 17, redone");
  });

  it("draws, fills and takes back", async () => {
    const { page } = await open();
    await ready(page);
    await page.getByRole("radio", { name: "Draw" }).check();
    await page.getByRole("button", { name: "White" }).click();
    await page.getByRole("button", { name: "New in this colour" }).click();
    await page.getByRole("radio", { name: "1 pixel" }).check();
    await page.getByRole("button", { name: "Black" }).click();
    await stroke(page, [
      [0, 10],
      [31, 10],
    ]);
    await page.getByRole("button", { name: "Blue" }).click();
    await page.getByRole("button", { name: "Fill" }).click();
    await stroke(page, [[5, 20]]);
    const at = async (x: number, y: number) =>
      (await pixelsOf(stage(page))).slice((y * 32 + x) * 4, (y * 32 + x) * 4 + 3);
    // The canvas is painted after the click has returned.
    const becomes = (x: number, y: number, colour: number[]) => expect.poll(() => at(x, y)).toEqual(colour);
    await becomes(31, 31, [40, 75, 170]);
    await becomes(31, 10, [20, 20, 24]);
    await becomes(31, 9, [255, 255, 255]);
    await page.getByRole("button", { name: "Undo" }).click();
    await becomes(31, 31, [255, 255, 255]);
    await becomes(31, 10, [20, 20, 24]);
  });
});
