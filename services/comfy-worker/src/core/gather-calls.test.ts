import { describe, expect, it } from 'vitest';
import { gatherCalls } from './gather-calls.ts';

/** Calls that are answered by hand, in their order. */
function heldCalls(most = 3) {
  const calls: { items: readonly number[]; answer: (results: string[]) => void; fail: (error: Error) => void }[] = [];
  const ask = gatherCalls<number, string>(
    (items) =>
      new Promise((answer, fail) => {
        calls.push({ items, answer, fail });
      }),
    most,
  );
  return { calls, ask, asked: () => calls.map(({ items }) => items) };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

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
