import { describeValues, type Distribution } from './distribution.ts';
import type { SimulatedRun } from './fork-simulator.ts';

/** The GPU between two prompts, by the simulator's own log. */
export interface Transitions {
  /** ms from the end of one prompt to the start of the next. */
  gapMs: Distribution;
  /** Share of transitions at which the next prompt already waited in ComfyUI. */
  waited: number;
}

/** @param gpus what ran on each; at least two prompts on one of them. */
export function describeTransitions(gpus: readonly (readonly SimulatedRun[])[]): Transitions {
  const gaps: number[] = [];
  let waited = 0;
  for (const runs of gpus) {
    for (const [at, run] of runs.entries()) {
      const before = runs[at - 1];
      if (before === undefined) continue;
      gaps.push(run.startedAt - before.endedAt);
      if (run.postedAt <= before.endedAt) waited += 1;
    }
  }
  return { gapMs: describeValues(gaps), waited: gaps.length === 0 ? 0 : waited / gaps.length };
}
