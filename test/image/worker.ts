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
const turns = new Turns({ light });
/** Whether /compute goes on, and the turns that it has taken. */
let computing = false;
let taken = 0;
const budget = new MemoryBudget({ capacity: 96 * 2 ** 20 });

app.use(async (c, next) => {
  const images: ImageContext = {
    bucket: c.env.BUCKET,
    admission: budget,
    turns,
    fetch: (input, init) => fetch(input, init),
    resolver: async () => [],
  };
  c.set("services", { images, light, renditions } as AppEnv["Variables"]["services"]);
  await next();
});
app.post("/compute", async (c) => {
  computing = true;
  while (computing) {
    await turns.take(() => {
      taken++;
      compute();
    });
  }
  return c.text("done");
});
app.delete("/compute", (c) => {
  computing = false;
  return c.text("ended");
});
/** Turns that were taken since the Worker began. */
app.get("/compute", (c) => c.json(taken));
/** A request that needs twenty trips round the event loop; with `?light` it says so. @returns turns taken meanwhile */
app.get("/trips", async (c) => {
  const before = taken;
  const isLight = c.req.query("light") !== undefined;
  const work = async () => {
    for (let i = 0; i < 20; i++) {
      await new Promise((resolve) => setTimeout(resolve, 0));
      if (isLight) light.step();
    }
  };
  await (isLight ? light.do(work) : work());
  return c.json(taken - before);
});
app.route("/", thumbnails);
app.post("/read", async (c) => {
  const before = sizes();
  const url = c.req.query("url");
  const input = url === undefined ? { file: new Blob([await c.req.arrayBuffer()]) } : { url };
  const context = c.get("services").images;
  try {
    const picture = await readPicture(input, 32, context);
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

/** Some 20 ms of arithmetic, as a turn of a real model. */
function compute(): void {
  let x = 0;
  for (let i = 0; i < 1e7; i++) x += Math.sqrt(i);
  if (x < 0) throw new Error("never");
}

export default app;
