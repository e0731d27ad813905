/** What V8 says of a Worker's memory, over the inspector's protocol. (It leaves WASM memories out of that.) */

export interface HeapUsage {
  /** Bytes of the JS heap. */
  heap: number;
  /** Bytes of array buffers. */
  buffers: number;
}

/** @returns asks V8 for the usage after a collection */
export async function openInspector(base: URL, worker: string): Promise<() => Promise<HeapUsage>> {
  const socket = new WebSocket(new URL(`/core:user:${worker}`, base));
  await new Promise((resolve) => {
    socket.onopen = resolve;
  });
  let id = 0;
  const send = (method: string) => socket.send(JSON.stringify({ id: ++id, method }));
  return async () => {
    send("HeapProfiler.enable");
    send("HeapProfiler.collectGarbage");
    // Freed buffers are counted out when their finalisers have run.
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    send("Runtime.getHeapUsage");
    const mine = id;
    const usage = await new Promise<Record<string, number>>((resolve) => {
      socket.addEventListener("message", ({ data }) => {
        const message = JSON.parse(String(data)) as { id?: number; result: Record<string, number> };
        if (message.id === mine) resolve(message.result);
      });
    });
    const { usedSize = 0, embedderHeapUsedSize = 0, backingStorageSize = 0 } = usage;
    return { heap: usedSize + embedderHeapUsedSize, buffers: backingStorageSize };
  };
}
