import type { PictureWish } from '../words-plan.ts';

/** Stands where something was read and taken out. A private-use character, which is removed from texts before they are read. */
export const GAP = '\uE000';

/** Names that this installation knows, to tell "using sdxl" from "using a brush". */
export interface Vocabulary {
  /** Recipe ids. */
  recipes: readonly string[];
  /** Families of recipes, such as `sdxl`. */
  families: readonly string[];
  /** Model file names. */
  models: readonly string[];
}

/**
 * A text while it is being read: rules take out what they understand, and what is left becomes the prompt. The first
 * rule that sets a field wins.
 */
export interface Reading {
  text: string;
  readonly wish: Omit<PictureWish, 'prompt'>;
  /** Whether a picture is attached. */
  readonly hasPicture: boolean;
  readonly vocabulary: Vocabulary;
}

/**
 * Takes out every match for which `use` returns true, or replaces it by the text that `use` returns.
 *
 * @param pattern with the flag `g`, and with no nested repetition: texts come from strangers.
 */
export function take(reading: Reading, pattern: RegExp, use: (groups: string[]) => boolean | string): void {
  reading.text = reading.text.replace(pattern, (match: string, ...rest: unknown[]) => {
    const groups = rest.slice(
      0,
      rest.findIndex((value) => typeof value === 'number'),
    );
    const outcome = use(groups.map((group) => (typeof group === 'string' ? group : '')));
    if (typeof outcome === 'string') return outcome;
    return outcome ? ` ${GAP} ` : match;
  });
}

/** Parts of a text between punctuation and gaps, with the delimiters kept at odd positions. */
function splitSegments(text: string): string[] {
  return text.split(/([,，、;；。！!\n\uE000]|\.(?=\s|$)|\s[-–—|]\s)/);
}

/** Takes out each segment that `use` understands. */
export function takeSegments(reading: Reading, use: (segment: string) => boolean): void {
  const parts = splitSegments(reading.text);
  reading.text = parts
    .map((part, index) => (index % 2 === 0 && part.trim() !== '' && use(part.trim()) ? ` ${GAP} ` : part))
    .join('');
}

/** Whether something besides punctuation and gaps is left. */
export function hasWords(text: string): boolean {
  return /[\p{L}\p{N}]/u.test(text);
}

/** Whether a segment is left that could be the subject: one with words that are not these. */
export function hasOtherSegment(text: string, pattern: RegExp): boolean {
  return splitSegments(text).some((part) => hasWords(part) && !pattern.test(part.trim()));
}
