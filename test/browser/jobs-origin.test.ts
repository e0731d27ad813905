import { afterAll, expect, it } from "vitest";
import { OriginProcess } from "../origin/process.ts";
import { shoot } from "./lib/browser.ts";
import { jobPanel, ready } from "./lib/playground.ts";
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
      const panel = await jobPanel(page, { rowsKept: 24, samples: 48 });
      await panel.getByRole("button", { name: "Submit the job" }).click();
      await panel.getByRole("list", { name: "Contact sheet" }).waitFor({ timeout: 150_000 });
      await expect.poll(() => panel.getByRole("list", { name: "Contact sheet" }).getByRole("button").count()).toBe(48);
      await panel
        .getByRole("status")
        .filter({ hasText: /^Done: 48 samples · origin/ })
        .waitFor();
      await shoot(page, device, "job-on-origin");
    });

    it("says what a job waits for", async () => {
      const { page } = await open();
      await ready(page);
      const panel = await jobPanel(page, { rowsKept: 16, samples: 48 });
      await origin.stop("SIGKILL");
      try {
        await panel.getByRole("button", { name: "Submit the job" }).click();
        await panel.getByText(/being tried again: .* the origin cannot be reached/).waitFor({ timeout: 60_000 });
        await shoot(page, device, "job-waiting");
        await panel.getByRole("button", { name: "Cancel the job" }).click();
        await panel
          .getByRole("status")
          .filter({ hasText: /^Cancelled/ })
          .waitFor();
        expect(await panel.getByText("being tried again").count()).toBe(0);
      } finally {
        await origin.start();
      }
    });
  },
  { vars: { ORIGIN_URLS: origin.url } },
);
