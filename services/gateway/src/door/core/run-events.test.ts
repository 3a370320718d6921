import { describe, expect, it } from 'vitest';
import { doorPrompt, factsOf, output, requestId } from '../testing/door-facts.ts';
import { createRunEvents, type DoorMessage } from './run-events.ts';

const none = new Map<string, string>();
const jobId = '00000000-0000-4000-8000-000000000002';
const step = (nodeId: string, done?: number, steps?: number) => ({
  jobId,
  requestId,
  nodeId,
  ...(done === undefined ? {} : { step: done }),
  ...(steps === undefined ? {} : { steps }),
});
const types = (messages: readonly DoorMessage[]): string[] => messages.map(({ type }) => type);
const events = () => createRunEvents(doorPrompt, () => 5);

describe('the messages of a run', () => {
  it('come in the order of ComfyUI', () => {
    const run = events();
    expect(types(run.takeFacts(factsOf('working'), none).messages)).toEqual([]);
    expect(types(run.takeFacts(factsOf('working', { state: 'running' }), none).messages)).toEqual([
      'execution_start',
      'execution_cached',
    ]);
    expect(types(run.takeProgress(step('3', 1, 4) as never))).toEqual([
      'progress_state',
      'executing',
      'progress_state',
      'progress',
    ]);
    expect(types(run.takeProgress(step('3', 2, 4) as never))).toEqual(['progress_state', 'progress']);
    expect(run.catchUp()).toEqual([
      { type: 'executing', data: { node: '3', display_node: '3', prompt_id: doorPrompt.promptId } },
    ]);
    const end = run.takeFacts(factsOf('succeeded', { outputs: [output()] }), none);
    expect([types(end.messages), end.isOver]).toEqual([
      ['executing', 'executed', 'execution_success', 'executing'],
      true,
    ]);
    expect(end.messages.at(-1)?.data).toEqual({ node: null, prompt_id: doorPrompt.promptId });
    expect(run.catchUp()).toEqual([]);
    expect(run.takeProgress(step('3', 3, 4) as never)).toEqual([]);
    expect(run.takeFacts(factsOf('succeeded'), none).messages).toEqual([]);
  });

  it('begin and end also where nothing was heard in between', () => {
    const { messages } = events().takeFacts(factsOf('succeeded', { outputs: [output()] }), none);
    expect(types(messages)).toEqual([
      'execution_start',
      'execution_cached',
      'executing',
      'executed',
      'execution_success',
      'executing',
    ]);
  });

  it('say where a run was stopped, and nothing of one that never ran', () => {
    const run = events();
    run.takeProgress(step('2') as never);
    run.takeProgress(step('3', 1, 4) as never);
    const [interrupted] = run.takeFacts(factsOf('cancelled', { state: 'cancelled' }), none).messages;
    expect(interrupted).toMatchObject({
      type: 'execution_interrupted',
      data: { node_id: '3', node_type: 'KSampler', executed: ['2'] },
    });
    const never = events().takeFacts(factsOf('cancelled', { state: 'cancelled', startedAt: null }), none);
    expect(never).toEqual({ messages: [], isOver: true });
  });

  it('tell of a failure even where it failed before it ran', () => {
    const { messages } = events().takeFacts(factsOf('failed', { state: 'failed', startedAt: null }), none);
    expect(types(messages)).toEqual(['execution_start', 'execution_cached', 'execution_error', 'executing']);
  });
});
