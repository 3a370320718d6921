import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findBlockedWord, wordsOf } from './blocked-words.ts';

describe('findBlockedWord', () => {
  it.each([
    ['a red DRAGON', 'dragon'],
    ['ｄｒａｇｏｎ', 'dragon'],
    ['dra\u200bgon', 'dragon'],
    ['a dragonfly', undefined],
    ['the big   bad wolf', 'big bad'],
    ['一条巨龙在飞', '巨龙'],
    ['grass', undefined],
    ['an ass.', 'ass'],
  ])('%j says %j', (text, word) => {
    expect(findBlockedWord(text, ['dragon', 'big bad', '巨龙', 'ass', ' '])).toBe(word);
  });

  it('finds a word between any others', () => {
    fc.assert(
      fc.property(fc.lorem({ maxCount: 5 }), fc.lorem({ maxCount: 5 }), (before, after) => {
        expect(findBlockedWord(`${before} xyzzy ${after}`, ['xyzzy'])).toBe('xyzzy');
      }),
      { numRuns: 50, seed: 7 },
    );
  });
});

describe('wordsOf', () => {
  it('reads what is answered as well: else somebody else would say the word', () => {
    const words = wordsOf({ kind: 'words', text: 'draw that', quoted: 'a dragon' });
    expect(findBlockedWord(words, ['dragon'])).toBe('dragon');
  });
});
