import { describe, expect, it } from 'vitest';
import { AppError, invalidInput, toPublicError, type AppErrorCode } from './app-error.ts';

const codes: AppErrorCode[] = [
  'invalid_input',
  'not_found',
  'forbidden',
  'conflict',
  'unavailable',
  'rate_limited',
  'too_large',
  'fenced',
  'config',
  'internal',
];

describe('an error of ours', () => {
  it.each(codes)('%s has a sentence for people in both languages', (code) => {
    const { en, zh } = new AppError(code, 'for the log').publicMessage;
    expect(en).toMatch(/^[A-Z].*\.$/);
    expect(zh).toMatch(/[\u4e00-\u9fff].*。$/u);
    expect(en).not.toContain('for the log');
  });

  it('may be retried where time alone can help', () => {
    const retried = codes.filter((code) => new AppError(code, '').retry !== 'never');
    expect(retried).toEqual(['unavailable', 'rate_limited']);
    expect(new AppError('conflict', '', { retry: { afterMs: 50 } }).retry).toEqual({ afterMs: 50 });
  });

  it('keeps its cause, and has none where none was given', () => {
    const cause = new Error('why');
    expect(new AppError('internal', '', { cause }).cause).toBe(cause);
    expect('cause' in new AppError('internal', '')).toBe(false);
  });

  it('about bad input says the same to the log and to the person', () => {
    const error = invalidInput('Ask for 1 to 8 pictures.', '请要求 1 到 8 张图片。', { count: 0 });
    expect(error).toMatchObject({ code: 'invalid_input', retry: 'never', details: { count: 0 } });
    expect(toPublicError(error)).toEqual({
      code: 'invalid_input',
      message: { en: 'Ask for 1 to 8 pictures.', zh: '请要求 1 到 8 张图片。' },
    });
  });
});

describe('what a person reads of an error', () => {
  it.each([new TypeError('x is undefined at /srv/secret'), 'a thrown text', undefined, { code: 'forbidden' }])(
    'says nothing of a bug but that there is one: %s',
    (thrown) => {
      const shown = toPublicError(thrown);
      expect(shown.code).toBe('internal');
      expect(shown.message).toEqual(new AppError('internal', '').publicMessage);
    },
  );
});
