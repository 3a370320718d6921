import { describe, expect, it } from 'vitest';
import { parseCommandLine } from '@atelier/shared/config/command-line';
import { imagineCallOf, imagineCommand } from './imagine-options.ts';

const parse = (args: readonly string[]) => imagineCallOf(parseCommandLine(imagineCommand, args));

describe('the call of npm run imagine', () => {
  it('joins words and reads options', () => {
    const call = parse(['a red', 'fox', '--count', '2', '--aspect', '3:4', '--seed', '18446744073709551615']);
    expect(call).toMatchObject({
      words: 'a red fox',
      // As text: a number would lose its last digits.
      options: { count: 2, aspect: '3:4', seed: '18446744073709551615' },
      outDir: 'out',
      language: 'en',
    });
  });

  it('splits a size', () => {
    expect(parse(['fox', '--size', '768x1024']).options).toEqual({ width: 768, height: 1024 });
  });

  it.each([
    [[], 'Say what you want to see'],
    [['fox', '--size', 'big'], '--size: must be width x height'],
    [['fox', '--count', 'two'], '--count: must be a number'],
    [['fox', '--lang', 'fr'], '--lang: must be en or zh'],
    [['fox', '--colour', 'red'], '--colour'],
  ])('says what is wrong with %j', (args, sentence) => {
    expect(() => parse(args)).toThrow(sentence);
  });
});
