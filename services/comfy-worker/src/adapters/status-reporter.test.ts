import { describe, expect, it } from 'vitest';
import type { InstanceHistory, LiveWorkerStatus } from '@atelier/shared/contracts/live';
import { reportStatus } from './status-reporter.ts';

const history: InstanceHistory = { residentModels: 'sdxl', speeds: [], succeeded: 3, failed: 1, lastError: null };
const base: LiveWorkerStatus = { instanceId: 'gpu0', state: 'busy', foreignPrompts: 0 };

/** Reports until `count` were published. */
async function reports(
  count: number,
  options: { readHistory: () => Promise<InstanceHistory | undefined>; status: (report: number) => LiveWorkerStatus },
): Promise<{ published: LiveWorkerStatus[]; stored: LiveWorkerStatus[] }> {
  const published: LiveWorkerStatus[] = [];
  const stored: LiveWorkerStatus[] = [];
  const enough = new AbortController();
  await reportStatus(
    {
      everyMs: 1,
      status: () => options.status(published.length),
      readHistory: options.readHistory,
      publish(status) {
        published.push(status);
        if (published.length === count) enough.abort();
      },
      store: (status) => Promise.resolve(void stored.push(status)),
    },
    enough.signal,
  );
  return { published, stored };
}

describe('the reports of a worker', () => {
  it('carry what its jobs tell, read now and then, and store what changed apart from memory, job and speed', async () => {
    let reads = 0;
    const { published, stored } = await reports(12, {
      readHistory: () => Promise.resolve({ ...history, succeeded: (reads += 1) }),
      status: (report) => ({ ...base, vramFree: report, stepsPerSecond: report, foreignPrompts: report < 6 ? 0 : 2 }),
    });
    expect(published.at(-1)?.history?.succeeded).toBe(3);
    expect(reads).toBe(3);
    expect(stored.map(({ foreignPrompts }) => foreignPrompts)).toEqual([0, 2]);
    expect(stored.some((status) => 'history' in status)).toBe(false);
  });

  it('go on while Postgres does not answer', async () => {
    const { published } = await reports(8, {
      readHistory: () => Promise.reject(new Error('away')),
      status: () => base,
    });
    expect(published).toHaveLength(8);
    expect(published.every((status) => status.history === undefined)).toBe(true);
  });
});
