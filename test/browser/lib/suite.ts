import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect } from "vitest";
import { startWorker, type TestWorker, type TestWorkerOptions } from "../../harness.ts";
import { type SharedWorker, sharedWorker } from "../../shared-worker.ts";
import { DEVICES, type Device, launch, type OpenOptions, type OpenPage, open } from "./browser.ts";

export interface Suite {
  device: Device;
  worker: () => SharedWorker;
  /** A page at the suite's width; closed after the test, which fails if the page complained. */
  open: (options?: OpenOptions) => Promise<OpenPage>;
  browser: () => Browser;
}

/**
 * Runs the same tests at each width, in one browser a file.
 * @param options of a Worker of the file's own; default: the one that all files share
 */
export function atEachWidth(title: string, tests: (suite: Suite) => void, options?: TestWorkerOptions): void {
  let own: TestWorker | undefined;
  let worker: SharedWorker | undefined;
  let browser: Browser | undefined;
  const started = <T>(value: T | undefined): T => {
    if (value === undefined) throw new Error("This is there only while tests run.");
    return value;
  };
  beforeAll(async () => {
    if (options) own = await startWorker(options);
    worker = own ?? (await sharedWorker("open"));
    browser = await launch();
  });
  afterAll(async () => {
    await browser?.close();
    await own?.close();
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
