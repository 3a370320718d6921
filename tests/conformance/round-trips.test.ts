import { expect, test } from 'vitest';
import { runRoundTripCases } from './round-trip-cases.ts';
import { countRecipeTokens } from './token-ratio.ts';

test('every recipe and every recorded prompt comes back from link notation and from the front-end format', () => {
  const results = runRoundTripCases();
  expect(results.filter(({ different }) => different.length > 0)).toEqual([]);
  expect(results.map(({ total }) => total >= 25)).not.toContain(false);
});

test('link notation of the recipes takes at most a quarter of the tokens of what the front end exports', () => {
  const [exported, minified] = countRecipeTokens().map(({ notation, json }) => notation / json);
  expect(exported).toBeLessThanOrEqual(0.25);
  expect(minified).toBeLessThan(0.45);
});
