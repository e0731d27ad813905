import { type Context, Hono } from "hono";
import { cors } from "hono/cors";
import {
  type Filter,
  findPicture,
  findSignedPicture,
  type ImageFormat,
  isPictureId,
  isWidth,
  type Picture,
  parsePrivateId,
  type Rendered,
  renderPicture,
  widthsOf,
} from "../image/index.ts";
import type { AppEnv } from "./app-env.ts";

/** What a request asks for: all that a rendition's bytes depend on. */
interface Rendition {
  id: string;
  format: ImageFormat;
  /** Default: the picture's own. */
  width: number | undefined;
  filter: Filter;
}

/** Part of every ETag: to be raised when the encoders or filters give other bytes. */
const VERSION = 2;

const CACHE_FOR_EVER = "public, max-age=31536000, immutable";
/** A picture may be stored a moment after somebody asked for it. */
const CACHE_MISSING = "public, max-age=10";

const WIDTH = /^[1-9][0-9]{0,3}$/;
const FILE = /^([^.]+)\.(png|webp|jpg)$/;

export const thumbnails = new Hono<AppEnv>();

thumbnails.use("/thumbnails/*", cors({ origin: "*", allowMethods: ["GET", "HEAD"], exposeHeaders: ["ETag"] }));
thumbnails.use("/thumbnails/*", async (c, next) => {
  await c.var.services.light.do(next);
  if (!isPlain(new URL(c.req.url))) c.header("Cloudflare-CDN-Cache-Control", "no-store");
  c.header("Cross-Origin-Resource-Policy", "cross-origin");
  c.header("X-Content-Type-Options", "nosniff");
  c.header("Content-Security-Policy", "default-src 'none'; sandbox");
});

/** GET and HEAD (which hono answers by GET without the body). Neither inference nor a database is on this path. */
thumbnails.get("/thumbnails/:file", async (c) => {
  const rendition = parse(c.req.param("file"), new URL(c.req.url).searchParams);
  if (typeof rendition === "string") return problem(c, 400, "BAD_OPTION", rendition, "no-store");
  if (parsePrivateId(rendition.id)) return servePrivate(c, rendition);
  return isPictureId(rendition.id) ? servePublic(c, rendition) : missing(c);
});

thumbnails.all("/thumbnails/:file", (c) => {
  c.header("Allow", "GET, HEAD");
  return problem(c, 405, "BAD_OPTION", "Thumbnails accept only GET and HEAD.", "no-store");
});

/** From the isolate's memory, the location's cache, or the bucket's picture. */
async function servePublic(c: Context<AppEnv>, rendition: Rendition): Promise<Response> {
  const etag = etagOf(rendition);
  const key = cacheKey(c.req.url, rendition);
  const { light, images, renditions } = c.var.services;
  const share = (rendered: Rendered) => {
    const kept = edgeCache()?.put(key, respond(rendered, etag, CACHE_FOR_EVER));
    if (kept) c.executionCtx.waitUntil(kept);
  };
  const hot = renditions.get(key, share);
  if (hot) return notModified(c, etag) ?? respond(hot, etag, CACHE_FOR_EVER);
  const cached = await fromEdgeCache(key);
  light.step();
  if (cached) {
    renditions.keep(key, cached, { shared: true });
    return notModified(c, etag) ?? respond(cached, etag, CACHE_FOR_EVER);
  }

  const picture = await findPicture(rendition.id, images);
  light.step();
  if (!picture) return missing(c);
  const unchanged = notModified(c, etag);
  if (unchanged) return unchanged;
  const rendered = render(picture, rendition);
  if (typeof rendered === "string") return problem(c, 400, "BAD_OPTION", rendered, "no-store");
  if (!renditions.keep(key, rendered, { shared: false })) share(rendered);
  return respond(rendered, etag, CACHE_FOR_EVER);
}

/** A picture of a key's own, by a signed URL: kept by no shared cache, and missing to all others. */
async function servePrivate(c: Context<AppEnv>, rendition: Rendition): Promise<Response> {
  const query = new URL(c.req.url).searchParams;
  const found = await findSignedPicture(rendition.id, query, c.get("services").images);
  if (!found) return problem(c, 404, "NOT_FOUND", "There is no picture with this id.", "no-store");
  const etag = etagOf(rendition);
  const caching = `private, max-age=${found.seconds}`;
  const unchanged = notModified(c, etag, caching);
  if (unchanged) return unchanged;
  const rendered = render(found.picture, rendition);
  if (typeof rendered === "string") return problem(c, 400, "BAD_OPTION", rendered, "no-store");
  return respond(rendered, etag, caching);
}

/** The rendition, or what is wrong with the request. */
function parse(file: string, query: URLSearchParams): Rendition | string {
  const [, id, format] = FILE.exec(file) ?? [];
  if (!id || !isFormat(format)) return "A thumbnail's path is /thumbnails/{image id}.png, .webp or .jpg.";
  const width = query.get("width");
  if (width !== null && !WIDTH.test(width)) return "width must be a whole number, such as 256.";
  const filter = query.get("filter") ?? "nearest";
  if (filter !== "nearest" && filter !== "smooth") return "filter must be nearest or smooth.";
  return { id, format, width: width === null ? undefined : Number(width), filter };
}

/** The bytes, or what is wrong with the width: which ones there are depends on the picture. */
function render(picture: Picture, { format, width = picture.side, filter }: Rendition): Rendered | string {
  if (isWidth(width, picture.side)) return renderPicture(picture, format, width, filter);
  return `width must be one of ${widthsOf(picture.side).join(", ")}: this picture has ${picture.side}x${picture.side} pixels.`;
}

function isFormat(text: string | undefined): text is ImageFormat {
  return text === "png" || text === "webp" || text === "jpg";
}

/** Whether a cache in front of the Worker, whose keys are whole URLs, may keep it: else one rendition could fill that. */
function isPlain({ searchParams }: URL): boolean {
  const names = [...searchParams.keys()];
  return names.every((name) => name === "width" || name === "filter") && new Set(names).size === names.length;
}

/** Strong: the same bytes for the same tag. */
function etagOf({ id, format, width, filter }: Rendition): string {
  return `"${id.slice(-32)}-${width ?? "own"}-${filter}-${format}-${VERSION}"`;
}

/** One key a rendition, whatever else stands in the query, so that the cache cannot be flooded. */
function cacheKey(requestUrl: string, { id, format, width, filter }: Rendition): string {
  return new URL(`/thumbnails/${id}.${format}?width=${width ?? "own"}&filter=${filter}&v=${VERSION}`, requestUrl).href;
}

function respond({ bytes, contentType }: Rendered, etag: string, caching: string): Response {
  return new Response(bytes, { headers: { "content-type": contentType, "cache-control": caching, etag } });
}

/** The rendition as this location keeps it. */
async function fromEdgeCache(key: string): Promise<Rendered | undefined> {
  const response = await edgeCache()?.match(key);
  if (!response) return undefined;
  const bytes = new Uint8Array(await response.arrayBuffer());
  return { bytes, contentType: response.headers.get("content-type") ?? "application/octet-stream" };
}

/** Workers' own cache; there is none in some previews and outside of workerd. */
function edgeCache(): Cache | undefined {
  // A dependency pulls in the DOM's types, which know no default cache.
  return typeof caches === "undefined" ? undefined : (caches as unknown as { default?: Cache }).default;
}

/** 304 when the client has this rendition (RFC 9110, section 13.1.2: weak comparison). */
function notModified(c: Context<AppEnv>, etag: string, caching = CACHE_FOR_EVER): Response | undefined {
  const known = c.req.header("if-none-match");
  if (!known) return undefined;
  const tags = known.split(",").map((tag) => tag.trim().replace(/^W\//, ""));
  if (!tags.includes(etag) && !tags.includes("*")) return undefined;
  return c.body(null, 304, { etag, "cache-control": caching });
}

function missing(c: Context<AppEnv>): Response {
  return problem(c, 404, "NOT_FOUND", "There is no picture with this id.", CACHE_MISSING);
}

function problem(
  c: Context<AppEnv>,
  status: 400 | 404 | 405,
  code: string,
  message: string,
  caching: string,
): Response {
  c.header("Cache-Control", caching);
  return c.json({ errors: [{ message, extensions: { code } }] }, status);
}
