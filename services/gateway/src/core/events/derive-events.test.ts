import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JobView } from '../jobs/job-view.ts';
import { deriveEvents } from './derive-events.ts';

const id = '6f2c8c43-8a37-4b0f-9d53-0a3f6a1c7f10';
const runId = 'b4f5a3a2-3c53-4c0f-8f0a-5a7a1d7c9e21';
const base: JobView = {
  id,
  door: 'api',
  kind: 'imagine',
  title: 'a fox',
  status: 'accepted',
  version: 1,
  isPrivate: false,
  createdAt: '2026-01-01T00:00:00.000Z',
  updatedAt: '2026-01-01T00:00:00.000Z',
  cancelRequested: false,
  progress: 0,
  runs: [],
  outputs: [],
};
const run = (state: JobView['runs'][number]['state']) => ({ id: runId, index: 0, state, recipe: 'r', attempts: 1 });
const life: JobView[] = [
  base,
  { ...base, version: 2, status: 'planning' },
  { ...base, version: 3, status: 'queued', runs: [run('queued')] },
  { ...base, version: 4, status: 'running', runs: [run('running')] },
  { ...base, version: 5, status: 'running', runs: [run('storing')] },
  { ...base, version: 6, status: 'succeeded', runs: [run('succeeded')] },
];
const typesOf = (views: readonly JobView[]): string[] => {
  let before: JobView | undefined;
  return views.flatMap((view) => {
    const events = deriveEvents(before, view);
    if (before === undefined || view.version > before.version) before = view;
    return events.map(({ type }) => type);
  });
};

describe('what a client is told', () => {
  it('follows a job from the asking to the end', () => {
    const told = ['submit', 'status', 'status', 'status', 'executing', 'executed', 'result'];
    expect(typesOf(life)).toEqual(told);
  });

  it('names each fact once, whatever is seen twice, late or not at all', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(life.length - 1), { minLength: 1, maxLength: 20 }), (seen) => {
        const types = typesOf([...seen.map((index) => life[index] ?? base), life[5] ?? base]);
        for (const once of ['submit', 'executing', 'executed', 'result']) {
          expect(types.filter((type) => type === once).length).toBeLessThanOrEqual(1);
        }
        expect(types.filter((type) => type === 'result')).toHaveLength(1);
        expect(types[0]).toBe('submit');
      }),
      { seed: 11, numRuns: 300 },
    );
  });

  it('says why a job failed, once, also where no run was made', () => {
    const error = {
      code: 'WORKFLOW_VALIDATION_ERROR',
      reason: 'invalid_input',
      message: { en: 'x', zh: 'x' },
    } as const;
    expect(typesOf([base, { ...base, version: 2, status: 'failed', error }])).toEqual([
      'submit',
      'execution_error',
      'result',
    ]);
    const failedRun = { ...run('failed'), error };
    expect(typesOf([base, { ...base, version: 2, status: 'failed', error, runs: [failedRun] }])).toEqual([
      'submit',
      'execution_error',
      'result',
    ]);
  });
});
