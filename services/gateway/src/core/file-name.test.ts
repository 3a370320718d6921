import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseFilePath } from './file-name.ts';

const anyCharacter = fc.integer({ min: 0, max: 0x10_ffff }).map((code) => String.fromCodePoint(code));
const anyPath = fc
  .array(fc.oneof(fc.constantFrom('a', '/', '..', '.', '\\', '\0', ' ', '%2e', '~'), anyCharacter), { maxLength: 12 })
  .map((parts) => parts.join(''));

describe('the name of an upload', () => {
  it.each(['fox.png', 'fox (1).png', '狐狸.png', 'a.b.c', 'ComfyUI_00001_.png'])('%s is kept', (filename) => {
    expect(parseFilePath({ filename, folder: 'input', subfolder: 'refs/2026/' })).toEqual({
      filename,
      folder: 'input',
      subfolder: 'refs/2026',
    });
  });

  it.each([
    '',
    '.',
    '..',
    '.env',
    'a/b',
    String.raw`a\b`,
    'a\0.png',
    'x [output]',
    'con:',
    ' a',
    'a ',
    'a.',
    '\u202Eg',
    'a'.repeat(201),
  ])('%j is refused', (filename) =>
    expect(() => parseFilePath({ filename, folder: 'input' })).toThrow('FILE_OPERATION_ERROR'),
  );

  it('never leads out of its folder', () => {
    fc.assert(
      fc.property(anyPath, anyPath, (filename, subfolder) => {
        let path;
        try {
          path = parseFilePath({ filename, subfolder, folder: 'input' });
        } catch {
          return;
        }
        const parts = `${path.subfolder}/${path.filename}`.split('/').filter((part) => part !== '');
        for (const part of parts) expect(part).not.toMatch(/^\.|[\\\0]/);
        expect(path.subfolder.startsWith('/')).toBe(false);
      }),
      { seed: 5, numRuns: 500 },
    );
  });
});
