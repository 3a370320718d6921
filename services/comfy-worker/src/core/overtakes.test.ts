import { describe, expect, it } from 'vitest';
import { activeJobOf, queuedJobOf, snapshotOf } from '@atelier/shared/db/testing/snapshot-fixtures';
import { overtakes } from './overtakes.ts';

const reasonOf = (waiting: object, chosen: object): string | undefined =>
  overtakes.reason(
    snapshotOf({ active: [activeJobOf('w1', 'mei', waiting)], queued: [queuedJobOf('c2', 'ana', chosen)] }),
    'w1',
    'c2',
  );

describe('what goes before a job that waits in ComfyUI', () => {
  it('is interactive work before batch work, and not the other way round', () => {
    expect(reasonOf({ class: 'batch' }, { class: 'interactive' })).toBe('interactive');
    expect(reasonOf({ class: 'interactive' }, { class: 'interactive' })).toBeUndefined();
    expect(reasonOf({ class: 'interactive' }, { class: 'batch' })).toBeUndefined();
  });

  it('is a higher priority, whatever the class', () => {
    expect(reasonOf({}, { priority: 1, class: 'batch' })).toBe('priority');
    expect(reasonOf({ priority: 2, class: 'batch' }, { priority: 1 })).toBeUndefined();
  });

  it('is nothing where nothing was chosen, or the job has gone', () => {
    const snapshot = snapshotOf({ active: [activeJobOf('w1', 'mei', { class: 'batch' })] });
    expect(overtakes.reason(snapshot, 'w1', undefined)).toBeUndefined();
    expect(overtakes.reason(snapshot, 'gone', undefined)).toBeUndefined();
  });

  it('lets a job that was called back often stay', () => {
    expect(overtakes.mayCallBack({ epoch: 1 })).toBe(true);
    expect(overtakes.mayCallBack({ epoch: 21 })).toBe(false);
  });
});
