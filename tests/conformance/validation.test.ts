import { expect, test } from 'vitest';
import { runValidationCases } from './validation-cases.ts';

test('the validator answers every recorded prompt as the real servers did', () => {
  const results = runValidationCases();
  expect(
    results.flatMap(({ version, disagreements }) =>
      disagreements.map((disagreement) => ({ version, ...disagreement })),
    ),
  ).toEqual([]);
  expect(results.map(({ version, agreed, total }) => `${version}: ${agreed}/${total}`)).toEqual([
    '0.3.64: 400/400',
    '0.8.0: 400/400',
  ]);
});
