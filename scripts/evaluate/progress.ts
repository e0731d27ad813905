const EVERY_MS = 15_000;

/** Says at most every 15 seconds how far something is, and the minutes left. @returns called with what was done since. */
export function reporter(name: string, total: number, already: number): (more: number) => void {
  const started = performance.now();
  let [done, told] = [already, started];
  return (more) => {
    done += more;
    const now = performance.now();
    if (now - told < EVERY_MS && done < total) return;
    told = now;
    const perSecond = (1000 * (done - already)) / (now - started);
    const left = Math.round((total - done) / perSecond / 60);
    console.log(`${name}: ${done} of ${total} pictures, ${perSecond.toFixed(1)} a second, ${left} min left`);
  };
}
