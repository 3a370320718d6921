import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { commandLineOf, identifyProcess, isAlive, isSameProcess, parseProcessStatus } from './process-identity.ts';

test('a status line is read, whatever the name of the program is', () => {
  const numbers = Array.from({ length: 40 }, (_, index) => String(index + 4)).join(' ');
  expect(parseProcessStatus(`12 (a) b (c) S ${numbers}`)).toEqual({ state: 'S', startTicks: '22' });
  expect(parseProcessStatus('')).toBeUndefined();
});

test('a process is itself while it runs and nobody once it is gone', async () => {
  const child = spawn('/bin/sh', ['-c', 'read -r _; : marker-of-this-test'], { stdio: ['pipe', 'ignore', 'ignore'] });
  const pid = child.pid ?? 0;
  const identity = await identifyProcess(pid);
  expect(await isSameProcess(identity)).toBe(true);
  expect(await isSameProcess({ ...identity, started: `${identity.started}0` })).toBe(false);
  expect(await commandLineOf(pid)).toContain('marker-of-this-test');
  child.stdin.end();
  await once(child, 'close');
  expect(await isSameProcess(identity)).toBe(false);
  expect(isAlive(pid)).toBe(false);
  expect(await isSameProcess({ pid, started: '' })).toBe(false);
});
