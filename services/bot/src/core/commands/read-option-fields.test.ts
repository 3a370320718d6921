import { describe, expect, it } from 'vitest';
import { AppError } from '@atelier/shared/errors/app-error';
import { readOptionFields } from './read-option-fields.ts';

describe('readOptionFields', () => {
  it('reads numbers and texts as a line does', () => {
    expect(readOptionFields({ count: 2, aspect: 'portrait', seed: '18446744073709551615', cfg: 6.5 })).toEqual({
      count: 2,
      aspect: '3:4',
      seed: '18446744073709551615',
      cfg: 6.5,
    });
    expect(readOptionFields({ count: '', negative: '' })).toEqual({});
    expect(readOptionFields({ width: 768, height: 1024 })).toEqual({ width: 768, height: 1024 });
  });

  it.each([
    [{ count: 1_000 }, 'Ask for 1 to 8 pictures'],
    [{ width: 5, height: 5 }, 'The size is width x height'],
    [{ width: 512 }, 'The size is width x height'],
    [{ steps: 1.5 }, '--steps takes a whole number'],
    [{ __proto__x: 1 }, 'There is no option __proto__x'],
    [{ constructor: 'x' }, 'There is no option constructor'],
  ])('says what to change about %j', (fields, sentence) => {
    expect(() => readOptionFields(fields as Record<string, string | number>)).toThrow(AppError);
    expect(() => readOptionFields(fields as Record<string, string | number>)).toThrow(sentence);
  });
});
