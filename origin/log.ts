/** One JSON line an event, on standard output. */
export function log(event: string, facts: Record<string, unknown>): void {
  process.stdout.write(`${JSON.stringify({ time: new Date().toISOString(), event, ...facts })}\n`);
}
