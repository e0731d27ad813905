/** The reference origin: composition, start and end. */
import type { AddressInfo } from "node:net";
import { type ServerType, serve } from "@hono/node-server";
import { openFolder } from "../bundles/folder.ts";
import { s3Read } from "./bundles/s3.ts";
import { BundleStore } from "./bundles/store.ts";
import type { OriginConfig } from "./config.ts";
import { Engines } from "./engines.ts";
import { createApp } from "./http/app.ts";
import { createMetrics, type Metrics } from "./metrics.ts";
import type { Serving } from "./serving.ts";

export class Origin implements Serving {
  readonly config: OriginConfig;
  readonly store: BundleStore;
  readonly engines: Engines;
  readonly metrics: Metrics;
  /** Set once it is to end: nothing new is taken. */
  draining = false;
  #server: ServerType | undefined;

  constructor(config: OriginConfig) {
    this.config = config;
    const read = config.s3 ? s3Read(config.s3) : (key: string) => openFolder(config.models).get(key);
    this.store = new BundleStore(read, config.models, config.s3 !== undefined);
    this.engines = new Engines(config, () => this.metrics);
    this.metrics = createMetrics(() => this.engines.queuedRows);
  }

  /** @returns its URL @throws Error that says so when the port is taken */
  async listen(): Promise<string> {
    const { host, port } = this.config;
    const { fetch } = createApp(this);
    const address = await new Promise<AddressInfo>((resolve, reject) => {
      this.#server = serve({ fetch, hostname: host, port }, resolve);
      this.#server.once("error", (error: NodeJS.ErrnoException) => {
        const taken = `Port ${port} of ${host} is taken, perhaps by another origin: --port names another one.`;
        reject(error.code === "EADDRINUSE" ? new Error(taken) : error);
      });
    });
    return `http://${address.family === "IPv6" ? `[${address.address}]` : address.address}:${address.port}`;
  }

  /** Lets what it has begun come to its end, for as long as the configuration says, and ends. */
  async close(): Promise<void> {
    this.draining = true;
    const server = this.#server;
    if (server) {
      const closed = new Promise((resolve) => server.close(resolve));
      // Idle keep-alive connections would hold it open.
      if ("closeIdleConnections" in server) server.closeIdleConnections();
      const deadline = setTimeout(
        () => "closeAllConnections" in server && server.closeAllConnections(),
        this.config.drainMs,
      );
      await closed;
      clearTimeout(deadline);
    }
    await this.engines.close();
  }
}
