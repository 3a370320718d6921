import { describe, expect, it, vi } from 'vitest';
import { ResourceStack } from './resource-stack.ts';

const createLog = () => ({ warn: vi.fn<() => void>(), debug: vi.fn<() => void>() });

describe('a stack of resources', () => {
  it('closes in reverse order, each after the one before has closed', async () => {
    const order: string[] = [];
    const stack = new ResourceStack(createLog());
    stack.use('database', () => void order.push('database'));
    stack.use('bus', async () => {
      order.push('bus begins');
      await Promise.resolve();
      order.push('bus ends');
    });
    stack.use('page', () => void order.push('page'));
    await stack.close();
    expect(order).toEqual(['page', 'bus begins', 'bus ends', 'database']);
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error('broken');
      },
    ],
    ['rejects', () => Promise.reject(new Error('broken'))],
  ])('goes on where one %s, and says which', async (_how, release) => {
    const log = createLog();
    const stack = new ResourceStack(log);
    const last = vi.fn<() => void>();
    stack.use('database', last);
    stack.use('bus', release);
    await expect(stack.close()).resolves.toBeUndefined();
    expect(last).toHaveBeenCalledOnce();
    expect(log.warn).toHaveBeenCalledWith(
      expect.objectContaining({ resource: 'bus', err: expect.objectContaining({ message: 'broken' }) }),
      expect.any(String),
    );
  });

  it('does not wait longer than the time limit for one that is stuck', async () => {
    vi.useFakeTimers();
    try {
      const log = createLog();
      const stack = new ResourceStack(log);
      const last = vi.fn<() => void>();
      stack.use('database', last);
      stack.use('bus', () => new Promise<void>(() => {}));
      const closing = stack.close(3_000);
      await vi.advanceTimersByTimeAsync(2_999);
      expect(last).not.toHaveBeenCalled();
      await vi.advanceTimersByTimeAsync(1);
      await closing;
      expect(last).toHaveBeenCalledOnce();
      expect(log.warn).toHaveBeenCalledWith({ resource: 'bus', timeoutMs: 3_000 }, expect.any(String));
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });

  it('closes once, however often it is asked', async () => {
    const stack = new ResourceStack(createLog());
    const release = vi.fn<() => void>();
    stack.use('bus', release);
    await Promise.all([stack.close(), stack.close()]);
    await stack.close();
    expect(release).toHaveBeenCalledOnce();
  });

  it('takes nothing more while it closes', async () => {
    const stack = new ResourceStack(createLog());
    const closing = stack.close();
    expect(() => stack.use('late', () => {})).toThrow(/late was opened while closing/);
    await closing;
  });
});
