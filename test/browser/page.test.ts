import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { gzipSync } from "node:zlib";
import type { AxeResults } from "axe-core";
import type { Page } from "playwright-core";
import { expect, it } from "vitest";
import { shoot } from "./lib/browser.ts";
import { complete, ready, setRange, textOf } from "./lib/playground.ts";
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
    expect(await textOf(page.getByRole("tab", { selected: true }))).toBe("What is it like?");
    await page.getByRole("button", { name: "API key" }).click();
    await page.getByRole("dialog", { name: "API key" }).waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
  });

  it("does not scroll sideways", async () => {
    const { page } = await open();
    await ready(page);
    const [width, visible] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
    expect(width).toBe(visible);
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
    await page
      .getByRole("button", { name: /execute/i })
      .first()
      .click({ timeout: 30_000 });
    await page.getByText("igpt-cifar10").first().waitFor();
    await shoot(page, device, "graphiql");
  });
});
