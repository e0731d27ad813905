import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { build } from "esbuild";
import { Window } from "happy-dom";
import { beforeAll, expect, it, vi } from "vitest";
import { bundle } from "../../examples/react/bundle.ts";
import { ROOT } from "../../lib/root.ts";
import { bearer, issueKey } from "../access/admin.ts";
import { type SharedWorker, sharedWorker } from "../shared-worker.ts";

const ORIGIN = "http://127.0.0.1:5173";
let worker: SharedWorker;
beforeAll(async () => {
  worker = await sharedWorker("closed");
});

it("the page, bundled and run in a DOM, completes the picture that is picked, with a publishable key", async () => {
  const { secret } = await issueKey(worker, { kind: "PUBLISHABLE", allowedOrigins: [ORIGIN], scopes: ["COMPLETE"] });
  const endpoint = new URL("/graphql", worker.url).href;
  const { outputFiles } = await build(bundle(endpoint, secret));
  const page = await readFile(join(ROOT, "examples/react/index.html"), "utf8");

  // A page of its own origin: the DOM's fetch asks by preflight, and is answered by the key's allowed origins.
  const window = new Window({
    url: `${ORIGIN}/`,
    settings: { enableJavaScriptEvaluation: true, suppressInsecureJavaScriptEnvironmentWarning: true },
  });
  const { document } = window;
  try {
    document.write(page.replace(/<script.*<\/script>/, ""));
    window.eval(`(() => {${outputFiles[0]?.text}})()`);
    const input = await vi.waitFor(() => {
      const found = document.querySelector("input");
      if (!found) throw new Error("no input yet");
      return found;
    }, 30_000);
    const photo = await readFile(join(ROOT, "web/pictures/chelsea.jpg"));
    const file = new window.File([photo], "chelsea.jpg", { type: "image/jpeg" });
    Object.defineProperty(input, "files", { value: [file] });
    input.dispatchEvent(new window.Event("change", { bubbles: true }));

    await vi.waitFor(() => {
      const alert = document.querySelector("[role=alert]")?.textContent;
      if (alert) throw new Error(alert);
      expect(document.querySelectorAll("img")).toHaveLength(5);
    }, 90_000);
    const pictures = [...document.querySelectorAll("img")].map(({ src, alt }) => ({ src, alt }));
    expect(pictures.map(({ alt }) => alt)).toEqual([
      "As the model sees it",
      ...[1, 2, 3, 4].map((i) => expect.stringMatching(`^Sample ${i}, [0-9.]+ nats per pixel$`)),
    ]);
    for (const { src } of pictures) expect((await fetch(src)).headers.get("content-type")).toBe("image/png");
  } finally {
    await window.happyDOM.close();
  }
  // The key is nothing to another page.
  const elsewhere = await worker.ask("{ models { id } }", {}, { ...bearer(secret), origin: "https://evil.example" });
  expect(elsewhere.errors[0]?.extensions.code).toBe("FORBIDDEN");
});
