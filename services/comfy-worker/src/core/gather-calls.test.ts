import { afterEach, describe, expect, it, vi } from 'vitest';
import { gatherCalls } from './gather-calls.ts';

/** Calls that are answered by hand, in their order. */
function heldCalls(most = 3, everyMs = 0) {
  const calls: { items: readonly number[]; answer: (results: string[]) => void; fail: (error: Error) => void }[] = [];
  const ask = gatherCalls<number, string>(
    (items) =>
      new Promise((answer, fail) => {
        calls.push({ items, answer, fail });
      }),
    { most, everyMs },
  );
  return { calls, ask, asked: () => calls.map(({ items }) => items) };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

afterEach(() => {
  vi.useRealTimers();
});

describe('gatherCalls', () => {
  it('sends the first alone, and what comes meanwhile together, in order', async () => {
    const { calls, ask, asked } = heldCalls();
    const answers = [1, 2, 3, 4, 5].map((item) => ask(item));
    expect(asked()).toEqual([[1]]);
    calls[0]?.answer(['a']);
    await turn();
    expect(asked()).toEqual([[1], [2, 3, 4]]);
    calls[1]?.answer(['b', 'c', 'd']);
    await turn();
    calls[2]?.answer(['e']);
    expect(await Promise.all(answers)).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(asked()).toEqual([[1], [2, 3, 4], [5]]);
  });

  it('makes a call at most so often, unless a whole one waits', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'performance'] });
    const { calls, ask, asked } = heldCalls(3, 10);
    const answerNext = async (): Promise<void> => {
      calls.at(-1)?.answer(['a', 'b', 'c']);
      await vi.advanceTimersByTimeAsync(0);
    };
    void ask(1);
    await answerNext();
    void ask(2);
    await vi.advanceTimersByTimeAsync(9);
    void ask(3);
    expect(asked()).toEqual([[1]]);
    await vi.advanceTimersByTimeAsync(1);
    expect(asked()).toEqual([[1], [2, 3]]);
    for (const item of [4, 5, 6]) void ask(item);
    await answerNext();
    expect(asked()).toEqual([[1], [2, 3], [4, 5, 6]]);
    await answerNext();
    await vi.advanceTimersByTimeAsync(10);
    void ask(7);
    expect(asked().at(-1)).toEqual([7]);
  });

  it('goes on after a failure, which all that went together hear of', async () => {
    const { calls, ask } = heldCalls();
    const first = ask(1);
    const [second, third] = [ask(2), ask(3)];
    calls[0]?.fail(new Error('away'));
    await expect(first).rejects.toThrow('away');
    await turn();
    calls[1]?.fail(new Error('still away'));
    await expect(second).rejects.toThrow('still away');
    await expect(third).rejects.toThrow('still away');
    const fourth = ask(4);
    await turn();
    calls[2]?.answer(['d']);
    expect(await fourth).toBe('d');
  });
});
