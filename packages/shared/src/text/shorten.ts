/** At most so many UTF-16 code units; what is cut ends in an ellipsis and never in half a character. */
export function shorten(text: string, maxChars: number): string {
  if (text.length <= maxChars) return text;
  if (maxChars < 1) return '';
  return `${text.slice(0, maxChars - 1).replace(/[\uD800-\uDBFF]$/, '')}…`;
}
