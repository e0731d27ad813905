/** For tests: the image folder in workerd, without a model, and what WASM memory it took. */
import { Hono } from "hono";
import { MemoryBudget } from "../../src/admission/budget.ts";
import { UserError } from "../../src/errors.ts";
import type { AppEnv } from "../../src/http/app-env.ts";
import { HotRenditions } from "../../src/http/hot-renditions.ts";
import { thumbnails } from "../../src/http/thumbnails.ts";
import { dataUri, type ImageContext, imageUrl, readPicture, storePicture, thumbhash } from "../../src/image/index.ts";
import { LightWork } from "../../src/scheduling/light-work.ts";
import { Turns } from "../../src/scheduling/turns.ts";

const memories: WeakRef<WebAssembly.Memory>[] = [];

// Every codec's memory passes here, so that its peak can be read after the work.
const Instance = WebAssembly.Instance;
WebAssembly.Instance = new Proxy(Instance, {
  construct(target, [module, imports]: [WebAssembly.Module, WebAssembly.Imports?]) {
    const instance = new target(module, imports);
    for (const value of Object.values(instance.exports)) {
      if (value instanceof WebAssembly.Memory) memories.push(new WeakRef(value));
    }
    return instance;
  },
});

/** Every memory that is alive, and its bytes now. */
function sizes(): Map<WebAssembly.Memory, number> {
  const alive = memories.map((memory) => memory.deref()).filter((memory) => memory !== undefined);
  return new Map(alive.map((memory) => [memory, memory.buffer.byteLength]));
}

/** By how much the memory that grew most has grown; a new one from nothing. */
function growth(before: Map<WebAssembly.Memory, number>): number {
  return Math.max(0, ...[...sizes()].map(([memory, bytes]) => bytes - (before.get(memory) ?? 0)));
}

const app = new Hono<AppEnv>();
const light = new LightWork();
const renditions = new HotRenditions(2 ** 20);
const budget = new MemoryBudget({ capacity: 96 * 2 ** 20 });

app.use(async (c, next) => {
  const images: ImageContext = {
    bucket: c.env.BUCKET,
    admission: budget,
    turns: new Turns(),
    fetch: (input, init) => fetch(input, init),
    resolver: async () => [],
  };
  c.set("services", { images, light, renditions } as AppEnv["Variables"]["services"]);
  await next();
});
app.route("/", thumbnails);
app.post("/read", async (c) => {
  const before = sizes();
  const url = c.req.query("url");
  const input = url === undefined ? { file: new Blob([await c.req.arrayBuffer()]) } : { url };
  const context = c.get("services").images;
  try {
    const picture = await readPicture(input, context);
    const peak = growth(before);
    const id = await storePicture(picture, context);
    return c.json({
      rgb: Array.from(picture.rgb),
      id,
      url: imageUrl(c.req.url, id, 256, "webp"),
      dataUri: dataUri(picture),
      thumbhash: thumbhash(picture),
      peak,
    });
  } catch (error) {
    if (error instanceof UserError)
      return c.json({ code: error.code, message: error.message, peak: growth(before) }, 400);
    throw error;
  }
});

export default app;
