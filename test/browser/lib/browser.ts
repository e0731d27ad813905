import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { ROOT } from "../../../lib/root.ts";

/** Where screenshots are kept; not in version control. */
export const ARTIFACTS = join(ROOT, "artifacts", "browser");

export interface Device {
  name: "desktop" | "phone";
  width: number;
  height: number;
}

/** Every flow is tested at both widths. */
export const DEVICES: readonly Device[] = [
  { name: "desktop", width: 1280, height: 900 },
  { name: "phone", width: 390, height: 844 },
];

/** Debian's Chromium; another one by CHROMIUM. The camera is Chromium's own test picture. */
export async function launch(): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--use-fake-device-for-media-stream",
      "--use-fake-ui-for-media-stream",
    ],
  });
}

export interface OpenOptions {
  scheme?: "light" | "dark";
  /** Path and fragment. */
  path?: string;
}

export interface OpenPage {
  page: Page;
  context: BrowserContext;
  /** What no page may do: policy violations, exceptions, errors in the console, requests to others. */
  complaints: string[];
}

/** A page of its own context, its console and requests watched. */
export async function open(
  browser: Browser,
  origin: string,
  device: Device,
  options: OpenOptions = {},
): Promise<OpenPage> {
  const context = await browser.newContext({
    viewport: { width: device.width, height: device.height },
    colorScheme: options.scheme ?? "light",
    // Without smooth scrolling a place on the page stays where it was measured.
    reducedMotion: "reduce",
    isMobile: device.name === "phone",
    hasTouch: device.name === "phone",
    acceptDownloads: true,
    permissions: ["clipboard-read", "clipboard-write", "camera"],
  });
  const page = await context.newPage();
  page.setDefaultTimeout(45_000);
  const complaints: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error") complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("request", (request) => {
    const { origin: to, protocol } = new URL(request.url());
    if (protocol.startsWith("http") && to !== new URL(origin).origin) complaints.push(`request to ${to}`);
  });
  await page.goto(new URL(options.path ?? "/", origin).href);
  return { page, context, complaints };
}

/** Keeps a picture of the whole page, for people to look at. */
export async function shoot(page: Page, device: Device, name: string): Promise<void> {
  await mkdir(ARTIFACTS, { recursive: true });
  await page.screenshot({ path: join(ARTIFACTS, `${name}-${device.name}.png`), fullPage: true });
}
