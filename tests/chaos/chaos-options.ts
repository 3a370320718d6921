import { z } from 'zod';
import type { CommandCall, CommandLine } from '@atelier/shared/config/command-line';
import { intSetting } from '@atelier/shared/config/parse-config';

const options = {
  runs: intSetting(1, 1_000_000).optional(),
  trials: intSetting(1, 1_000_000).default(100_000),
  seed: intSetting(0, 0xffff_ffff).optional(),
  requests: intSetting(1, 100_000).default(240),
  minutes: z.coerce.number({ error: 'must be a number of minutes' }).positive().max(10_000).optional(),
  scale: z.enum(['1', '10'], { error: 'must be 1 or 10' }).default('1').transform(Number),
  model: z.boolean().default(false),
};

export interface ChaosOptions {
  /** Platforms broken one after another; without `minutes` one, with it as many as fit. */
  runs: number;
  /** Of the model. */
  trials: number;
  seed: number;
  /** Asked for in one run. */
  requests: number;
  /** No run is begun that would end later than this. */
  minutes: number | undefined;
  /** Divides the waits of the recovery protocol and those of the faults. */
  scale: number;
  /** Instead of breaking a platform: the lease protocol in virtual time. */
  model: boolean;
}

const usage = `npm run chaos -- [--runs N] [--seed S] [--requests M] [--minutes X] [--scale 1|10]
npm run chaos -- --model [--trials N] [--seed S]

  --runs N      platforms to break, one after another (1; with --minutes as many as fit)
  --seed S      whole number; the same one gives the same faults and requests at the same times. Run k of N has seed S + k
  --requests M  requests in one run (240)
  --minutes X   begins no run that would end later
  --model       breaks nothing: plays the lease protocol in virtual time instead, N trials (100,000) of a worker stalled for 5 s
  --scale D     divides leases, waits and faults by 1 (as in production, the default) or 10`;

export const chaosCommand: CommandLine<typeof options> = { usage, options };

/** @param randomSeed the seed where none was given. */
export function chaosOptionsOf(
  { runs, seed, minutes, ...given }: CommandCall<typeof options>['values'],
  randomSeed: () => number,
): ChaosOptions {
  return {
    ...given,
    runs: runs ?? (minutes === undefined ? 1 : Number.MAX_SAFE_INTEGER),
    seed: seed ?? randomSeed(),
    minutes,
  };
}
