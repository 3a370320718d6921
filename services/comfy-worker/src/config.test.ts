import { describe, expect, it } from 'vitest';
import { parseWorkerConfig } from './config.ts';

const env = {
  NATS_URL: 'nats://127.0.0.1:4222',
  DATABASE_URL: 'postgres://atelier@127.0.0.1/atelier',
  COMFYUI_URL: 'http://127.0.0.1:8188',
};

describe('parseWorkerConfig', () => {
  it('holds two prompts in ComfyUI and starts none itself unless told otherwise', () => {
    expect(parseWorkerConfig(env)).toMatchObject({
      depth: 2,
      tempOutputs: 'when_nothing_else',
      comfyuiCommand: undefined,
    });
  });

  it('lets an operator say how long a run may take', () => {
    expect(parseWorkerConfig(env).maxRunSeconds).toBeUndefined();
    expect(parseWorkerConfig({ ...env, ATELIER_MAX_RUN_MINUTES: '90' }).maxRunSeconds).toBe(5_400);
  });

  it('takes a command as a list, so that no shell reads it', () => {
    const command = ['python', 'main.py', '--listen', '127.0.0.1'];
    const config = parseWorkerConfig({ ...env, ATELIER_COMFYUI_COMMAND: JSON.stringify(command) });
    expect(config.comfyuiCommand).toEqual(command);
  });

  it.each(['python main.py', '[]', '[""]', '["python", 3]', '{"program":"python"}'])(
    'refuses the command %s',
    (text) => {
      expect(() => parseWorkerConfig({ ...env, ATELIER_COMFYUI_COMMAND: text })).toThrow(
        'ATELIER_COMFYUI_COMMAND: must be a JSON list of strings',
      );
    },
  );

  it.each(['0', '3', 'two'])('refuses the depth %s', (depth) => {
    expect(() => parseWorkerConfig({ ...env, ATELIER_WORKER_DEPTH: depth })).toThrow('ATELIER_WORKER_DEPTH');
  });

  it('divides every wait of the protocol alike', () => {
    const { timings } = parseWorkerConfig({ ...env, WORKER_TIME_SCALE: '10' });
    expect(timings).toMatchObject({ leaseMs: 700, postAheadMs: 300, prepareAheadMs: 1_000, storeLimitMs: 60_000 });
  });
});
