/** Serves the React example at http://127.0.0.1:5173: npx tsx examples/react/serve.ts */
import { context } from "esbuild";
import { bundle } from "./bundle.ts";

const { IGPT_ENDPOINT = "http://127.0.0.1:8787/graphql", IGPT_KEY = "" } = process.env;
const esbuild = await context(bundle(IGPT_ENDPOINT, IGPT_KEY));
const { hosts, port } = await esbuild.serve({ servedir: import.meta.dirname, host: "127.0.0.1", port: 5173 });
console.log(`http://${hosts[0]}:${port}`);
