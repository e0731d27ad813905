import type { Generation, Prefix, Sampling } from "../engine.ts";
import type { Session } from "../session.ts";
import type { CandidateFilter } from "./filter.ts";
import type { Step } from "./steps.ts";

/**
 * Runs a filter's candidates on an engine, from the end of `prefix` on. @yields after each step but the last: the one to
 * follow. The filter is finished when it ends.
 */
export async function* runCandidates(
  session: Session,
  prefix: Prefix,
  sampling: Sampling,
  filter: CandidateFilter,
): AsyncGenerator<Step, void, void> {
  const generation: Generation = session.own(session.engine.generate(prefix, filter.candidates, sampling));
  const most = session.engine.turnPositions(filter.candidates);
  for (const [n, step] of filter.steps.entries()) {
    for (let position = step.start; position < step.end; position += most) {
      const length = Math.min(most, step.end - position);
      const row = filter.row(position, length);
      filter.take(position, length, await session.turn(() => generation.next(row)));
    }
    const next = filter.steps[n + 1];
    if (!next) break;
    const ancestors = filter.weigh(next);
    if (ancestors) await session.turn(async () => generation.resample(ancestors));
    yield next;
  }
  generation.release();
}
