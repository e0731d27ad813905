import { readFile } from "node:fs/promises";
import { PNG } from "pngjs";
import { expect, it } from "vitest";
import { shoot } from "./lib/browser.ts";
import { jobPanel, ready } from "./lib/playground.ts";
import { atEachWidth } from "./lib/suite.ts";

atEachWidth("large jobs", ({ device, open }) => {
  it("submits one, follows it, shows and saves the contact sheet, and finds it again", async () => {
    const { page } = await open();
    await ready(page);
    const panel = await jobPanel(page, { rowsKept: 30, samples: 10 });
    await panel.getByRole("button", { name: "Submit the job" }).click();
    const state = panel.getByRole("status");
    await state.filter({ hasText: /^(Waiting|Drawing|Done): 10 samples/ }).waitFor();
    await shoot(page, device, "job-running");
    await state.filter({ hasText: /^Done: 10 samples/ }).waitFor({ timeout: 120_000 });
    const sheet = panel.getByRole("list", { name: "Contact sheet" }).getByRole("button");
    await expect.poll(() => sheet.count()).toBe(10);
    await shoot(page, device, "contact-sheet");

    const [download] = await Promise.all([
      page.waitForEvent("download"),
      panel.getByRole("button", { name: "Save the contact sheet" }).click(),
    ]);
    const png = PNG.sync.read(await readFile(await download.path()));
    expect([png.width, png.height]).toEqual([10 * 68 - 4, 64]);

    await panel.getByRole("button", { name: "Likeliest first" }).click();
    const natsShown = async () =>
      (await sheet.evaluateAll((buttons) => buttons.map((button) => button.getAttribute("title") ?? ""))).map((title) =>
        Number(/: ([\d.]+)/.exec(title)?.[1]),
      );
    const sorted = (await natsShown()).toSorted((a, b) => a - b);
    expect(sorted.every(Number.isFinite)).toBe(true);
    await expect.poll(natsShown).toEqual(sorted);

    await page.reload();
    await page.getByRole("tab", { name: "Large job" }).click();
    await sheet.first().waitFor();
    await state.filter({ hasText: /^Done: 10 samples/ }).waitFor();
  });

  it("sends a submission again that did not arrive", async () => {
    const { page, complaints } = await open();
    await ready(page);
    const panel = await jobPanel(page, { rowsKept: 31, samples: 3 });
    const keys: unknown[] = [];
    await page.route("**/graphql", (route) => {
      const body: { variables?: { idempotencyKey?: string } } = route.request().postDataJSON();
      const key = body.variables?.idempotencyKey;
      if (key) keys.push(key);
      return key && keys.length === 1 ? route.abort() : route.continue();
    });
    await panel.getByRole("button", { name: "Submit the job" }).click();
    const alert = panel.getByRole("alert").filter({ hasText: "can't be reached" });
    await alert.getByRole("button", { name: "Try again" }).click();
    await panel
      .getByRole("status")
      .filter({ hasText: /^Done: 3 samples/ })
      .waitFor({ timeout: 120_000 });
    expect(keys).toEqual([keys[0], keys[0]]);
    // Chromium writes the request that failed into the console.
    expect(complaints.filter((complaint) => !complaint.includes("ERR_FAILED"))).toEqual([]);
    complaints.length = 0;
  });

  it("tries again what failed last, not a submission that was lost before", async () => {
    const { page, complaints } = await open();
    await ready(page);
    const panel = await jobPanel(page, { rowsKept: 0, samples: 16 });
    let submissions = 0;
    let cancellations = 0;
    await page.route("**/graphql", (route) => {
      const { query }: { query: string } = route.request().postDataJSON();
      const lost = query.includes("submitCompletion")
        ? ++submissions === 2
        : query.includes("cancelCompletion") && ++cancellations < 3;
      return lost ? route.abort() : route.continue();
    });
    const submit = panel.getByRole("button", { name: "Submit the job" });
    const cancel = panel.getByRole("button", { name: "Cancel the job" });
    const alert = panel.getByRole("alert").filter({ hasText: "can't be reached" });
    await submit.click();
    await cancel.click();
    await alert.waitFor();
    await submit.click();
    await expect.poll(() => submissions).toBe(2);
    await alert.waitFor();
    await cancel.click();
    await expect.poll(() => cancellations).toBe(2);
    await alert.getByRole("button", { name: "Try again" }).click();
    await panel
      .getByRole("status")
      .filter({ hasText: /^Cancelled/ })
      .waitFor({ timeout: 60_000 });
    expect([submissions, cancellations]).toEqual([2, 3]);
    expect(complaints.filter((complaint) => !complaint.includes("ERR_FAILED"))).toEqual([]);
    complaints.length = 0;
  });

  it("cancels one", async () => {
    const { page } = await open();
    await ready(page);
    const panel = await jobPanel(page, { rowsKept: 0, samples: 16 });
    await panel.getByRole("button", { name: "Submit the job" }).click();
    await panel.getByRole("button", { name: "Cancel the job" }).click();
    await panel
      .getByRole("status")
      .filter({ hasText: /^Cancelled/ })
      .waitFor({ timeout: 60_000 });
    await shoot(page, device, "job-cancelled");
  });
});
