import { describe, expect, it } from 'vitest';
import { decideNotices, type SystemFacts } from './decide-notices.ts';

const idle = { alive: true, paused: false, state: 'idle' } as const;

function notices(overrides: Partial<SystemFacts>) {
  return decideNotices({
    database: 'ready',
    natsConnected: true,
    workers: [idle],
    mayMissWorkers: true,
    ...overrides,
  });
}

describe('decideNotices', () => {
  it('has nothing to say while all is well, or while one of several GPUs is', () => {
    expect(notices({})).toEqual([]);
    expect(notices({ workers: [idle, { ...idle, state: 'waiting_for_comfyui' }, { ...idle, alive: false }] })).toEqual(
      [],
    );
  });

  it('tells a missing ComfyUI from a missing worker and from a pause', () => {
    expect(notices({ workers: [{ ...idle, state: 'waiting_for_comfyui' }] })).toEqual(['comfyuiAway']);
    expect(notices({ workers: [{ ...idle, alive: false }] })).toEqual(['noWorker']);
    expect(notices({ workers: [{ ...idle, paused: true }] })).toEqual(['paused']);
  });

  it('gives workers time to start', () => {
    expect(notices({ workers: [], mayMissWorkers: false })).toEqual([]);
  });

  it('says nothing about workers that it cannot know about', () => {
    expect(notices({ database: 'away', natsConnected: false, workers: [] })).toEqual(['databaseAway', 'natsAway']);
    expect(notices({ database: 'starting', natsConnected: undefined })).toEqual(['starting']);
  });
});
