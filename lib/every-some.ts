/** Runs `work` for 0 .. `count` - 1, `atOnce` of them at a time. @returns what each of them gave, in order */
export async function everySome<T>(count: number, atOnce: number, work: (index: number) => Promise<T>): Promise<T[]> {
  const out: T[] = [];
  let next = 0;
  const worker = async () => {
    while (next < count) {
      const index = next++;
      out[index] = await work(index);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return out;
}
