/** GraphiQL as files of our own origin: no CDN and no inline script, so that it works offline and under a policy. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  css,
  editorWorkerService,
  favicon,
  graphqlWorker,
  js,
  jsonWorker,
} from "@graphql-yoga/render-graphiql/graphiql";

const WORKERS: Record<string, string> = { editorWorkerService, json: jsonWorker, graphql: graphqlWorker };

// Addresses are absolute: the page is served at /graphql.
const PAGE = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <title>iGPT-edge: GraphiQL</title>
    <link rel="icon" href="/graphiql/favicon.ico" />
    <link rel="stylesheet" href="/graphiql/graphiql.css" />
    <script defer src="/graphiql/workers.js"></script>
    <script defer src="/graphiql/graphiql.js"></script>
    <script defer src="/graphiql/start.js"></script>
  </head>
  <body id="body" class="no-focus-outline">
    <noscript>GraphiQL needs JavaScript.</noscript>
    <div id="root"></div>
  </body>
</html>
`;

const WORKER_ADDRESSES = `self.MonacoEnvironment = {
  globalAPI: false,
  getWorkerUrl: (_, label) => \`/graphiql/\${label}.worker.js\`,
};
`;

/** A sky, a sun and a hill: a picture small enough to stand in a query. 32x32, drawn for this. */
const LANDSCAPE =
  "iVBORw0KGgoAAAANSUhEUgAAACAAAAAgAgMAAAAOFJJnAAAADFBMVEV4uev610Y8jDwAAABp490CAAAATElEQVR42sXMsQmAMBgF4c8fbaycwykyWkaxDJnCkRxA0MJUQbD0Vcc7OD42JQGWxQjS1R562M8Gx9F3an3USomNyETMWYGhvgd/hxvrvQqcVgLcrwAAAABJRU5ErkJggg==";

/** Runs as it stands, and shows what the API is for. */
const FIRST_QUERY = `# Draws the lower half,
# two ways: Ctrl+Enter,
# then open a url.
# Docs: the book, left.
{
  complete(
    image: { base64: "${LANDSCAPE}" }
    samples: 2
    options: { seed: 7 }
  ) {
    samples {
      nllPerPixel
      image {
        url(width: 256)
      }
    }
    model {
      id
      version
      parameters
      edgeSamples
      testNllPerPixel
    }
  }
}
`;

const START = `YogaGraphiQL.renderYogaGraphiQL(document.querySelector("#root"), {
  endpoint: "/graphql",
  title: "iGPT-edge",
  defaultQuery: ${JSON.stringify(FIRST_QUERY)},
});
`;

/** Writes the page, its script, style and workers into `folder`. */
export async function writeGraphiql(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const files: Record<string, string | Uint8Array> = {
    "index.html": PAGE,
    "graphiql.css": css,
    "graphiql.js": js,
    "workers.js": WORKER_ADDRESSES,
    "start.js": START,
    "favicon.ico": Buffer.from(favicon.slice(favicon.indexOf(",") + 1), "base64"),
  };
  for (const [label, source] of Object.entries(WORKERS)) files[`${label}.worker.js`] = source;
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
}
