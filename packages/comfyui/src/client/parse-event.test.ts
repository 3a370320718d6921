import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { propertyRuns } from '../testing/property-runs.ts';
import { promptIdOf } from './comfy-event.ts';
import { parseEvent } from './parse-event.ts';
import { parseFrame } from './parse-frame.ts';

const id = 'b14560e3-38b2-4145-8166-acdc3040da73';

function frame(type: number, second: number, ...rest: (string | Uint8Array)[]): Uint8Array {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(type, 0);
  head.writeUInt32BE(second, 4);
  return Buffer.concat([head, ...rest.map((part) => Buffer.from(part))]);
}

describe('parseEvent', () => {
  it('reads the messages recorded on 0.3.64 and 0.8.0', () => {
    const read = (type: string, data: unknown) => parseEvent(JSON.stringify({ type, data }));
    expect(read('status', { status: { exec_info: { queue_remaining: 1 } }, sid: 'recorder' })).toEqual({
      type: 'status',
      queueRemaining: 1,
      clientId: 'recorder',
    });
    expect(read('execution_start', { prompt_id: id, timestamp: 1795257134827 })).toEqual({
      type: 'execution_start',
      promptId: id,
      timestampMs: 1795257134827,
    });
    expect(read('execution_cached', { nodes: ['4', '5'], prompt_id: id, timestamp: 1 })).toEqual({
      type: 'execution_cached',
      promptId: id,
      nodeIds: ['4', '5'],
    });
    expect(read('executing', { node: '4', display_node: '4', prompt_id: id })).toEqual({
      type: 'executing',
      promptId: id,
      nodeId: '4',
      displayNodeId: '4',
    });
    expect(read('executing', { node: null, prompt_id: id })).toMatchObject({ type: 'executing', nodeId: null });
    expect(read('progress', { value: 1, max: 20, prompt_id: id, node: '3' })).toEqual({
      type: 'progress',
      promptId: id,
      nodeId: '3',
      value: 1,
      max: 20,
    });
    const node = {
      value: 1,
      max: 4,
      state: 'running',
      node_id: '3.0.1',
      prompt_id: id,
      display_node_id: '3',
      parent_node_id: null,
      real_node_id: '3',
    };
    expect(read('progress_state', { prompt_id: id, nodes: { '3.0.1': node, odd: { state: 'asleep' } } })).toEqual({
      type: 'progress_state',
      promptId: id,
      nodes: new Map([['3.0.1', { value: 1, max: 4, state: 'running', displayNodeId: '3' }]]),
    });
    const output = { images: [{ filename: 'rec_00009_.png', subfolder: '', type: 'output' }] };
    expect(read('executed', { node: '9', display_node: '9', output, prompt_id: id })).toEqual({
      type: 'executed',
      promptId: id,
      nodeId: '9',
      displayNodeId: '9',
      output,
    });
    expect(read('executed', { node: '9', output: null, prompt_id: id })).toMatchObject({ output: undefined });
    expect(read('execution_success', { prompt_id: id, timestamp: 1 })).toEqual({
      type: 'execution_success',
      promptId: id,
    });
    expect(
      read('execution_error', {
        prompt_id: id,
        node_id: '1',
        node_type: 'UpscaleModelLoader',
        executed: ['2'],
        exception_message: '\n',
        exception_type: 'EOFError',
        traceback: ['  File'],
        current_inputs: {},
        current_outputs: [],
      }),
    ).toEqual({
      type: 'execution_error',
      promptId: id,
      failure: {
        nodeId: '1',
        nodeType: 'UpscaleModelLoader',
        executed: ['2'],
        exceptionMessage: '\n',
        exceptionType: 'EOFError',
        traceback: ['  File'],
      },
    });
    expect(read('execution_interrupted', { prompt_id: id, node_id: '3', node_type: 'KSampler', executed: [] })).toEqual(
      {
        type: 'execution_interrupted',
        promptId: id,
        nodeId: '3',
      },
    );
    expect(read('feature_flags', { max_upload_size: 104857600 })).toEqual({
      type: 'feature_flags',
      flags: { max_upload_size: 104857600 },
    });
    expect(read('logs', { entries: [{ t: '2026-01-01', m: 'got prompt\n' }], size: { cols: 1 } })).toEqual({
      type: 'logs',
      entries: [{ at: '2026-01-01', message: 'got prompt\n' }],
    });
  });

  it('passes unknown kinds on and keeps large integers in them', () => {
    expect(parseEvent('{"type":"impact-node-feedback","data":{"seed":18446744073709551615}}')).toEqual({
      type: 'unknown',
      name: 'impact-node-feedback',
      data: { seed: 18_446_744_073_709_551_615n },
    });
    expect(parseEvent('{"type":"executed","data":{"node":"9"}}')).toMatchObject({ type: 'unknown', name: 'executed' });
    expect(parseEvent('{"type":"toString","data":{}}')).toMatchObject({ type: 'unknown', name: 'toString' });
  });

  it('never throws, whatever comes', () => {
    const types = [
      'status',
      'executing',
      'progress_state',
      'executed',
      'execution_error',
      'logs',
      'feature_flags',
      '__proto__',
    ];
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          fc.record({ type: fc.constantFrom(...types), data: fc.jsonValue() }).map((value) => JSON.stringify(value)),
          fc
            .record({
              type: fc.constantFrom(...types),
              data: fc.record({
                prompt_id: fc.constant(id),
                node: fc.jsonValue(),
                nodes: fc.jsonValue(),
                executed: fc.jsonValue(),
                output: fc.jsonValue(),
              }),
            })
            .map((value) => JSON.stringify(value)),
        ),
        (text) => {
          const event = parseEvent(text);
          expect(typeof event.type).toBe('string');
          const promptId = promptIdOf(event);
          expect(promptId === undefined || typeof promptId === 'string').toBe(true);
        },
      ),
      { seed: 7, numRuns: propertyRuns(500) },
    );
  });
});

describe('parseFrame', () => {
  const jpeg = new Uint8Array([0xff, 0xd8, 0xff, 0xe0]);

  it('reads previews with and without metadata, and texts', () => {
    expect(parseFrame(frame(1, 1, jpeg))).toMatchObject({
      type: 'preview',
      promptId: undefined,
      mimeType: 'image/jpeg',
    });
    expect(parseFrame(frame(1, 2, jpeg))).toMatchObject({ mimeType: 'image/png' });
    const metadata = JSON.stringify({
      node_id: '3.1',
      display_node_id: '3',
      prompt_id: id,
      parent_node_id: null,
      image_type: 'image/jpeg',
    });
    const preview = parseFrame(frame(4, metadata.length, metadata, jpeg));
    expect(preview).toMatchObject({ type: 'preview', promptId: id, nodeId: '3', mimeType: 'image/jpeg' });
    expect(preview.type === 'preview' && Buffer.from(preview.image)).toEqual(Buffer.from(jpeg));
    expect(parseFrame(frame(3, 2, '12', 'half way, 半'))).toEqual({
      type: 'progress_text',
      nodeId: '12',
      text: 'half way, 半',
    });
  });

  it.each([
    ['no header', new Uint8Array(7)],
    ['no image', frame(1, 1)],
    ['an unencoded preview', frame(2, 1, jpeg)],
    ['a length beyond the frame', frame(4, 1_000, '{}', jpeg)],
    ['a length beyond any metadata', frame(4, 0xffffffff, '{}', jpeg)],
    ['metadata that is not JSON', frame(4, 2, '{"', jpeg)],
    ['metadata that is a list', frame(4, 2, '[]', jpeg)],
    ['metadata without an image', frame(4, 2, '{}')],
    ['a type of a later version', frame(9, 0, jpeg)],
  ])('calls %s unknown', (_, bytes) => {
    expect(parseFrame(bytes).type).toBe('unknown');
  });

  it('never throws and never reads beyond the frame', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 6 }),
        fc.nat({ max: 80 }),
        fc.uint8Array({ maxLength: 64 }),
        (type, length, rest) => {
          const whole = frame(type, length, rest);
          // A view into a larger buffer, as frames come from a socket's pool.
          const pool = Buffer.concat([Buffer.alloc(16, 0x7b), whole, Buffer.alloc(64, 0x7b)]);
          const event = parseFrame(pool.subarray(16, 16 + whole.byteLength));
          const read = event.type === 'preview' ? event.image.byteLength : 0;
          expect(read).toBeLessThanOrEqual(rest.byteLength);
          // A text begins after its node id, so its id must have fitted.
          expect(event.type === 'progress_text' && length > rest.byteLength).toBe(false);
          expect(event).toEqual(parseFrame(whole));
        },
      ),
      { seed: 7, numRuns: propertyRuns(500) },
    );
  });
});
