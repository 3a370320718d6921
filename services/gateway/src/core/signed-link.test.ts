import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isValidLink, signLink } from './signed-link.ts';

const hash = fc.stringMatching(/^[0-9a-f]{64}$/);
const name = fc.option(fc.string({ maxLength: 20 }), { nil: undefined });

describe('a signed link', () => {
  it('is valid until its time, for its file and its name alone', () => {
    fc.assert(
      fc.property(
        hash,
        hash,
        name,
        name,
        fc.integer({ min: 1, max: 10 ** 6 }),
        (file, other, saved, renamed, seconds) => {
          const query = Object.fromEntries(signLink('key', { hash: file, expiresAtMs: seconds * 1_000, name: saved }));
          const link = { expires: query['expires'] ?? '', signature: query['signature'] ?? '', name: query['name'] };
          const at = seconds * 1_000 - 1;
          expect(isValidLink('key', file, link, at)).toBe(true);
          expect(isValidLink('key', file, link, at + 1)).toBe(false);
          expect(isValidLink('other key', file, link, at)).toBe(false);
          expect(isValidLink('key', file, { ...link, expires: `${seconds + 1}` }, at)).toBe(false);
          expect(isValidLink('key', file, { ...link, signature: link.signature.slice(1) }, at)).toBe(false);
          expect(isValidLink('key', other, link, at)).toBe(other === file);
          // No name and an empty one are saved alike.
          const saysTheSame = (renamed ?? '') === (saved ?? '');
          expect(isValidLink('key', file, { ...link, name: renamed }, at)).toBe(saysTheSame);
        },
      ),
      { seed: 3, numRuns: 200 },
    );
  });
});
