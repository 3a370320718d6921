import { describe, expect, it } from 'vitest';
import type { ChaosRun } from './run-chaos.ts';
import { formatChaos, summariseChaos } from './summarise-chaos.ts';

const run = (overrides: Partial<ChaosRun['reconciliation']> = {}, seed = 1): ChaosRun => ({
  seed,
  seconds: 60,
  faults: { kill: 2 },
  reconciliation: {
    accepted: 150,
    lost: [],
    doubled: [],
    repeats: { underKills: [], afterComfyCrash: [], underStalls: [] },
    begunAgain: 0,
    states: { succeeded: 150 },
    errors: {},
    ...overrides,
  },
  missingFiles: [],
  notAccepted: 0,
  skippedFaults: 0,
  unexpectedEnds: [],
  recovery: {
    worker: [
      { ms: 7_000, alone: true },
      { ms: 12_000, alone: false },
    ],
    comfyui: [],
  },
  deliveryMs: [20, 30],
  trouble: [],
});

describe('summariseChaos', () => {
  it('adds the runs up and states the bound', () => {
    const summary = summariseChaos([run(), run({}, 2)], 1);
    expect(summary).toMatchObject({ n: 300, runs: 2, seeds: [1, 2], faults: { kill: 4 }, bound95: 0.01, kept: true });
    expect(summary.recovery.worker).toMatchObject({ alone: { n: 2, max: 7_000 }, all: { n: 4, max: 12_000 } });
    expect(summary.recovery.comfyui.all).toBeUndefined();
    const lines = formatChaos(summary).join('\n');
    expect(lines).toContain('N = 300 accepted requests in 2 runs');
    expect(lines).toContain('seeds 1 to 2');
    expect(lines).toContain('none measured');
  });

  it.each<[string, Partial<ChaosRun['reconciliation']>, boolean]>([
    ['a lost request', { lost: ['a'] }, false],
    ['a doubled request', { doubled: ['a'] }, false],
    ['a GPU repeat under kills', { repeats: { underKills: ['j'], afterComfyCrash: [], underStalls: [] } }, false],
    ['repeats that are excused', { repeats: { underKills: [], afterComfyCrash: ['j'], underStalls: ['k'] } }, true],
  ])('judges %s', (_what, overrides, kept) => {
    expect(summariseChaos([run(), run(overrides)], 1).kept).toBe(kept);
  });

  it('counts a stored file that was not served as a broken promise', () => {
    expect(summariseChaos([{ ...run(), missingFiles: ['h'] }], 1).kept).toBe(false);
  });
});
