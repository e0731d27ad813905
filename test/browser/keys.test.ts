import { expect, it } from "vitest";
import { bearer, issueKey } from "../access/admin.ts";
import { shoot } from "./lib/browser.ts";
import { complete, press, ready, setRange, textOf } from "./lib/playground.ts";
import { atEachWidth } from "./lib/suite.ts";

// As in production: without a key nothing is allowed. Chromium writes refused requests into the console as errors.
const REFUSED = /status of 401/;

atEachWidth(
  "keys",
  ({ device, open, worker }) => {
    it("asks for a key, uses it, shows what it has used, and forgets it", async () => {
      const { secret } = await issueKey(worker(), {
        name: "Ada",
        scopes: ["COMPLETE", "EMBED", "JOBS"],
        requestsPerMinute: 60,
        pixelsPerMonth: 100_000,
      });
      const { page, complaints } = await open();
      await ready(page);
      await press(page);
      const alert = page.getByRole("region", { name: "Samples" }).getByRole("alert");
      expect(await textOf(alert)).toContain("UNAUTHENTICATED");
      await alert.getByRole("button", { name: "Enter a key" }).click();
      const dialog = page.getByRole("dialog", { name: "API key" });
      await dialog.getByLabel(/^Your key/).fill("igpt_sk_mistyped");
      await dialog.getByRole("button", { name: "Use this key" }).click();
      await dialog.getByRole("alert").filter({ hasText: "does not accept this key" }).waitFor();
      // One is where the next key goes.
      await expect.poll(() => page.evaluate(() => document.activeElement?.getAttribute("type"))).toBe("password");
      expect(await dialog.getByRole("button", { name: "Enter a key" }).count()).toBe(0);
      await dialog.getByLabel(/^Your key/).fill(secret);
      await dialog.getByRole("button", { name: "Use this key" }).click();
      await dialog.getByRole("heading", { name: "Ada" }).waitFor();
      await page.keyboard.press("Escape");

      await setRange(page, "Rows kept", 30);
      await setRange(page, "Samples", 1);
      await complete(page);
      // What was drawn is settled a moment after the answer.
      const usage = "{ viewer { usage { pixelsThisMonth } } }";
      await expect
        .poll(() => worker().data(usage, {}, bearer(secret)))
        .toEqual({ viewer: { usage: { pixelsThisMonth: 64 } } });
      await page.getByRole("button", { name: "Key & usage" }).click();
      await dialog.getByText("64 of 100,000").waitFor();
      await shoot(page, device, "usage");

      // The key is kept for the tab: a reload keeps it, another tab has none.
      await page.reload();
      await page.getByRole("button", { name: "Key & usage" }).click();
      await dialog.getByRole("heading", { name: "Ada" }).waitFor();
      await dialog.getByRole("button", { name: "Forget it" }).click();
      await dialog.getByRole("alert").filter({ hasText: "UNAUTHENTICATED" }).waitFor();
      expect(await page.evaluate(() => [sessionStorage.length, localStorage.length])).toEqual([0, 0]);

      const refusals = complaints.filter((complaint) => REFUSED.test(complaint));
      expect(refusals.length).toBeGreaterThan(0);
      complaints.splice(0, complaints.length, ...complaints.filter((complaint) => !REFUSED.test(complaint)));
    });
  },
  { vars: { ANONYMOUS_SCOPES: "" } },
);
