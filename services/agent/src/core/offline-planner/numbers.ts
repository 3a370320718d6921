const ENGLISH: ReadonlyMap<string, number> = new Map([
  ['zero', 0],
  ['one', 1],
  ['two', 2],
  ['three', 3],
  ['four', 4],
  ['five', 5],
  ['six', 6],
  ['seven', 7],
  ['eight', 8],
  ['nine', 9],
  ['ten', 10],
  ['eleven', 11],
  ['twelve', 12],
  ['twenty', 20],
  ['fifty', 50],
  ['a pair of', 2],
  ['a couple of', 2],
  ['a couple', 2],
  ['a few', 3],
  ['several', 4],
  ['a dozen', 12],
  ['dozen', 12],
  ['a hundred', 100],
  ['hundred', 100],
  ['one hundred', 100],
  ['a thousand', 1000],
  ['thousand', 1000],
  ['one thousand', 1000],
]);

const HAN_DIGITS: ReadonlyMap<string, number> = new Map([
  ['零', 0],
  ['〇', 0],
  ['一', 1],
  ['二', 2],
  ['两', 2],
  ['俩', 2],
  ['三', 3],
  ['仨', 3],
  ['四', 4],
  ['五', 5],
  ['六', 6],
  ['七', 7],
  ['八', 8],
  ['九', 9],
]);
const HAN_UNITS: ReadonlyMap<string, number> = new Map([
  ['十', 10],
  ['百', 100],
  ['千', 1000],
]);

/** Source of a regular expression for a count in English or in digits. */
export const ENGLISH_NUMBER = `(?:\\d{1,6}|${[...ENGLISH.keys()].sort((a, b) => b.length - a.length).join('|')})`;
/** The same for Chinese; 几 and 多 are "a few". */
export const HAN_NUMBER = '(?:\\d{1,6}|[零〇一二两俩三仨四五六七八九十百千]{1,6}|几|多)';

/** The number that a match of {@link ENGLISH_NUMBER} or {@link HAN_NUMBER} stands for; NaN for anything else. */
export function parseNumber(text: string): number {
  const word = text.trim().toLowerCase().replaceAll(/\s+/g, ' ');
  if (/^\d+$/.test(word)) return Number(word);
  const english = ENGLISH.get(word);
  if (english !== undefined) return english;
  if (word === '几' || word === '多') return 3;
  let total = 0;
  let digit: number | undefined;
  for (const character of word) {
    const unit = HAN_UNITS.get(character);
    const value = HAN_DIGITS.get(character);
    if (unit !== undefined) {
      total += (digit ?? 1) * unit;
      digit = undefined;
    } else if (value === undefined) return Number.NaN;
    else digit = value;
  }
  return total + (digit ?? 0);
}
