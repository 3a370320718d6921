import type { PickRules, WaitingJob } from './pick-job.ts';

/** Waiting jobs in lines: of those that the scheduler tells apart by their order alone, only the first can be next. */
export interface Lines<Job> {
  /** The first of each line, which is all that a pick needs to look at. */
  readonly firsts: readonly Job[];
  /** Takes one of `firsts` away: the next of its line, if any, stands in its place. */
  take(job: Job): void;
}

/**
 * Lines up what waits, so that a pick among `firsts` is the pick among all: see `pickJob`.
 *
 * @param rules of the picks.
 * @param placesOf names the GPUs that can run a job, the same for all that can run on the same ones.
 *
 * @example
 * const lines = lineUp(waiting, defaultPickRules, () => 'anywhere');
 * const pick = pickJob({ ...input, waiting: lines.firsts });
 * if (pick !== undefined) lines.take(pick.job);
 */
export function lineUp<Job extends WaitingJob>(
  waiting: readonly Job[],
  rules: Pick<PickRules, 'holdsFloorSeconds'>,
  placesOf: (job: Job) => string,
): Lines<Job> {
  const lines = new Map<string, Job[]>();
  // Taken from the end, which costs nothing.
  for (const job of waiting.toSorted((a, b) => b.seq - a.seq)) {
    const { personId, priority = 0, residencyKey, recipe = '' } = job;
    const isOld = job.waitedSeconds >= rules.holdsFloorSeconds;
    const key = `${personId}\n${job.class}\n${priority}\n${residencyKey}\n${recipe}\n${isOld}\n${placesOf(job)}`;
    const line = lines.get(key);
    if (line === undefined) lines.set(key, [job]);
    else line.push(job);
  }
  const firsts: Job[] = [];
  const behind = new Map<Job, Job[]>();
  for (const line of lines.values()) {
    const first = line.pop();
    if (first === undefined) continue;
    firsts.push(first);
    behind.set(first, line);
  }
  return {
    firsts,
    take(job) {
      const at = firsts.indexOf(job);
      const line = behind.get(job);
      const next = line?.pop();
      behind.delete(job);
      if (next === undefined || line === undefined) {
        firsts.splice(at, 1);
        return;
      }
      firsts[at] = next;
      behind.set(next, line);
    },
  };
}
