/**
 * Fills `build/assets/`, what the Worker serves as static files: the playground from `web/` (bundled, minified, named by
 * content) and, unless `--production` is given, GraphiQL for development under `graphiql/`.
 */
import { copyFile, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import * as documents from "../web/src/api/documents.ts";
import { writeGraphiql } from "./build-graphiql.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const WEB = join(ROOT, "web");
const OUT = join(ROOT, "build", "assets");
/** The page's documents, as `npm run keys -- create --operations` takes them: for a key that is locked to them. */
const OPERATIONS = join(ROOT, "build", "playground-operations.json");
/** Issue 7's limit for the page's script and style. */
const MAX_GZIPPED_BYTES = 100_000;

const production = process.argv.includes("--production");

await rm(OUT, { recursive: true, force: true });
await mkdir(OUT, { recursive: true });
const bytes = await buildPlayground();
await copyFile(join(WEB, "_headers"), join(OUT, "_headers"));
await writeFile(OPERATIONS, `${JSON.stringify(Object.values(documents), undefined, 1)}\n`);
if (!production) await writeGraphiql(join(OUT, "graphiql"));
console.log(
  `build/assets: script and style ${(bytes / 1000).toFixed(1)} kB gzipped${production ? "" : ", GraphiQL included"}`,
);

/** Bundles the page and writes index.html; returns the gzipped bytes of script and style. */
async function buildPlayground(): Promise<number> {
  const { metafile } = await build({
    entryPoints: { app: join(WEB, "src/main.tsx"), icon: join(WEB, "icon.svg") },
    outdir: join(OUT, "assets"),
    entryNames: "[name]-[hash]",
    assetNames: "[name]-[hash]",
    publicPath: "/assets",
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2023",
    jsx: "automatic",
    jsxImportSource: "preact",
    loader: { ".png": "file", ".svg": "copy" },
    metafile: true,
    absWorkingDir: ROOT,
    logLevel: "warning",
  });
  const files = Object.keys(metafile.outputs);
  const named = (pattern: RegExp) => {
    const file = files.find((path) => pattern.test(path));
    if (!file) throw new Error(`The build made no file like ${pattern}.`);
    return file;
  };
  const [script, style, icon] = [named(/app-\w+\.js$/), named(/app-\w+\.css$/), named(/icon-\w+\.svg$/)];
  const page = await readFile(join(WEB, "index.html"), "utf8");
  const address = (file: string) => `/assets/${basename(file)}`;
  await writeFile(
    join(OUT, "index.html"),
    page.replace("%SCRIPT%", address(script)).replace("%STYLE%", address(style)).replace("%ICON%", address(icon)),
  );
  const sizes = await Promise.all(
    [script, style].map(async (file) => gzipSync(await readFile(join(ROOT, file))).length),
  );
  const total = sizes.reduce((sum, size) => sum + size, 0);
  if (total > MAX_GZIPPED_BYTES)
    throw new Error(`The playground is ${total} bytes gzipped; the limit is ${MAX_GZIPPED_BYTES}.`);
  return total;
}
