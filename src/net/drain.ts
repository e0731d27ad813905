/** Milliseconds without a byte, and in all, that the rest of a body which is refused is waited for. */
const IDLE_MS = 1_000;
const TOTAL_MS = 20_000;

/** Reads on and drops what comes, for a while: most clients look for the answer only once they have sent everything. */
export async function drain(reader: Pick<ReadableStreamDefaultReader<Uint8Array>, "read" | "cancel">): Promise<void> {
  const deadline = Date.now() + TOTAL_MS;
  while (Date.now() < deadline) {
    const chunk = await withTimeout(reader.read(), IDLE_MS);
    if (chunk === undefined || chunk.done) break;
  }
  await reader.cancel();
}

/** Undefined when it takes longer. */
export async function withTimeout<T>(work: Promise<T>, ms: number): Promise<T | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), Math.max(0, ms));
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
