import { expect, test } from 'vitest';
import { parsePostmasterFile } from './postmaster-pid.ts';

const lines = ['4711', '/home/x/data', '1767312000', '5433', '', '127.0.0.1', ' 1234567  98', 'ready   ', ''];

test('a complete file is read', () => {
  expect(parsePostmasterFile(lines.join('\n'))).toEqual({
    pid: 4711,
    dataDir: '/home/x/data',
    port: 5433,
    ready: true,
  });
});

test('a server that is still starting is not ready', () => {
  expect(parsePostmasterFile(lines.with(7, 'starting').join('\n'))?.ready).toBe(false);
  expect(parsePostmasterFile(lines.slice(0, 5).join('\n'))?.ready).toBe(false);
});

test.each([[''], ['4711'], ['-12\n/home/x/data'], ['1\n/'], ['x\n/home']])('%j says nothing yet', (text) => {
  expect(parsePostmasterFile(text)).toBeUndefined();
});
