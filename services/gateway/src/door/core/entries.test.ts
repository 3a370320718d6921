import { describe, expect, it } from 'vitest';
import { doorPrompt, factsOf, output, requestId } from '../testing/door-facts.ts';
import { historyEntry, queueItem } from './history-entry.ts';
import { durationOf, jobEntry, jobStatusOf, workflowIdOf } from './job-entry.ts';
import { nodeOutputs } from './node-outputs.ts';

const none = new Map<string, string>();

describe('outputs by node', () => {
  it('stand under the key of their kind', () => {
    const outputs = [
      output({ nodeId: '1' }),
      output({ nodeId: '1', filename: 'b.mp4', mediaType: 'video/mp4' }),
      output({ nodeId: '2', filename: 'c.flac', mediaType: 'audio/flac' }),
      output({ nodeId: '3', filename: 'd.glb', mediaType: 'model/gltf-binary' }),
      output({ nodeId: '4', filename: 'text-0.txt', mediaType: 'text/plain', hash: 'b'.repeat(64) }),
      output({ nodeId: '5', filename: 'notes.txt', mediaType: 'text/plain' }),
    ];
    const { jobs } = factsOf('succeeded', { outputs });
    const file = (filename: string) => ({ filename, subfolder: requestId, type: 'output' });
    expect(nodeOutputs(jobs, requestId, new Map([['b'.repeat(64), 'a fox']]))).toEqual({
      '1': { images: [file('fox_00001_.png'), file('b.mp4')], animated: [true] },
      '2': { audio: [file('c.flac')] },
      '3': { '3d': [file('d.glb')] },
      '4': { text: ['a fox'] },
      '5': { files: [file('notes.txt')] },
    });
  });
});

describe('a prompt in lists', () => {
  it('is an item of five in the queue', () => {
    const item = queueItem(doorPrompt, factsOf('working'));
    expect(item).toHaveLength(5);
    expect(item.slice(0, 2)).toEqual([7, doorPrompt.promptId]);
    expect(item[3]).toMatchObject({ client_id: 'editor', create_time: doorPrompt.createdAt.getTime() });
    expect(item[4]).toEqual(['9']);
  });

  it('has a history with outputs, messages and meta', () => {
    const entry = historyEntry(doorPrompt, factsOf('succeeded', { outputs: [output()] }), none);
    expect(entry['status']).toMatchObject({ status_str: 'success', completed: true });
    expect(entry['meta']).toEqual({ '9': { node_id: '9', display_node: '9', parent_node: null, real_node_id: '9' } });
  });

  it('that was stopped says so, and what failed says where', () => {
    expect(JSON.stringify(historyEntry(doorPrompt, factsOf('cancelled'), none))).toContain('execution_interrupted');
    const error = {
      code: 'execution_failed',
      message: { en: 'It broke.', zh: '出错了。' },
      nodeId: '3',
      classType: 'KSampler',
    };
    const failed = factsOf('failed', { error });
    expect(JSON.stringify(historyEntry(doorPrompt, failed, none))).toContain('"node_type":"KSampler"');
    expect(jobEntry(doorPrompt, failed, none, false)).toMatchObject({
      status: 'failed',
      execution_error: { node_id: '3', exception_message: 'It broke.' },
    });
  });

  it('is a job as /api/jobs tells it, whole once it is over', () => {
    const open = jobEntry(doorPrompt, factsOf('working', { state: 'running' }), none, true);
    expect(Object.keys(open)).toEqual(['id', 'status', 'priority', 'create_time', 'outputs_count', 'workflow_id']);
    expect(open['status']).toBe('in_progress');
    const facts = factsOf('succeeded', { outputs: [output()] });
    expect(jobEntry(doorPrompt, facts, none, true)).toMatchObject({
      status: 'completed',
      outputs_count: 1,
      preview_output: { filename: 'fox_00001_.png', nodeId: '9', mediaType: 'images' },
      workflow_id: 'w1',
      execution_status: { completed: true },
    });
    expect(durationOf(facts)).toBe(4_000);
    expect(jobStatusOf(factsOf('accepted'))).toBe('pending');
    expect(workflowIdOf({ ...doorPrompt, extraDataText: '{}' })).toBeUndefined();
  });
});
