import { describe, expect, it } from 'vitest';
import { parseImagineCall } from './imagine-options.ts';

describe('parseImagineCall', () => {
  it('joins words and reads options', () => {
    const call = parseImagineCall([
      'a red',
      'fox',
      '--count',
      '2',
      '--aspect',
      '3:4',
      '--seed',
      '18446744073709551615',
    ]);
    expect(call).toMatchObject({
      words: 'a red fox',
      // As text: a number would lose its last digits.
      options: { count: 2, aspect: '3:4', seed: '18446744073709551615' },
      outDir: 'out',
      language: 'en',
    });
  });

  it('splits a size', () => {
    expect(parseImagineCall(['fox', '--size', '768x1024']).options).toEqual({ width: 768, height: 1024 });
  });

  it.each([
    [[], 'Say what you want to see'],
    [['fox', '--size', 'big'], '--size is width x height'],
    [['fox', '--count', 'two'], '--count takes a number'],
    [['fox', '--lang', 'fr'], '--lang is en or zh'],
    [['fox', '--colour', 'red'], '--colour'],
  ])('says what is wrong with %j', (args, sentence) => {
    expect(() => parseImagineCall(args)).toThrow(sentence);
  });
});
