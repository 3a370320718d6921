import { expect, test } from 'vitest';
import { runFuzz } from './run-fuzz.ts';

const isFull = process.env['ATELIER_TEST_FULL'] === '1';

test('hostile input to every parser: results and ComfyErrors, nothing else', { timeout: 200_000 }, async () => {
  const counts = await runFuzz({
    seconds: isFull ? 90 : 3,
    seed: 7,
    giants: isFull,
    caseLimitMs: 15_000,
    maxHeapMebibytes: 1_536,
  });
  expect(counts.flatMap(({ failures }) => failures)).toEqual([]);
  expect(counts.length).toBeGreaterThanOrEqual(13);
  for (const { results, refusals } of counts) expect(results + refusals).toBeGreaterThan(0);
});
