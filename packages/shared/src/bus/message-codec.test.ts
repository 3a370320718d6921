import { describe, expect, it } from 'vitest';
import { AppError, type AppErrorCode } from '../errors/app-error.ts';
import { createMessageCodec } from './message-codec.ts';

const id = '0b6cfbd0-6f0e-4d5c-9d1e-0d1a5a3c1f11';
const requestId = '7d3b1f7e-1f3c-4a55-8a53-2f4f3d1e9a22';
const codec = createMessageCodec({ randomId: () => id, now: () => Date.UTC(2026, 0, 2) });
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const event = { requestId, door: 'web', state: 'accepted', version: 3 } as const;

describe('messages', () => {
  it('carry id, correlation id and time around their data', () => {
    const text = codec.encode('requestSubmitted', event, { correlationId: requestId });
    expect(JSON.parse(text)).toEqual({
      id,
      correlationId: requestId,
      time: '2026-01-02T00:00:00.000Z',
      data: event,
    });
    expect(codec.decode('requestSubmitted', bytes(text)).data).toEqual(event);
  });

  it('correlate to themselves where nothing else is given', () => {
    expect(JSON.parse(codec.encode('requestSubmitted', event, {}))).toMatchObject({ id, correlationId: id });
  });

  it.each([
    ['not JSON', '{'],
    ['no envelope', JSON.stringify(event)],
    ['data of another subject', codec.encode('recipeList', {}, {})],
    ['a field that is unknown', codec.encode('requestSubmitted', event, {}).replace('"door"', '"more":1,"door"')],
  ])('are refused: %s', (_name, text) => {
    expect(() => codec.decode('requestSubmitted', bytes(text))).toThrow(AppError);
  });

  it('are refused where they are not UTF-8', () => {
    expect(() => codec.decode('requestSubmitted', Uint8Array.of(0x22, 0xff, 0x22))).toThrow(/not JSON/);
  });

  it('name the wrong fields and never their values', () => {
    const wrong = codec.encode('requestSubmitted', event, {}).replace('accepted', 'private words');
    expect(() => codec.decode('requestSubmitted', bytes(wrong))).toThrow(/data\.state/);
    expect(() => codec.decode('requestSubmitted', bytes(wrong))).not.toThrow(/private words/);
  });
});

describe('answers', () => {
  it('come back as they were given', () => {
    const text = codec.encodeAnswer('workerCommand', { ok: true }, requestId);
    expect(JSON.parse(text)).toMatchObject({ correlationId: requestId, data: { ok: true, data: { ok: true } } });
    expect(codec.decodeAnswer('workerCommand', bytes(text))).toEqual({ ok: true });
  });

  it.each<AppErrorCode>(['invalid_input', 'not_found', 'forbidden', 'conflict', 'rate_limited', 'too_large'])(
    'carry the refusal %s',
    (code) => {
      const publicMessage = { en: 'No.', zh: '不行。' };
      const text = codec.encodeFailure(new AppError(code, 'for the log', { publicMessage }), requestId);
      expect(text).not.toContain('for the log');
      expect(() => codec.decodeAnswer('workerCommand', bytes(text))).toThrow(
        expect.objectContaining({ name: 'AppError', code, publicMessage }),
      );
    },
  );

  it('with a code from a newer version are internal, with their words kept', () => {
    const text = codec.encodeFailure(new AppError('conflict', ''), requestId).replace('"conflict"', '"brand_new"');
    expect(() => codec.decodeAnswer('workerCommand', bytes(text))).toThrow(
      expect.objectContaining({ code: 'internal', message: expect.stringContaining('changed meanwhile') }),
    );
  });
});
