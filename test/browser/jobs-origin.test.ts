import { afterAll, expect, it } from "vitest";
import { OriginProcess } from "../origin/process.ts";
import { shoot } from "./lib/browser.ts";
import { ready, setRange } from "./lib/playground.ts";
import { atEachWidth } from "./lib/suite.ts";

const origin = await OriginProcess.start();
afterAll(() => origin.stop());

atEachWidth(
  "jobs on an origin",
  ({ device, open }) => {
    it("shows the contact sheet of more samples than the edge runs", async () => {
      const { page } = await open();
      await ready(page);
      await page.getByRole("button", { name: "A cup of coffee" }).click();
      await setRange(page, "Rows kept", 24);
      await page.getByRole("tab", { name: "Large job" }).click();
      const panel = page.getByRole("tabpanel");
      await panel.getByRole("spinbutton", { name: "Samples" }).fill("48");
      await panel.getByRole("button", { name: "Submit the job" }).click();
      await panel.getByRole("list", { name: "Contact sheet" }).waitFor({ timeout: 150_000 });
      await expect.poll(() => panel.getByRole("list", { name: "Contact sheet" }).getByRole("button").count()).toBe(48);
      await panel
        .getByRole("status")
        .filter({ hasText: /^Done: 48 samples · origin/ })
        .waitFor();
      await shoot(page, device, "job-on-origin");
    });
  },
  { vars: { ORIGIN_URLS: origin.url } },
);
