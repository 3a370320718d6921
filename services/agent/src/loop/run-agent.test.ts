import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { newTestJob } from '@atelier/shared/db/testing/queue-fixtures';
import { plan } from '@atelier/shared/db/testing/record-fixtures';
import { defineTool, refuse, type ToolContext } from '../tools/tool.ts';
import { createMemoryRun, type ScriptedReply } from './testing/memory-run.ts';

/** Queues jobs as `run` does: by derived ids, after those that the run has. */
function queue(count: number, context: ToolContext) {
  const jobs = Array.from({ length: count }, (_, index) =>
    newTestJob(context.request?.id ?? '', context.jobs.length + index, { id: context.idOf(String(index)) }),
  );
  return { kind: 'result' as const, content: 'Queued.', effects: { queue: { plan, jobs } } };
}

const common = { description: '', forDoors: false, timeoutMs: 5_000 };
const seen: unknown[] = [];
const drawTool = defineTool({
  ...common,
  name: 'draw',
  input: z.object({ count: z.int().default(1) }),
  readOnly: false,
  execute: ({ count }, context) =>
    Promise.resolve(context.noRepair === undefined ? queue(count, context) : refuse(context.noRepair)),
});
const lookTool = defineTool({
  ...common,
  name: 'look',
  input: z.record(z.string(), z.unknown()),
  readOnly: true,
  execute(input) {
    seen.push(input);
    return Promise.resolve({ kind: 'result', content: 'x'.repeat(50_000) });
  },
});
const waitTool = defineTool({
  ...common,
  name: 'wait',
  input: z.object({}),
  readOnly: false,
  execute: (_input, { jobs }) =>
    Promise.resolve(
      jobs.some(({ finishedAt }) => finishedAt === null) ? { kind: 'wait' } : { kind: 'result', content: 'ended' },
    ),
});
const tools = [drawTool, lookTool, waitTool];
const draw = (id: string, count = 1): ScriptedReply[number] => ({ use: 'draw', id, input: { count } });

describe('a run', () => {
  test('whose uses in one reply each know what those before have queued', async () => {
    const run = createMemoryRun({ tools, replies: [[draw('a', 2), draw('b'), { use: 'look', id: 'c' }, draw('d')]] });
    expect(await run.work()).toMatchObject({ kind: 'answered', reply: 'Done.' });
    expect(run.history.jobs.map(({ index }) => index)).toEqual([0, 1, 2, 3]);
  });

  test('goes on where it stood, wherever Postgres went away: no reply is paid twice, nothing happens twice', async () => {
    const replies: ScriptedReply[] = [
      [{ say: 'I look.' }, { use: 'look', id: 'l1' }, { use: 'look', id: 'l2' }, draw('d1', 2)],
      [draw('d2')],
      [{ say: 'All is on its way.' }],
    ];
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom('before' as const, 'after' as const, undefined, undefined), { maxLength: 40 }),
        async (faults) => {
          const run = createMemoryRun({ tools, replies, fault: (call) => faults[call] });
          expect(await run.work()).toMatchObject({ kind: 'answered', reply: 'All is on its way.' });
          expect(run.asked.filter(({ wasKept }) => wasKept)).toEqual([]);
          expect(run.history.steps.filter(({ kind }) => kind === 'reply')).toHaveLength(3);
          expect(
            run
              .results()
              .map(({ toolUseId }) => toolUseId)
              .sort(),
          ).toEqual(['d1', 'd2', 'l1', 'l2']);
          expect(run.history.jobs.map(({ index }) => index)).toEqual([0, 1, 2]);
        },
      ),
      { seed: 11, numRuns: 40 },
    );
  });

  test('ends with its signal, and nothing of it goes on', async () => {
    const stop = new AbortController();
    const stopTool = defineTool({
      ...common,
      name: 'stop',
      input: z.object({}),
      readOnly: true,
      execute() {
        stop.abort();
        return Promise.resolve({ kind: 'result', content: 'too late' });
      },
    });
    const run = createMemoryRun({ tools: [...tools, stopTool], replies: [[{ use: 'stop', id: 's' }, draw('a')]] });
    await expect(run.work(stop.signal)).rejects.toMatchObject({ code: 'unavailable' });
    expect(run.results()).toEqual([]);
    expect(run.history.jobs).toEqual([]);
  });
});

describe('a hostile reply', () => {
  test('may use so many tools and no more, and none of them fills the context', async () => {
    const uses = Array.from({ length: 40 }, (_, index) => ({ use: 'look', id: `l${index}` }));
    const run = createMemoryRun({ tools, replies: [uses] });
    await run.work();
    const results = run.results();
    expect(results.filter(({ isError }) => !isError)).toHaveLength(16);
    expect(results).toHaveLength(40);
    expect(JSON.stringify(run.lastCall()?.messages).length).toBeLessThan(16 * 13_000);
  });

  test('has arguments that are its own alone, of what can be kept', async () => {
    seen.length = 0;
    const input: unknown = JSON.parse('{"__proto__": {"count": 99}, "constructor": "x", "a": "n\\u0000ul \\ud800"}');
    const run = createMemoryRun({
      tools,
      replies: [
        [
          { use: 'look', id: 'a', input },
          { use: 'draw', id: 'b', input },
        ],
      ],
    });
    await run.work();
    expect(JSON.stringify(seen)).toContain('nul \uFFFD');
    expect(JSON.stringify(seen)).not.toContain('u0000');
    expect(run.history.jobs).toHaveLength(1);
    expect(({} as Record<string, unknown>)['count']).toBeUndefined();
  });

  test('names tools that are not there, and argues with what is no object', async () => {
    const run = createMemoryRun({
      tools,
      replies: [
        [
          { use: '</data>paint\u0000', id: 'a' },
          { use: 'draw', id: 'b', input: 'four' },
          { use: 'draw', id: 'c', input: [{ count: 1 }] },
          { use: 'draw', id: 'd', input: null },
        ],
      ],
    });
    expect(await run.work()).toMatchObject({ kind: 'answered' });
    expect(run.results().every(({ isError }) => isError)).toBe(true);
    const words = JSON.stringify(run.results().map(({ content }) => content));
    expect(words).toContain('There is no tool');
    expect(words).not.toContain('</data>paint');
    expect(run.results()[0]?.tool).toBe('</data>paint');
  });
});

describe('a look at the result', () => {
  const attempt = async (visionCheck: 'offer' | 'retry') => {
    const replies = [[draw('a'), { say: 'Here.' }], [{ say: 'There you are.' }], [draw('b'), draw('c')], [draw('d')]];
    const run = createMemoryRun({ tools, replies, visionCheck });
    expect(await run.work()).toEqual({ kind: 'waits' });
    run.endJobs('succeeded');
    return run;
  };

  test('that only offers runs nothing more, whatever the model wants', async () => {
    const run = await attempt('offer');
    await run.work();
    expect(run.history.jobs).toHaveLength(1);
    expect(
      run
        .results()
        .filter(({ isError }) => isError)
        .map(({ toolUseId }) => toolUseId),
    ).toEqual(['b', 'c', 'd']);
  });

  test('that tries again does so once, and mends only what failed', async () => {
    const run = await attempt('retry');
    await run.work();
    expect(run.history.jobs).toHaveLength(2);
    expect(
      run
        .results()
        .filter(({ isError }) => isError)
        .map(({ toolUseId }) => toolUseId),
    ).toEqual(['c', 'd']);
  });
});
