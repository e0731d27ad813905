/** Stands for clients: a request that it drops is cancelled in the Worker behind it, as when a client disconnects. */
export default {
  async fetch(request: Request, env: { MODEL: Fetcher }): Promise<Response> {
    const dropAfter = new URL(request.url).searchParams.get("dropAfter");
    if (dropAfter === null) return env.MODEL.fetch(request);
    const controller = new AbortController();
    const answer = env.MODEL.fetch(request.url, { signal: controller.signal });
    setTimeout(() => controller.abort(), Number(dropAfter));
    return answer.catch(() => new Response("dropped", { status: 499 }));
  },
};
