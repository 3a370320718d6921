import type { Range } from './messages.ts';

/** Rounds seconds to what a person would say, `10–20 s`, `2–3 min`, in the given units. */
export function durationWords(
  { low, high }: Range,
  units: { seconds: string; minutes: string; hours: string },
): string {
  if (high < 90) return spread(roundSeconds(low), roundSeconds(high), units.seconds);
  const [size, unit] = high < 5_400 ? [60, units.minutes] : [3_600, units.hours];
  return spread(Math.max(1, Math.round(low / size)), Math.max(1, Math.round(high / size)), unit);
}

function roundSeconds(seconds: number): number {
  return seconds < 10 ? Math.max(1, Math.round(seconds)) : Math.round(seconds / 5) * 5;
}

function spread(low: number, high: number, unit: string): string {
  return low >= high ? `${high} ${unit}` : `${low}–${high} ${unit}`;
}
