import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect } from "vitest";
import { startWorker, type TestWorker, type TestWorkerOptions } from "../../harness.ts";
import { DEVICES, type Device, launch, type OpenOptions, type OpenPage, open } from "./browser.ts";

export interface Suite {
  device: Device;
  worker: () => TestWorker;
  /** A page at the suite's width; closed after the test, which fails if the page complained. */
  open: (options?: OpenOptions) => Promise<OpenPage>;
  browser: () => Browser;
}

/** Runs the same tests at each width, against one Worker and one browser a file. */
export function atEachWidth(title: string, tests: (suite: Suite) => void, options: TestWorkerOptions = {}): void {
  let worker: TestWorker | undefined;
  let browser: Browser | undefined;
  const started = <T>(value: T | undefined): T => {
    if (value === undefined) throw new Error("This is there only while tests run.");
    return value;
  };
  beforeAll(async () => {
    worker = await startWorker(options);
    browser = await launch();
  });
  afterAll(async () => {
    await browser?.close();
    await worker?.close();
  });
  describe.each(DEVICES)(`${title}, $name`, (device) => {
    let pages: OpenPage[] = [];
    afterEach(async () => {
      const complaints = pages.flatMap((page) => page.complaints);
      await Promise.all(pages.map(({ context }) => context.close()));
      pages = [];
      expect(complaints).toEqual([]);
    });
    tests({
      device,
      worker: () => started(worker),
      browser: () => started(browser),
      open: async (openOptions) => {
        const page = await open(started(browser), started(worker).url.href, device, openOptions);
        pages.push(page);
        return page;
      },
    });
  });
}
