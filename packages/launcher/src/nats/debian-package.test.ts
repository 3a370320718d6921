import { describe, expect, test } from 'vitest';
import { chooseAptSource, debianMirror } from './debian-package.ts';

const deb822 = 'Types: deb\n# http://old.example/debian\nURIs: http://mirror.example/debian/\nSuites: bookworm\n';

describe('chooseAptSource', () => {
  test('Debian 12 takes the next release from its own mirror, signed by the archive keyring', () => {
    expect(chooseAptSource('ID=debian\nVERSION_ID="12"\n', deb822, true)).toEqual({
      kind: 'line',
      line: 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://mirror.example/debian trixie main',
    });
  });

  test.each([
    ['Debian 13', 'ID=debian\nVERSION_ID="13"\n', true],
    ['Debian testing, which has no number', 'ID=debian\nVERSION_CODENAME=forky\n', true],
    ['Ubuntu', 'ID=ubuntu\nVERSION_ID="24.04"\n', true],
    [
      'an old Debian without the keyring, since nothing could vouch for the package',
      'ID=debian\nVERSION_ID=11\n',
      false,
    ],
  ])('%s asks its own sources', (_name, osRelease, hasKeyring) => {
    expect(chooseAptSource(osRelease, deb822, hasKeyring)).toEqual({ kind: 'system' });
  });
});

describe('debianMirror', () => {
  test.each([
    ['one-line style', 'deb [arch=amd64] https://near.example/debian bookworm main', 'https://near.example/debian'],
    [
      'security archives are passed over',
      'deb http://x.example/debian-security a main\ndeb http://y.example/debian a main',
      'http://y.example/debian',
    ],
    ['comments do not count', '# deb http://x.example/debian bookworm main', 'http://deb.debian.org/debian'],
  ])('%s', (_name, sources, mirror) => {
    expect(debianMirror(sources)).toBe(mirror);
  });
});
