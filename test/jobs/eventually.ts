import type { SharedWorker } from "../shared-worker.ts";

/** Looks until it holds, as long as the test has time. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 50));
}

/** What a key has used of its month, and what is reserved for its jobs. */
export async function pixelsUsed(worker: SharedWorker, headers: Record<string, string>): Promise<number> {
  const query = "{ viewer { usage { pixelsThisMonth } } }";
  return (await worker.data<{ viewer: { usage: { pixelsThisMonth: number } } }>(query, {}, headers)).viewer.usage
    .pixelsThisMonth;
}
