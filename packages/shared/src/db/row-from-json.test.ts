import { expect, test } from 'vitest';
import { rowFromJson } from './row-from-json.ts';

test('a row in JSON becomes the row that a client would see', () => {
  const row = { finished_at: '2026-11-21T14:30:10.123456+00:00', started_at: null, at: 'x', gpu_seconds: 4 };
  expect(rowFromJson({ ...row, error: { sent_at: 'kept' } })).toEqual({
    finishedAt: new Date('2026-11-21T14:30:10.123Z'),
    startedAt: null,
    at: 'x',
    gpuSeconds: 4,
    error: { sent_at: 'kept' },
  });
});
