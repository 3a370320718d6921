import { expect, it } from 'vitest';
import { durationWords } from './duration-words.ts';

const units = { seconds: 's', minutes: 'min', hours: 'h' };

it.each([
  [0, 0.2, '1 s'],
  [4.2, 8.9, '4–9 s'],
  [12, 33, '10–35 s'],
  [89, 89.9, '90 s'],
  [20, 90, '1–2 min'],
  [120, 300, '2–5 min'],
  [1_000, 5_399, '17–90 min'],
  [1_800, 5_400, '1–2 h'],
])('says %d to %d seconds as %s', (low, high, words) => expect(durationWords({ low, high }, units)).toBe(words));
