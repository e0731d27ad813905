/** A Worker around ModelService alone, so that its dealings with cancelled requests can be tested in workerd. */

import { waitUntil } from "cloudflare:workers";
import { AsyncLocalStorage } from "node:async_hooks";
import { MemoryBudget } from "../../src/admission/budget.ts";
import { ModelService } from "../../src/model/service.ts";
import { Presence } from "../../src/scheduling/presence.ts";
import { Turns } from "../../src/scheduling/turns.ts";
import { arithmeticFactory, BASE_BYTES, SAMPLE_BYTES } from "../doubles/arithmetic-factory.ts";

/** The name of a request, once for each progress that it got. */
const log: string[] = [];
/** Requests that wait between their turns until they are released. */
const held = new Set<string>();
let loadDelayMs = 0;
const { factory, loads } = arithmeticFactory({
  onTurn: compute,
  whileLoading: () => new Promise((resolve) => setTimeout(resolve, loadDelayMs)),
});
const here = new Presence();
const currentRequest = new AsyncLocalStorage<Request>();
const budget = new MemoryBudget({ capacity: BASE_BYTES + 5 * SAMPLE_BYTES, maxWaitMs: 60_000 });
let service: ModelService | undefined;

export default {
  async fetch(request: Request, env: { BUCKET: R2Bucket }): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname === "/log") {
      const engine = loads.at(-1)?.engine;
      const state = {
        log: searchParams.has("keep") ? log : log.splice(0),
        loads: loads.length,
        open: engine?.log.open,
        waiting: budget.waiting,
      };
      return Response.json({ ...state, used: budget.used });
    }
    if (pathname === "/release") return Response.json(held.clear() ?? null);
    loadDelayMs = Number(searchParams.get("loadDelay"));
    service ??= new ModelService({
      bucket: env.BUCKET,
      engine: async () => factory,
      budget,
      reserve: 0,
      turns: new Turns({ isAlone: () => here.isAlone(currentRequest.getStore()) }),
      waitUntil: searchParams.has("unprotected") ? () => {} : waitUntil,
    });
    const name = searchParams.get("name") ?? "";
    if (searchParams.has("hold")) held.add(name);
    here.enter(request);
    try {
      return await complete(request, service, name, searchParams);
    } finally {
      here.leave(request);
    }
  },
};

async function complete(
  request: Request,
  service: ModelService,
  name: string,
  searchParams: URLSearchParams,
): Promise<Response> {
  return currentRequest.run(request, async () => {
    const model = await service.model();
    const spec = service.plan(model, Number(searchParams.get("samples") ?? 1), { keepRows: 0, seed: 1 });
    const rows = service.complete(model, new Int32Array(64), spec, request.signal);
    for (;;) {
      const step = await rows.next();
      if (step.done) return Response.json(step.value.samples.map(({ tokens }) => [...tokens]));
      log.push(name);
      while (held.has(name)) await new Promise((resolve) => setTimeout(resolve, 1));
    }
  });
}

/** Some 40 ms of arithmetic, as a row of a real model. */
function compute(): void {
  let x = 0;
  for (let i = 0; i < 2e7; i++) x += Math.sqrt(i);
  if (x < 0) throw new Error("never");
}
