/** The marks in which a run is told things; see `writeOpening` and the system prompt. */
const MARKS = /<(\/?)(data|quoted|message|state|conversation|server)/gi;

/** Text that can neither begin nor end a mark. */
export function neutral(text: string): string {
  return text.replaceAll(MARKS, '‹$1$2');
}

/** The same in one line, without quotation marks: for an attribute, or within a sentence. */
export function neutralInline(text: string, maxChars: number): string {
  return neutral(text)
    .replaceAll(/["\n\r\u2028\u2029]/g, ' ')
    .slice(0, maxChars);
}

/**
 * Marks text that came from elsewhere (names, descriptions, metadata, prompts of others) as data, so that nothing in it
 * reads as an instruction or as the end of the mark.
 */
export function asData(text: string): string {
  return `<data>\n${neutral(text)}\n</data>`;
}

/**
 * The same value without what Postgres cannot keep as text: NUL characters and halves of surrogate pairs, which a model may
 * write and nobody misses. Keys of objects stay their own, whatever they are called.
 */
export function storable(value: unknown): unknown {
  if (typeof value === 'string') return storableText(value);
  if (Array.isArray(value)) return value.map(storable);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [storableText(key), storable(entry)]));
}

export function storableText(text: string): string {
  return text.toWellFormed().replaceAll('\u0000', '');
}
