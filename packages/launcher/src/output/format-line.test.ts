import { expect, test } from 'vitest';
import { formatLine } from './format-line.ts';

const entry = { level: 40, time: '2026-01-02T03:04:05.678Z', service: 'bot', msg: 'slow answer' };

test('a log line is shortened to time, level, text and fields', () => {
  expect(formatLine('bot', JSON.stringify({ ...entry, pid: 7, job_id: 'j1', waitedMs: 12 }), 'warn')).toBe(
    'bot           03:04:05 warn slow answer job_id=j1 waitedMs=12',
  );
});

test('of an error only its message is shown', () => {
  const text = JSON.stringify({ ...entry, level: 50, err: { type: 'Error', message: 'refused', stack: 'long' } });
  expect(formatLine('bot', text, 'warn')).toBe('bot           03:04:05 error slow answer error=refused');
});

test('lines below the level are left to the file', () => {
  expect(formatLine('bot', JSON.stringify({ ...entry, level: 30 }), 'warn')).toBeUndefined();
  expect(formatLine('bot', JSON.stringify({ ...entry, level: 30 }), 'info')).toContain('info slow answer');
});

test.each([['Error: something broke'], ['{ not json'], ['{"no":"level"}']])(
  'other text is shown as it is: %s',
  (text) => {
    expect(formatLine('bot', text, 'error')).toBe(`bot           ${text}`);
  },
);

test('blank lines are dropped', () => {
  expect(formatLine('bot', '   ', 'trace')).toBeUndefined();
});
