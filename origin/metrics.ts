import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";

const SECONDS = [0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 60];

/** What `/metrics` shows, in the units that Prometheus's naming rules ask for. */
export function createMetrics(queuedRows: () => number) {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const engine = ["engine", "precision"] as const;
  new Gauge({
    name: "igpt_origin_queued_rows",
    help: "Samples that wait for an engine",
    registers,
    collect() {
      this.set(queuedRows());
    },
  });
  return {
    registry,
    requests: new Counter({
      name: "igpt_origin_requests_total",
      help: "Inference requests by model and HTTP status",
      labelNames: ["model", "version", "status"],
      registers,
    }),
    requestSeconds: new Histogram({
      name: "igpt_origin_request_duration_seconds",
      help: "From a request's body to its answer",
      labelNames: engine,
      buckets: SECONDS,
      registers,
    }),
    queueSeconds: new Histogram({
      name: "igpt_origin_queue_duration_seconds",
      help: "Waiting for an engine",
      labelNames: engine,
      buckets: SECONDS,
      registers,
    }),
    computeSeconds: new Histogram({
      name: "igpt_origin_batch_compute_duration_seconds",
      help: "In the engine, a batch",
      labelNames: engine,
      buckets: SECONDS,
      registers,
    }),
    batchRows: new Histogram({
      name: "igpt_origin_batch_rows",
      help: "Samples of a batch",
      labelNames: engine,
      buckets: [1, 2, 4, 8, 16, 32, 64],
      registers,
    }),
    pixels: new Counter({
      name: "igpt_origin_generated_pixels_total",
      help: "Pixels generated",
      labelNames: engine,
      registers,
    }),
  };
}

export type Metrics = ReturnType<typeof createMetrics>;
