import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Page } from "playwright-core";
import { expect, it } from "vitest";
import { shoot } from "./lib/browser.ts";
import { complete, pixelsOf, ready, seedOf, setRange, stage, stroke, textOf } from "./lib/playground.ts";
import { atEachWidth } from "./lib/suite.ts";

const run = promisify(execFile);

async function clipboard(page: Page): Promise<string> {
  return page.evaluate(() => navigator.clipboard.readText());
}

async function linkOf(page: Page): Promise<URL> {
  await page.getByRole("button", { name: "Copy link" }).click();
  await page.getByRole("button", { name: "Copied" }).waitFor();
  await expect.poll(() => clipboard(page)).toMatch(/^http/);
  return new URL(await clipboard(page));
}

atEachWidth("sharing", ({ device, open }) => {
  it("restores picture, settings and samples from a link", async () => {
    const { page } = await open();
    await ready(page);
    await page.getByRole("button", { name: "A cup of coffee" }).click();
    await setRange(page, "Rows kept", 29);
    await setRange(page, "Samples", 2);
    await setRange(page, "Temperature", 0.9);
    await setRange(page, "Top-p", 0.95);
    await setRange(page, "Top-k", 40);
    const made = await complete(page);
    const link = await linkOf(page);
    const { page: other } = await open({ path: `/${link.hash}` });
    await ready(other);
    await other.getByRole("img", { name: "The picture: A cup of coffee" }).waitFor();
    for (const [label, value] of [
      ["Rows kept", "29"],
      ["Samples", "2"],
      ["Temperature", "0.9"],
      ["Top-p", "0.95"],
      ["Top-k", "40"],
    ] as const) {
      expect(await other.getByRole("slider", { name: label }).inputValue(), label).toBe(value);
    }
    expect(await other.getByRole("spinbutton", { name: "Seed" }).inputValue()).toBe(String(await seedOf(page)));
    expect(await complete(other)).toEqual(made);
  });

  it("restores a drawing and a mask from a link", async () => {
    const { page } = await open();
    await ready(page);
    await page.getByRole("radio", { name: "Draw" }).check();
    await page.getByRole("button", { name: "Pink" }).click();
    await stroke(page, [
      [3, 3],
      [20, 9],
    ]);
    await page.getByRole("radio", { name: "Mask" }).check();
    await stroke(page, [
      [8, 30],
      [24, 30],
    ]);
    await setRange(page, "Samples", 1);
    await setRange(page, "Candidates", 3);
    const made = await complete(page);
    const link = await linkOf(page);
    expect(link.hash).toContain("image=");
    expect(link.hash).toContain("candidates=3");
    const { page: other } = await open({ path: `/${link.hash}` });
    await ready(other);
    await other.getByRole("img", { name: "The picture: From a link" }).waitFor();
    expect(await other.getByRole("radio", { name: "Mask" }).isChecked()).toBe(true);
    expect(await complete(other)).toEqual(made);
    await shoot(other, device, "from-a-link");
    expect((await pixelsOf(stage(other))).length).toBe(4096);
  });

  it("gives the request as curl and as TypeScript, and both run", async () => {
    const { page } = await open();
    await ready(page);
    await setRange(page, "Rows kept", 30);
    await setRange(page, "Samples", 1);
    await page.getByRole("spinbutton", { name: "Seed" }).fill("11");
    await page.getByRole("tab", { name: "As code" }).click();
    // What is shown is told apart by the text that only it has, and copied is what is shown.
    const copied = async (part: string, notPart?: string) => {
      const texts = { hasText: part, ...(notPart ? { hasNotText: notPart } : {}) };
      const shown = page.getByRole("tabpanel").locator("pre").filter(texts);
      const text = await textOf(shown);
      await page.getByRole("tabpanel").getByRole("button", { name: "Copy" }).click();
      await page.getByRole("tabpanel").getByRole("button", { name: "Copied" }).waitFor();
      await expect.poll(() => clipboard(page)).toBe(text);
      return text;
    };
    const live = await run("bash", ["-c", await copied("subscription")]);
    const events = [...live.stdout.matchAll(/^data: ?(\{.*\})$/gm)].map(
      ([, json]) => JSON.parse(json ?? "") as LiveEvent,
    );
    expect(events.at(-1)?.data.complete.completion).toMatchObject({ seed: 11, keepRows: 30 });
    await shoot(page, device, "as-curl");

    await page.getByRole("checkbox", { name: "Row by row" }).uncheck();
    const waited = JSON.parse((await run("bash", ["-c", await copied("curl", "subscription")])).stdout) as Answered;
    expect(waited.data.complete.samples[0]?.image.url).toMatch(/^http.*width=256/);

    await page.getByRole("radio", { name: "TypeScript" }).check();
    const folder = await mkdtemp(join(tmpdir(), "igpt-snippet-"));
    try {
      await writeFile(join(folder, "wait.mts"), await copied("await fetch", "subscription"));
      expect((await run(process.execPath, [join(folder, "wait.mts")])).stdout).toContain(
        waited.data.complete.samples[0]?.image.url,
      );
      await page.getByRole("checkbox", { name: "Row by row" }).check();
      await writeFile(join(folder, "live.mts"), await copied("subscription", "curl"));
      expect((await run(process.execPath, [join(folder, "live.mts")])).stdout).toMatch(/row \d+ of \d+/);
    } finally {
      await rm(folder, { recursive: true });
    }
    await shoot(page, device, "as-typescript");
  });
});

interface LiveEvent {
  data: { complete: { completion: { seed: number; keepRows: number } | null } };
}

interface Answered {
  data: { complete: { samples: { image: { url: string } }[] } };
}
