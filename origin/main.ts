import { onEnd } from "../lib/on-end.ts";
import { readConfig } from "./config.ts";
import { log } from "./log.ts";
import { Origin } from "./origin.ts";

const origin = await start();
onEnd(async (why) => {
  log("draining", { why });
  await origin.close();
  process.exit(0);
});

async function start(): Promise<Origin> {
  try {
    const config = readConfig(process.argv.slice(2), process.env);
    const origin = new Origin(config);
    const url = await origin.listen();
    const { engine, threads, models, s3 } = config;
    log("listening", { url, engine, threads, models: s3?.url ?? models, token: config.token !== undefined });
    return origin;
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exit(1);
  }
}
