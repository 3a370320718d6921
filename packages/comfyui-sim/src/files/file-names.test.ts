import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addressOf, insidePath, splitAnnotation } from './file-names.ts';

describe('file names', () => {
  it.each([
    ['a.png', 'a.png'],
    ['sub/./a.png', 'sub/a.png'],
    ['sub/../a.png', 'a.png'],
    ['a\\b.png', 'a/b.png'],
    ['../a.png', undefined],
    ['sub/../../a.png', undefined],
    ['/etc/passwd', undefined],
    ['C:\\x.png', undefined],
    ['\\\\host\\share', undefined],
    ['a\0.png', undefined],
  ])('%j lies inside as %j', (path, expected) => {
    expect(insidePath(path)).toBe(expected);
  });

  it('reads annotations as ComfyUI does', () => {
    expect(splitAnnotation('a.png [output]')).toEqual({ name: 'a.png', folder: 'output' });
    expect(splitAnnotation('a.png [temp]')).toEqual({ name: 'a.png', folder: 'temp' });
    expect(splitAnnotation('a.png')).toEqual({ name: 'a.png', folder: undefined });
    expect(addressOf('sub/a.png [output]')).toEqual({ folder: 'output', name: 'sub/a.png' });
    expect(addressOf('../a.png [output]')).toBeUndefined();
  });

  it('never leaves the folder', () => {
    const part = fc.constantFrom('..', '.', 'a', 'b c', '', '...');
    fc.assert(
      fc.property(fc.array(part, { maxLength: 8 }), (parts) => {
        expect((insidePath(parts.join('/')) ?? '').split('/')).not.toContain('..');
      }),
      { seed: 5, numRuns: 200 },
    );
  });
});
