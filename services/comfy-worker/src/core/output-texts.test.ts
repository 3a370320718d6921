import { describe, expect, it } from 'vitest';
import { outputTexts } from './output-texts.ts';

describe('outputTexts', () => {
  it('finds the texts of every node, in order, and passes over files, flags and empty ones', () => {
    const outputs = {
      '2': { text: ['a fox', '', 'a whale'] },
      '3': { images: [{ filename: 'x.png' }], animated: [false] },
      '4': { string: 'one word' },
    };
    expect(outputTexts(outputs).map(({ nodeId, text, filename }) => [nodeId, text, filename])).toEqual([
      ['2', 'a fox', 'text-2.txt'],
      ['2', 'a whale', 'text-2-2.txt'],
      ['4', 'one word', 'text-4.txt'],
    ]);
  });
});
