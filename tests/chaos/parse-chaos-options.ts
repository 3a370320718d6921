import { parseArgs } from 'node:util';
import { z } from 'zod';

const whole = z.coerce.number().int();
const optionsSchema = z.object({
  runs: whole.min(1).max(1_000_000).optional(),
  trials: whole.min(1).max(1_000_000).optional(),
  seed: whole.min(0).max(0xffff_ffff).optional(),
  requests: whole.min(1).max(100_000).default(240),
  minutes: z.coerce.number().positive().max(10_000).optional(),
  scale: z.enum(['1', '10']).default('1').transform(Number),
  model: z.boolean().default(false),
});

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

export const chaosUsage = `npm run chaos -- [--runs N] [--seed S] [--requests M] [--minutes X] [--scale 1|10]
npm run chaos -- --model [--trials N] [--seed S]

  --runs N      platforms to break, one after another (1; with --minutes as many as fit)
  --seed S      whole number; the same one gives the same faults and requests at the same times. Run k of N has seed S + k
  --requests M  requests in one run (240)
  --minutes X   begins no run that would end later
  --model       breaks nothing: plays the lease protocol in virtual time instead, N trials (100,000) of a worker stalled for 5 s
  --scale D     divides leases, waits and faults by 1 (as in production, the default) or 10`;

/** Reads the arguments. @throws Error that names the wrong one. */
export function parseChaosOptions(args: readonly string[], randomSeed: () => number): ChaosOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      runs: { type: 'string' },
      trials: { type: 'string' },
      seed: { type: 'string' },
      requests: { type: 'string' },
      minutes: { type: 'string' },
      scale: { type: 'string' },
      model: { type: 'boolean' },
    },
  });
  const parsed = optionsSchema.safeParse(values);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new Error(`--${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'wrong'}`);
  }
  const { runs, trials, seed, requests, minutes, scale, model } = parsed.data;
  return {
    runs: runs ?? (minutes === undefined ? 1 : Number.MAX_SAFE_INTEGER),
    trials: trials ?? 100_000,
    seed: seed ?? randomSeed(),
    requests,
    minutes,
    scale,
    model,
  };
}
