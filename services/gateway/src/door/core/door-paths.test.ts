import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isForeignOrigin } from './foreign-origin.ts';
import { kindOfPath, userFilePath, withoutApi } from './door-paths.ts';
import { fileNamesIn } from './file-names-in.ts';

describe('addresses of ComfyUI', () => {
  it.each([
    ['/', 'frontend'],
    ['/assets/index-abc.js', 'frontend'],
    ['/api/workflow_templates/pack/a fox.json', 'frontend'],
    ['/i18n', 'frontend'],
    ['/internal/logs', 'closed'],
    ['/api/internal/logs', 'closed'],
    ['/manager/reboot', 'closed'],
    ['/v2/manager/queue/install', 'closed'],
    ['/api/v2/manager/x', 'closed'],
    ['/free', 'closed'],
    ['/assets/../internal/logs', 'unknown'],
    ['/assets/%2e%2e/x', 'unknown'],
    ['//evil.example/assets/x', 'unknown'],
    ['/assets\\..\\x', 'unknown'],
    ['/etc/passwd', 'unknown'],
  ])('%s is %s', (path, kind) => {
    expect(kindOfPath(path)).toBe(kind);
  });

  it('stand under /api, too', () => {
    expect([withoutApi('/api/x'), withoutApi('/api'), withoutApi('/apix')]).toEqual(['/x', '/api', '/apix']);
  });
});

describe('paths of a person’s own files', () => {
  it('stay within, whatever is asked', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.webPath(), fc.constantFrom('../a', 'a/../../b', ':settings')), (text) => {
        expect(userFilePath(text) ?? 'inside').not.toMatch(/^\/|:|(?:^|\/)\.\.(?:\/|$)/);
      }),
      { numRuns: 300, seed: 8 },
    );
  });
  it('may begin with a dot', () => {
    expect(userFilePath('workflows/.index.json')).toBe('workflows/.index.json');
  });
});

describe('pages elsewhere', () => {
  const door = { host: '127.0.0.1:8487' };
  it.each([
    [{ ...door }, false],
    [{ ...door, origin: 'http://127.0.0.1:8487' }, false],
    [{ ...door, origin: 'http://127.0.0.1:9999' }, true],
    [{ ...door, origin: 'http://evil.example' }, true],
    [{ ...door, origin: 'null' }, true],
    [{ ...door, origin: 'https://friend.example' }, false],
    [{ host: 'localhost:8487', origin: 'http://127.0.0.1:8487' }, true],
    [{ host: 'comfy.example', origin: 'http://evil.example' }, false],
  ])('%o: foreign %s', (headers, isForeign) => {
    expect(isForeignOrigin(headers, ['https://friend.example'])).toBe(isForeign);
  });
});

describe('files that a prompt names', () => {
  it('are found in inputs alone, without ComfyUI’s annotation', () => {
    const prompt = {
      '1': {
        class_type: 'LoadImage',
        inputs: { image: 'fox.png [input]', more: ['owl.jpg', 0] },
        _meta: { title: 'x.png' },
      },
      '2': { class_type: 'Note', inputs: { text: 'no file' } },
      '3': 'y.png',
    };
    expect(fileNamesIn(prompt)).toEqual(['fox.png', 'owl.jpg']);
    expect(fileNamesIn(['a.png'])).toEqual([]);
  });
});
