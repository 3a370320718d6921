import fc from 'fast-check';

/** Where the surrogates begin, and how many there are. */
const surrogates = { first: 0xd800, count: 0x800 };

/**
 * Any character, from control characters to the last plane, as the unit of `fc.string`: as the library's own `binary`, which
 * takes seconds to build.
 */
export const anyCharacter: fc.Arbitrary<string> = fc
  .integer({ min: 0, max: 0x10ffff - surrogates.count })
  .map((index) => String.fromCodePoint(index < surrogates.first ? index : index + surrogates.count));
