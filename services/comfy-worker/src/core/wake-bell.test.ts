import { describe, expect, it } from 'vitest';
import { createWakeBell } from './wake-bell.ts';

const never = new AbortController().signal;

describe('createWakeBell', () => {
  it('wakes at a ring', async () => {
    const bell = createWakeBell();
    const woken = bell.wait(60_000, [never]);
    bell.ring();
    await expect(woken).resolves.toBeUndefined();
  });

  it('does not miss a ring that came before the wait, and forgets it afterwards', async () => {
    const bell = createWakeBell();
    bell.ring();
    await bell.wait(60_000, [never]);
    let woken = false;
    const second = bell.wait(60_000, [never]).then(() => (woken = true));
    await Promise.resolve();
    expect(woken).toBe(false);
    bell.ring();
    await second;
  });

  it('forgets what rang before a clear', async () => {
    const bell = createWakeBell();
    bell.ring();
    bell.clear();
    const abort = new AbortController();
    const waiting = bell.wait(60_000, [abort.signal]);
    abort.abort();
    await expect(waiting).resolves.toBeUndefined();
  });
});
