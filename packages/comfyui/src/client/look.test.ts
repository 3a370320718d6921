import { describe, expect, it } from 'vitest';
import type { JobLook } from './comfy-client.ts';
import type { FinishedPrompt } from './finished-prompt.ts';
import { look } from './look.ts';
import type { LookClient } from './look.ts';
import type { PromptQueue, QueueItem } from './parse-queue.ts';
import { finishedPrompt } from './testing/scripted-prompt.ts';

function item(promptId: string): QueueItem {
  return { number: 1, promptId, workflow: {}, extraData: {}, outputNodeIds: [] };
}

function server(job: JobLook, queue: PromptQueue, history: FinishedPrompt | undefined) {
  const calls: string[] = [];
  const client: LookClient = {
    job: () => {
      calls.push('job');
      return Promise.resolve(job);
    },
    queue: () => {
      calls.push('queue');
      return Promise.resolve(queue);
    },
    history: () => {
      calls.push('history');
      return Promise.resolve(history);
    },
  };
  return { client, calls };
}

const empty: PromptQueue = { running: [], pending: [] };
const done = finishedPrompt('p', 'succeeded');

describe('look', () => {
  it('reads the queue, then the history', async () => {
    const { client, calls } = server({ at: 'unsupported' }, empty, done);
    expect(await look(client, 'p')).toEqual({ at: 'finished', finished: done });
    expect(calls).toEqual(['job', 'queue', 'history']);
  });

  it('never misses a prompt that moves on between its requests', async () => {
    const stages = ['pending', 'running', 'finished'] as const;
    for (let movesAfter = 0; movesAfter < 3; movesAfter += 1) {
      for (const from of ['pending', 'running'] as const) {
        let calls = 0;
        const stage = () => {
          const moved = calls > movesAfter ? 1 : 0;
          calls += 1;
          return stages[stages.indexOf(from) + moved];
        };
        const client: LookClient = {
          job: () => {
            stage();
            return Promise.resolve({ at: 'unsupported' });
          },
          queue: () => {
            const at = stage();
            return Promise.resolve({
              running: at === 'running' ? [item('p')] : [],
              pending: at === 'pending' ? [item('p')] : [],
            });
          },
          history: () => Promise.resolve(stage() === 'finished' ? done : undefined),
        };
        expect((await look(client, 'p')).at, `${from}, moves after ${movesAfter}`).not.toBe('absent');
      }
    }
  });

  it('counts those that run before', async () => {
    const queue = { running: [item('a')], pending: [item('b'), item('p'), item('c')] };
    expect(await look(server({ at: 'unsupported' }, queue, undefined).client, 'p')).toEqual({
      at: 'pending',
      ahead: 2,
    });
    expect(await look(server({ at: 'unsupported' }, queue, undefined).client, 'a')).toEqual({ at: 'running' });
  });

  it('uses /api/jobs where it exists, but does not believe its absence alone', async () => {
    const finished = server({ at: 'finished', finished: done }, empty, undefined);
    expect(await look(finished.client, 'p')).toEqual({ at: 'finished', finished: done });
    expect(finished.calls).toEqual(['job']);
    const late = server({ at: 'absent' }, { running: [item('p')], pending: [] }, undefined);
    expect(await look(late.client, 'p')).toEqual({ at: 'running' });
    const gone = server({ at: 'absent' }, empty, undefined);
    expect(await look(gone.client, 'p')).toEqual({ at: 'absent' });
    expect(gone.calls).toEqual(['job', 'queue', 'history']);
  });
});
