/**
 * A 5 × 7 pixel alphabet: machines without any font still get their labels. Each glyph is seven rows
 * of five bits.
 */
const glyphs: Readonly<Record<string, string>> = {
  A: '0E11111F111111',
  B: '1E11111E11111E',
  C: '0E11101010110E',
  D: '1E11111111111E',
  E: '1F10101E10101F',
  F: '1F10101E101010',
  G: '0E11101713110F',
  H: '1111111F111111',
  I: '0E04040404040E',
  J: '0702020202120C',
  K: '11121418141211',
  L: '1010101010101F',
  M: '111B1515111111',
  N: '11191513111111',
  O: '0E11111111110E',
  P: '1E11111E101010',
  Q: '0E11111115120D',
  R: '1E11111E141211',
  S: '0F10100E01011E',
  T: '1F040404040404',
  U: '1111111111110E',
  V: '11111111110A04',
  W: '1111111515150A',
  X: '11110A040A1111',
  Y: '11110A04040404',
  Z: '1F01020408101F',
  0: '0E11131519110E',
  1: '040C040404040E',
  2: '0E11010204081F',
  3: '1F02040201110E',
  4: '02060A121F0202',
  5: '1F101E0101110E',
  6: '0608101E11110E',
  7: '1F010204080808',
  8: '0E11110E11110E',
  9: '0E11110F01020C',
  '.': '00000000000C0C',
  ',': '0000000C0C0408',
  '-': '0000001F000000',
  "'": '0C040800000000',
  '"': '0A0A0A00000000',
  '!': '04040404040004',
  '?': '0E110102040004',
  ':': '000C0C000C0C00',
  '(': '02040808080402',
  ')': '08040202020408',
  '/': '00010204081000',
  '+': '0004041F040400',
  '#': '0A0A1F0A1F0A0A',
  '%': '18190204081303',
  _: '0000000000001F',
  '&': '0C12140815120D',
  '=': '00001F001F0000',
};

/** Columns of one character with its gap. */
export const glyphColumns = 6;
export const glyphRows = 7;

/** A text as the alphabet can write it, without accents, and whether letters or digits are missing from it. */
export function drawableText(text: string): { text: string; isWhole: boolean } {
  const characters = Array.from(text.normalize('NFKD').replaceAll(/\p{M}/gu, '').toUpperCase());
  return {
    text: characters
      .map((character) => (hasGlyph(character) ? character : ' '))
      .join('')
      .replaceAll(/ +/g, ' ')
      .trim(),
    isWhole: characters.every((character) => hasGlyph(character) || !/[\p{L}\p{N}]/u.test(character)),
  };
}

function hasGlyph(character: string): boolean {
  return Object.hasOwn(glyphs, character);
}

/** The set pixels of a text, from 0,0: it is `text.length × 6 - 1` wide and 7 high. What the alphabet lacks stays blank. */
export function textPixels(text: string): { x: number; y: number }[] {
  const pixels: { x: number; y: number }[] = [];
  let left = 0;
  for (const character of text.toUpperCase()) {
    const glyph = hasGlyph(character) ? (glyphs[character] ?? '') : '';
    for (let row = 0; row * 2 < glyph.length; row += 1) {
      const bits = Number.parseInt(glyph.slice(row * 2, row * 2 + 2), 16);
      for (let column = 0; column < 5; column += 1)
        if ((bits & (16 >> column)) !== 0) pixels.push({ x: left + column, y: row });
    }
    left += glyphColumns;
  }
  return pixels;
}
