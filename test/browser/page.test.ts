import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { gzipSync } from "node:zlib";
import type { AxeResults } from "axe-core";
import type { Page } from "playwright-core";
import { expect, it } from "vitest";
import { shoot } from "./lib/browser.ts";
import { complete, finished, ready, samples, setRange, shownRun } from "./lib/playground.ts";
import { atEachWidth } from "./lib/suite.ts";

const AXE = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** axe's findings, one line each. It is evaluated by the debugger, so the page's policy does not bar it. */
async function findings(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() =>
    (window as unknown as { axe: { run: () => Promise<AxeResults> } }).axe.run(),
  );
  return violations.flatMap(({ id, impact, nodes }) =>
    nodes.map((node) => `${impact} ${id}: ${node.target.join(" ")}: ${node.failureSummary}`),
  );
}

atEachWidth("the page", ({ device, open, worker }) => {
  for (const scheme of ["light", "dark"] as const) {
    it(`has nothing that axe objects to, ${scheme}`, async () => {
      const { page } = await open({ scheme });
      await ready(page);
      await page.waitForLoadState("networkidle");
      expect(await findings(page)).toEqual([]);
      await shoot(page, device, `start-${scheme}`);
      await setRange(page, "Rows kept", 30);
      await setRange(page, "Samples", 2);
      await complete(page);
      for (const tab of ["What is it like?", "Large job", "As code", "How sure was it?"]) {
        await page.getByRole("tab", { name: tab }).click();
        await page.waitForLoadState("networkidle");
        expect(await findings(page), tab).toEqual([]);
      }
      for (const tool of ["Mask", "Draw"]) {
        await page.getByRole("radio", { name: tool }).check();
        expect(await findings(page), tool).toEqual([]);
      }
      await page.getByRole("button", { name: "API key" }).click();
      await page.waitForLoadState("networkidle");
      expect(await findings(page), "API key").toEqual([]);
      await shoot(page, device, `key-${scheme}`);
    });
  }

  it("moves between the tabs and closes the dialog by keys", async () => {
    const { page } = await open();
    await ready(page);
    await page.getByRole("tab", { name: "How sure was it?" }).focus();
    await page.keyboard.press("ArrowRight");
    await page.getByRole("tab", { name: "What is it like?", selected: true }).waitFor();
    await page.getByRole("button", { name: "API key" }).click();
    await page.getByRole("dialog", { name: "API key" }).waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
  });

  it("changes between light and dark, and remembers it", async () => {
    const { page } = await open({ scheme: "light" });
    await ready(page);
    const paper = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const light = await paper();
    await page.getByRole("button", { name: "Switch to dark colours" }).click();
    await page.getByRole("button", { name: "Switch to light colours" }).waitFor();
    const dark = await paper();
    expect(dark).not.toBe(light);
    expect(await findings(page)).toEqual([]);
    await shoot(page, device, "chosen-dark");
    await page.reload();
    await ready(page);
    expect(await paper()).toBe(dark);
    await page.getByRole("button", { name: "Switch to light colours" }).click();
    await page.getByRole("button", { name: "Switch to dark colours" }).waitFor();
    expect(await paper()).toBe(light);
    // That is the system's own: it is followed again.
    expect(await page.evaluate(() => localStorage.length)).toBe(0);
    await page.emulateMedia({ colorScheme: "dark" });
    await expect.poll(paper).toBe(dark);
  });

  it("completes a picture by keys alone", async () => {
    const { page } = await open();
    await ready(page);
    const reached = () => page.evaluate(() => document.activeElement?.textContent ?? "");
    await page.getByRole("slider", { name: "Rows kept" }).focus();
    await page.keyboard.press("End");
    for (let i = 0; i < 20 && (await reached()) !== "Complete the picture"; i++) await page.keyboard.press("Tab");
    const before = await shownRun(page);
    await page.keyboard.press("Enter");
    await finished(page, before);
    await expect.poll(() => samples(page).count()).toBe(4);
    // The focus stayed where it was, and the next stop is the other button.
    expect(await reached()).toBe("Complete the picture");
    await page.keyboard.press("Tab");
    expect(await reached()).toBe("Another seed");
  });

  it("says so when the server can't be reached, and goes on when it can", async () => {
    const { page, complaints } = await open();
    await ready(page);
    await setRange(page, "Rows kept", 30);
    await page.route("**/graphql", (route) => route.abort());
    const before = await shownRun(page);
    await page.getByRole("button", { name: "Complete the picture" }).click();
    const alert = page.getByRole("region", { name: "Samples" }).getByRole("alert");
    await alert.filter({ hasText: "Check the connection" }).waitFor();
    await shoot(page, device, "offline");
    await page.unroute("**/graphql");
    await alert.getByRole("button", { name: "Try again" }).click();
    await page.locator(".status-text").filter({ hasText: /^Done/ }).waitFor();
    await finished(page, before);
    // Chromium writes the request that failed into the console.
    expect(complaints.filter((complaint) => !complaint.includes("ERR_FAILED"))).toEqual([]);
    complaints.length = 0;
  });

  it("does not scroll sideways", async () => {
    const { page } = await open({ path: "/#picture=chelsea&keep=31&samples=4" });
    await ready(page);
    await complete(page);
    const widths = () => page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
    const [width, visible] = await widths();
    expect(width).toBe(visible);
    // The narrowest that has to do without.
    await page.setViewportSize({ width: 320, height: 700 });
    await expect.poll(widths).toEqual([320, 320]);
  });

  it("is light, strict and on its own", async () => {
    const response = await worker().request("/");
    const policy = response.headers.get("content-security-policy") ?? "";
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toContain("unsafe");
    const page = await response.text();
    const files = [...page.matchAll(/(?:src|href)="([^"]+\.(?:js|css))"/g)].map(([, path]) => path ?? "");
    expect(files).toHaveLength(2);
    let bytes = 0;
    for (const path of files) {
      const file = await worker().request(path);
      expect(file.headers.get("cache-control")).toContain("immutable");
      bytes += gzipSync(Buffer.from(await file.arrayBuffer())).length;
    }
    expect(bytes).toBeLessThan(100_000);
  });

  it("has GraphiQL in development, from its own files", async () => {
    const { page } = await open({ path: "/graphql" });
    // The query that it begins with completes a picture.
    const answered = page.waitForResponse(
      async (response) =>
        new URL(response.url()).pathname === "/graphql" && (await response.text()).includes("/thumbnails/"),
      { timeout: 120_000 },
    );
    await page
      .getByRole("button", { name: /execute/i })
      .first()
      .click({ timeout: 60_000 });
    await answered;
    await page.getByText('"data"').first().waitFor({ timeout: 60_000 });
    await shoot(page, device, "graphiql");
  });
});
