import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startChaosServers, type ChaosServers } from './chaos-servers.ts';
import { planChaos } from './plan-chaos.ts';
import { isKept } from './reconcile.ts';
import { runChaos } from './run-chaos.ts';

// A sample of `npm run chaos`, with the waits of the recovery protocol divided by ten. The servers are its own, because
// they are killed. This seed kills a worker, stalls one beyond its lease, kills everything at once, then Postgres, NATS
// (and wipes it) and a ComfyUI.
const sample = { seed: 806, requests: 24, scale: 10 };
let servers: ChaosServers;

beforeAll(async () => {
  servers = await startChaosServers(() => undefined);
});
afterAll(() => servers?.stop());

describe('a platform whose parts are killed and broken', () => {
  it('loses nothing, doubles nothing and repeats nothing on the GPU', async () => {
    const { faults } = planChaos(sample);
    expect(new Set(faults.map(({ fault }) => fault.kind)).size).toBe(5);
    const run = await runChaos({
      ...sample,
      servers,
      onProgress: () => undefined,
      signal: new AbortController().signal,
    });
    expect(run.trouble).toEqual([]);
    expect(isKept(run.reconciliation)).toBe(true);
    // And the one before the faults.
    expect(run.reconciliation.accepted).toBe(sample.requests + 1);
    expect(run.missingFiles).toEqual([]);
    expect(run.unexpectedEnds).toEqual([]);
    const done = Object.values(run.faults).reduce((sum, count) => sum + count, 0);
    expect(done + run.skippedFaults).toBe(faults.length);
  }, 240_000);
});
