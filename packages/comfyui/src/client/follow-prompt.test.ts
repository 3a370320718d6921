import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../json/json.ts';
import { propertyRuns } from '../testing/property-runs.ts';
import type { ComfyEvent } from './comfy-event.ts';
import type { FinishedPrompt } from './finished-prompt.ts';
import { followPrompt } from './follow-prompt.ts';
import type { FollowPromptOptions } from './follow-prompt.ts';
import type { PromptResult } from './prompt-result.ts';
import { recordPrompt } from './record-prompt.ts';
import { createManualClock, settle } from './testing/manual-clock.ts';
import type { ManualClock } from './testing/manual-clock.ts';
import { createScriptedPrompt, finishedPrompt } from './testing/scripted-prompt.ts';
import type { ScriptedPrompt } from './testing/scripted-prompt.ts';
import type { PromptProgress } from './track-progress.ts';

const id = 'p-1';
const output: JsonObject = { images: [{ filename: 'a.png', subfolder: '', type: 'output' }] };
const executed: ComfyEvent = { type: 'executed', promptId: id, nodeId: '9', displayNodeId: '9', output };
const success: ComfyEvent = { type: 'execution_success', promptId: id };

interface Run {
  script: ScriptedPrompt;
  clock: ManualClock;
  result: PromptResult | undefined;
  error: unknown;
}

function follow(options: Partial<FollowPromptOptions> = {}, script = createScriptedPrompt(id)): Run {
  const clock = createManualClock();
  const run: Run = { script, clock, result: undefined, error: undefined };
  const following = followPrompt({ client: script.client, socket: script.socket, promptId: id, clock, ...options });
  void (async () => {
    try {
      run.result = await following;
    } catch (error) {
      run.error = error;
    }
  })();
  return run;
}

describe('followPrompt', () => {
  it('looks until the history is written, which is after the success event', async () => {
    const seen: string[] = [];
    const run = follow({ onOutput: (node) => seen.push(node) });
    await settle();
    run.script.place = 'running';
    run.script.emit({ type: 'execution_start', promptId: id, timestampMs: 1 });
    run.script.emit(executed);
    run.script.emit(executed);
    run.script.emit(success);
    await run.clock.advance(20);
    expect(run.result).toBeUndefined();
    run.script.place = finishedPrompt(id, 'succeeded', { '9': output, '10': output });
    await run.clock.advance(50);
    expect(run.result).toMatchObject({ state: 'succeeded', outputs: { '9': output, '10': output } });
    expect(seen).toEqual(['9']);
  });

  it('gives the outputs of history and socket together', async () => {
    const run = follow();
    await settle();
    run.script.emit({ ...executed, nodeId: '5', displayNodeId: '5' });
    run.script.place = finishedPrompt(id, 'succeeded', { '9': output });
    run.script.emit(success);
    await settle();
    expect(run.result).toMatchObject({ state: 'succeeded', source: 'history', outputs: { '5': output, '9': output } });
  });

  it('needs no socket', async () => {
    const states: string[] = [];
    const run = follow({ socket: undefined, pollMs: 500, onState: (state) => states.push(state) });
    await run.clock.advance(2_000);
    run.script.place = 'running';
    await run.clock.advance(3_600_000);
    expect(run.result).toBeUndefined();
    run.script.place = finishedPrompt(id, 'failed');
    await run.clock.advance(500);
    expect(run.result).toMatchObject({ state: 'failed', failure: { nodeId: '3', exceptionType: 'ValueError' } });
    expect(states).toEqual(['pending', 'running']);
  });

  it('ends in interrupted, with the node', async () => {
    const run = follow();
    await settle();
    run.script.place = finishedPrompt(id, 'interrupted');
    run.script.emit({ type: 'execution_interrupted', promptId: id, nodeId: '3' });
    await settle();
    expect(run.result).toMatchObject({ state: 'interrupted', nodeId: '3' });
  });

  it('believes the socket when the history was cleared in the instant after', async () => {
    const ends: [ComfyEvent, Partial<PromptResult>][] = [
      [success, { state: 'succeeded', source: 'events', outputs: { '9': output } }],
      [
        { type: 'execution_interrupted', promptId: id, nodeId: '3' },
        { state: 'interrupted', nodeId: '3' },
      ],
    ];
    for (const [end, expected] of ends) {
      const run = follow();
      await settle();
      run.script.place = 'absent';
      run.script.emit(executed);
      run.script.emit(end);
      await run.clock.advance(1_000);
      expect(run.result).toMatchObject(expected);
    }
  });

  it('calls it lost only when it is absent at two looks that are settleMs apart', async () => {
    const run = follow({ settleMs: 3_000 });
    await settle();
    run.script.place = 'absent';
    await run.clock.advance(2_000);
    await run.clock.advance(2_999);
    expect(run.result).toBeUndefined();
    await run.clock.advance(2_001);
    expect(run.result).toMatchObject({ state: 'lost', reason: 'absent', lastSeen: 'absent' });
  });

  it('takes absence back when the prompt turns up late', async () => {
    const run = follow({ settleMs: 3_000 });
    run.script.place = 'absent';
    await run.clock.advance(2_500);
    run.script.place = 'pending';
    await run.clock.advance(2_000);
    run.script.place = 'absent';
    await run.clock.advance(2_900);
    expect(run.result).toBeUndefined();
    run.script.place = finishedPrompt(id, 'succeeded');
    await run.clock.advance(2_000);
    expect(run.result).toMatchObject({ state: 'succeeded' });
  });

  it('outlasts a server that is away, and finds it lost when it comes back without the prompt', async () => {
    const run = follow();
    await settle();
    run.script.place = 'unreachable';
    run.script.setSocket('waiting');
    await run.clock.advance(600_000);
    expect(run.result).toBeUndefined();
    run.script.place = 'absent';
    run.script.setSocket('open');
    await run.clock.advance(3_000);
    expect(run.result).toMatchObject({ state: 'lost', reason: 'absent' });
  });

  it('looks as soon as the socket is open again', async () => {
    const run = follow({ pollMs: 60_000 });
    run.script.place = 'running';
    await run.clock.advance(100);
    run.script.setSocket('waiting');
    run.script.place = finishedPrompt(id, 'succeeded');
    run.script.setSocket('open');
    await settle();
    expect(run.result).toMatchObject({ state: 'succeeded' });
  });

  it('looks again when the end was announced while a look was on its way', async () => {
    const run = follow({ pollMs: 60_000 });
    run.script.place = 'running';
    run.script.onLook = () => {
      run.script.onLook = undefined;
      queueMicrotask(() => {
        run.script.place = finishedPrompt(id, 'succeeded');
        run.script.emit({ type: 'executing', promptId: id, nodeId: null, displayNodeId: undefined });
      });
    };
    await settle();
    expect(run.result).toMatchObject({ state: 'succeeded' });
  });

  it('takes silence for the socket first and for death second', async () => {
    const run = follow({ silenceMs: 10_000, pollMs: 60_000 });
    await settle();
    run.script.place = 'running';
    run.script.emit({ type: 'execution_start', promptId: id, timestampMs: 1 });
    await run.clock.advance(60_000);
    expect(run.script.recycles).toBe(1);
    run.script.setSocket('waiting');
    run.script.setSocket('open');
    // What ComfyUI repeats to a client that comes back is no sign of life.
    run.script.emit({ type: 'executing', promptId: undefined, nodeId: '3', displayNodeId: undefined });
    await run.clock.advance(10_000);
    expect(run.result).toMatchObject({ state: 'lost', reason: 'silent', lastSeen: 'running' });
  });

  it('does not take waiting, another sign of life, or a socket that is away for silence', async () => {
    const run = follow({ silenceMs: 10_000, pollMs: 1_000 });
    await run.clock.advance(60_000);
    run.script.place = 'running';
    await run.clock.advance(9_000);
    for (let step = 1; step < 10; step += 1) {
      run.script.emit({ type: 'progress', promptId: id, nodeId: '3', value: step, max: 10 });
      await run.clock.advance(9_000);
    }
    run.script.setSocket('waiting');
    await run.clock.advance(60_000);
    expect(run.result).toBeUndefined();
    expect(run.script.recycles).toBe(0);
  });

  it('ends at its deadline, also when the server does not answer', async () => {
    const run = follow({ deadlineAtMs: 5_000 });
    await run.clock.advance(5_000);
    expect(run.result).toMatchObject({ state: 'lost', reason: 'deadline', lastSeen: 'pending' });

    const script = createScriptedPrompt(id);
    const hanging = follow(
      {
        client: {
          ...script.client,
          job: (_, options) =>
            new Promise((_resolve, reject) => {
              options?.signal?.addEventListener('abort', () => reject(new Error('cut off')));
            }),
        },
        deadlineAtMs: 5_000,
      },
      script,
    );
    await hanging.clock.advance(5_000);
    expect(hanging.result).toMatchObject({ state: 'lost', reason: 'deadline', lastSeen: 'unknown' });
  });

  it('ends with aborted at once', async () => {
    const controller = new AbortController();
    const run = follow({ signal: controller.signal });
    await run.clock.advance(100);
    controller.abort();
    await settle();
    expect(run.error).toMatchObject({ code: 'aborted' });
  });

  it('hands on what a callback throws, instead of ending the process', async () => {
    const run = follow({
      onProgress: () => {
        throw new RangeError('mine');
      },
    });
    await settle();
    run.script.emit({ type: 'execution_start', promptId: id, timestampMs: 1 });
    await settle();
    expect(run.error).toBeInstanceOf(RangeError);
  });

  it('hears nothing of other prompts', async () => {
    const heard: string[] = [];
    const run = follow({
      onProgress: () => heard.push('progress'),
      onPreview: () => heard.push('preview'),
      onOutput: () => heard.push('output'),
      onState: (state) => heard.push(state),
    });
    await settle();
    const other = 'p-2';
    const picture = { type: 'preview' as const, nodeId: '3', mimeType: 'image/png', image: new Uint8Array(1) };
    run.script.emit({ type: 'execution_start', promptId: other, timestampMs: 1 });
    run.script.emit({ ...picture, promptId: other });
    run.script.emit({ ...picture, promptId: undefined });
    run.script.emit({ ...executed, promptId: other });
    run.script.emit({ ...success, promptId: other });
    run.script.emit({ type: 'executing', promptId: other, nodeId: null, displayNodeId: undefined });
    run.script.emit({ ...picture, promptId: undefined });
    await settle();
    expect(heard).toEqual(['pending']);
    expect(run.script.looks).toBe(1);
    run.script.emit({ type: 'execution_start', promptId: id, timestampMs: 1 });
    run.script.emit({ ...picture, promptId: undefined });
    run.script.emit({ ...picture, promptId: id });
    expect(heard.filter((what) => what === 'preview')).toHaveLength(2);
  });

  it('replays what was recorded since before the POST: a fully cached run', async () => {
    const script = createScriptedPrompt(id);
    const recording = recordPrompt(script.socket, id);
    script.emit({ type: 'execution_start', promptId: id, timestampMs: 1 });
    script.emit({ type: 'execution_cached', promptId: id, nodeIds: ['8', '9'] });
    script.emit(executed);
    script.emit(success);
    script.emit({ type: 'executing', promptId: id, nodeId: null, displayNodeId: undefined });
    script.place = finishedPrompt(id, 'succeeded', { '9': output });
    const progress: PromptProgress[] = [];
    const seen: string[] = [];
    const run = follow(
      {
        socket: undefined,
        recording,
        workflow: {
          '8': { class_type: 'EmptyImage', inputs: {} },
          '9': { class_type: 'SaveImage', inputs: { images: ['8', 0] } },
        },
        onProgress: (at) => progress.push(at),
        onOutput: (node) => seen.push(node),
      },
      script,
    );
    await settle();
    expect(run.result).toMatchObject({ state: 'succeeded', outputs: { '9': output } });
    expect(seen).toEqual(['9']);
    expect(progress.at(-1)).toMatchObject({ nodesDone: 2, nodesTotal: 2, fraction: 1 });
  });

  it('does not ask for what ComfyUI has just said: after the answer to the POST it listens first', async () => {
    const script = createScriptedPrompt(id);
    const recording = recordPrompt(script.socket, id);
    const run = follow({ socket: undefined, recording, accepted: true, pollMs: 2_000 }, script);
    await run.clock.advance(1_999);
    expect(script.looks).toBe(0);
    await run.clock.advance(1);
    expect(script.looks).toBe(1);
    script.place = finishedPrompt(id, 'succeeded', { '9': output });
    script.emit(success);
    await settle();
    expect([run.result?.state, script.looks]).toEqual(['succeeded', 2]);
  });

  it('asks at once after the answer to the POST where no socket is open', async () => {
    const script = createScriptedPrompt(id);
    script.setSocket('waiting');
    const recording = recordPrompt(script.socket, id);
    follow({ socket: undefined, recording, accepted: true }, script);
    await settle();
    expect(script.looks).toBe(1);
  });
});

/** One life of a prompt at a server, told in virtual time. */
interface Life {
  pendingMs: number;
  runningMs: number;
  outcome: FinishedPrompt['outcome'];
  /** Counted from the start of the run; the history is written this long after the announcement. */
  historyLagMs: number;
  restartAtMs: number | undefined;
  clearHistory: boolean;
  withSocket: boolean;
  /** Which of the events are dropped on their way. */
  drops: boolean[];
  awayAtMs: number;
  awayMs: number;
}

const life: fc.Arbitrary<Life> = fc.record({
  pendingMs: fc.nat({ max: 5_000 }),
  runningMs: fc.nat({ max: 20_000 }),
  outcome: fc.constantFrom('succeeded', 'failed', 'interrupted'),
  historyLagMs: fc.nat({ max: 400 }),
  restartAtMs: fc.option(fc.nat({ max: 30_000 }), { nil: undefined, freq: 3 }),
  clearHistory: fc.boolean(),
  withSocket: fc.boolean(),
  drops: fc.array(fc.boolean(), { minLength: 6, maxLength: 6 }),
  awayAtMs: fc.nat({ max: 30_000 }),
  awayMs: fc.constantFrom(0, 0, 3_000, 10_000),
});

describe('followPrompt, whatever happens', () => {
  it('ends with the truth, soon after it', async () => {
    await fc.assert(
      fc.asyncProperty(life, async (given) => {
        const seen: string[] = [];
        const script = createScriptedPrompt(id);
        const run = follow(
          { ...(given.withSocket ? {} : { socket: undefined }), onOutput: (node) => seen.push(node) },
          script,
        );
        const { clock } = run;
        let place: typeof script.place = 'pending';
        let away = false;
        let announced = false;
        script.onLook = () => {
          script.place = away ? 'unreachable' : place;
        };
        const startsAt = given.pendingMs;
        const endsAt = startsAt + given.runningMs;
        const historyAt = endsAt + given.historyLagMs;
        const restartAt = given.restartAtMs ?? Number.POSITIVE_INFINITY;
        const tell = (index: number, event: ComfyEvent): boolean => {
          if (away || given.drops[index] === true) return false;
          script.emit(event);
          return given.withSocket;
        };
        const at = (ms: number, what: () => void): void => {
          clock.schedule(() => {
            if (ms <= restartAt) what();
          }, ms);
        };
        at(startsAt, () => {
          place = 'running';
          tell(0, { type: 'execution_start', promptId: id, timestampMs: 1 });
        });
        at(endsAt, () => {
          tell(1, executed);
          if (given.outcome === 'succeeded') announced = tell(2, success);
          else if (given.outcome === 'interrupted')
            announced = tell(2, { type: 'execution_interrupted', promptId: id, nodeId: '3' });
        });
        at(historyAt, () => {
          place = given.clearHistory ? 'absent' : finishedPrompt(id, given.outcome, { '9': output });
          tell(3, { type: 'executing', promptId: id, nodeId: null, displayNodeId: undefined });
        });
        if (given.restartAtMs !== undefined) {
          clock.schedule(() => {
            place = 'absent';
          }, given.restartAtMs);
        }
        if (given.awayMs > 0) {
          clock.schedule(() => {
            away = true;
            script.setSocket('waiting');
          }, given.awayAtMs);
          clock.schedule(() => {
            away = false;
            script.setSocket('open');
          }, given.awayAtMs + given.awayMs);
        }
        const decidedAt = Math.max(
          Math.min(historyAt, restartAt),
          given.awayMs > 0 ? given.awayAtMs + given.awayMs : 0,
        );
        await clock.advance(decidedAt + 2_000 + 3_000 + 2_000);

        const { result } = run;
        expect(run.error).toBeUndefined();
        expect(result).toBeDefined();
        expect(seen.length).toBeLessThanOrEqual(1);
        // Found in the history before a restart or a clearing could take it away, or announced by the socket: the outcome. Else lost.
        const kept = historyAt < restartAt && !given.clearHistory;
        const allowed = new Set<string>();
        if (historyAt <= restartAt && !given.clearHistory) allowed.add(given.outcome);
        if (announced) allowed.add(given.outcome);
        if (!announced && (!kept || restartAt < Number.POSITIVE_INFINITY)) allowed.add('lost');
        expect([...allowed]).toContain(result?.state);
        expect(result?.state === 'lost' && result.reason !== 'absent').toBe(false);
        expect(Object.keys(result?.outputs ?? {}).length).toBeGreaterThanOrEqual(seen.length);
      }),
      { seed: 11, numRuns: propertyRuns(150) },
    );
  });
});
