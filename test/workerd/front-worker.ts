/** Names of requests that are to be dropped. */
const dropped = new Set<string>();

/** Stands for clients: a request that it drops is cancelled in the Worker behind it, as when a client disconnects. */
export default {
  async fetch(request: Request, env: { MODEL: Fetcher }): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    const name = searchParams.get("name") ?? "";
    if (pathname === "/drop") return Response.json(dropped.add(name).size);
    const dropAfter = searchParams.get("dropAfter");
    if (dropAfter === null && !searchParams.has("droppable")) return env.MODEL.fetch(request);
    const controller = new AbortController();
    const answer = env.MODEL.fetch(request.url, { signal: controller.signal });
    if (dropAfter !== null) setTimeout(() => controller.abort(), Number(dropAfter));
    else void whenDropped(name).then(() => controller.abort());
    return answer.catch(() => new Response("dropped", { status: 499 }));
  },
};

/** A request cannot be woken by another one: it looks. */
async function whenDropped(name: string): Promise<void> {
  while (!dropped.has(name)) await new Promise((resolve) => setTimeout(resolve, 1));
}
