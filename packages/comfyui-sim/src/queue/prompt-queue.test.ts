import { describe, expect, it } from 'vitest';
import { createPromptQueue, historyJson } from './prompt-queue.ts';
import type { PromptQueue, PromptResult, QueuedPrompt } from './prompt-queue.ts';

function prompt(number: number, promptId: string): QueuedPrompt {
  return { number, promptId, workflow: {}, nodeOrder: [], prompt: {}, extraData: {}, sensitive: {}, outputs: ['9'] };
}

const result: PromptResult = {
  outputs: { '9': { images: [] } },
  meta: {},
  succeeded: true,
  messages: [['execution_start', {}]],
};
const { signal } = new AbortController();
const atOnce = (): Promise<void> => Promise.resolve();

function createQueue(): { queue: PromptQueue; lengths: number[] } {
  const lengths: number[] = [];
  const queue = createPromptQueue(() => lengths.push(queue.remaining()));
  return { queue, lengths };
}

describe('the prompt queue', () => {
  it('gives the lowest number first and counts the running one as remaining', async () => {
    const { queue, lengths } = createQueue();
    queue.put(prompt(2, 'b'));
    queue.put(prompt(-3, 'front'));
    const item = await queue.take(signal, atOnce);
    expect(item.promptId).toBe('front');
    expect(queue.running()).toEqual([item]);
    queue.finish(item, result);
    expect(lengths).toEqual([1, 2, 2, 1]);
    expect(queue.history().get('front')?.succeeded).toBe(true);
  });

  it('waits for a prompt, and leaves it pending while it may not be taken', async () => {
    const { queue } = createQueue();
    let allow = (): void => undefined;
    const allowed = new Promise<void>((resolve) => {
      allow = resolve;
    });
    const taking = queue.take(signal, () => allowed);
    queue.put(prompt(1, 'a'));
    await Promise.resolve();
    expect(queue.pending().map(({ promptId }) => promptId)).toEqual(['a']);
    allow();
    expect((await taking).promptId).toBe('a');
  });

  it('stops waiting when the signal fires', async () => {
    const { queue } = createQueue();
    const ended = new AbortController();
    const taking = queue.take(ended.signal, atOnce);
    await Promise.resolve();
    ended.abort(new Error('over'));
    await expect(taking).rejects.toThrow('over');
  });

  it('overwrites history when the same id runs again', async () => {
    const { queue } = createQueue();
    for (const number of [1, 2]) {
      queue.put(prompt(number, 'same'));
      queue.finish(await queue.take(signal, atOnce), result);
    }
    const entry = queue.history().get('same');
    expect(queue.history().size).toBe(1);
    expect(entry === undefined ? undefined : historyJson(entry)).toEqual({
      prompt: [2, 'same', {}, {}, ['9']],
      outputs: { '9': { images: [] } },
      status: { status_str: 'success', completed: true, messages: [['execution_start', {}]] },
      meta: {},
    });
  });

  it('keeps ten thousand entries, the newest', async () => {
    const { queue } = createQueue();
    for (let number = 0; number < 10_005; number += 1) {
      queue.put(prompt(number, `p${number}`));
      queue.finish(await queue.take(signal, atOnce), result);
    }
    expect(queue.history().size).toBe(10_000);
    expect(queue.history().has('p4')).toBe(false);
    expect(queue.history().has('p10004')).toBe(true);
  });
});
