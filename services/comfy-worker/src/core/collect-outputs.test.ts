import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import type { PromptOutputs } from '@atelier/comfyui/client/finished-prompt';
import { ComfyError } from '@atelier/comfyui/errors/comfy-error';
import type { JobOutput } from '@atelier/shared/contracts/job';
import type { OutputStore } from '../ports.ts';
import { collectOutputs, type TempOutputs } from './collect-outputs.ts';

const file = (filename: string, type: string) => ({ filename, subfolder: '', type });
const outputOf = (filename: string, index: number): JobOutput => ({
  index,
  hash: 'a'.repeat(64),
  mediaType: 'image/png',
  bytes: 1,
  thumbnailHash: 'b'.repeat(64),
  nodeId: '1',
  filename,
});

function setUp(options: { tempOutputs?: TempOutputs; wanted?: boolean; gone?: readonly string[] } = {}) {
  const { tempOutputs = 'when_nothing_else', wanted = true, gone = [] } = options;
  const outputs: OutputStore = {
    async store({ filename }, index) {
      if (gone.includes(filename)) throw new ComfyError('refused', 'it is gone');
      return outputOf(filename, index);
    },
    storeText: ({ filename }, index) => Promise.resolve(outputOf(filename, index)),
    storeSheet: (_pictures, index) => Promise.resolve({ ...outputOf('sheet', index), kind: 'sheet' }),
  };
  let asked = 0;
  const collector = collectOutputs({
    outputs,
    tempOutputs,
    async wantsPreviews() {
      asked += 1;
      return wanted;
    },
    client: { queue: () => Promise.reject(new Error('nobody asks')) },
    timings: { retryMs: 1, storeLimitMs: 1 },
    now: () => 0,
    signal: new AbortController().signal,
    log: pino({ level: 'silent' }),
  });
  const collect = async (made: PromptOutputs): Promise<string[]> => {
    collector.complete(made);
    expect(await collector.settlesWithin(1_000)).toBe(true);
    const stored = await collector.stored();
    return stored.map(({ index, filename, kind }) => `${index} ${filename}${kind === undefined ? '' : ` ${kind}`}`);
  };
  return { collect, asked: () => asked };
}

const two: PromptOutputs = {
  9: { images: [file('a', 'output'), file('b', 'output')] },
  10: { images: [file('p', 'temp'), file('q', 'temp')] },
};

describe('previews beside outputs', () => {
  it('are kept after them and their sheet where somebody looks', async () => {
    const { collect } = setUp();
    expect(await collect(two)).toEqual(['0 a', '1 b', '2 sheet sheet', '3 p preview', '4 q preview']);
  });

  it('are left to ComfyUI where nobody does, or an operator wants none', async () => {
    expect(await setUp({ wanted: false }).collect(two)).toEqual(['0 a', '1 b', '2 sheet sheet']);
    const none = setUp({ tempOutputs: 'never' });
    expect(await none.collect(two)).toEqual(['0 a', '1 b', '2 sheet sheet']);
    expect(none.asked()).toBe(0);
  });

  it('that are gone already are missed, and the outputs are not', async () => {
    expect(await setUp({ gone: ['p'] }).collect(two)).toEqual(['0 a', '1 b', '2 sheet sheet']);
    expect(await setUp({ gone: ['q'] }).collect(two)).toEqual(['0 a', '1 b', '2 sheet sheet', '3 p preview']);
  });

  it('are outputs where there is nothing else, and nobody is asked', async () => {
    const { collect, asked } = setUp();
    expect(await collect({ 10: { images: [file('p', 'temp')] } })).toEqual(['0 p']);
    expect(asked()).toBe(0);
  });
});
