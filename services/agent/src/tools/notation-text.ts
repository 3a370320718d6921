/** About 3,000 tokens. */
const MAX_CHARS = 10_000;

/** Notation from one of its lines on (counted from 1), as much of it as one answer holds, and where the rest begins. */
export function notationFrom(notation: string, fromLine = 1, maxChars = MAX_CHARS): string {
  const lines = notation.trimEnd().split('\n');
  const shown: string[] = [];
  let left = maxChars;
  for (const line of lines.slice(fromLine - 1)) {
    if (shown.length > 0 && line.length > left) break;
    shown.push(line.slice(0, maxChars));
    left -= line.length + 1;
  }
  const next = fromLine + shown.length;
  if (shown.length === 0) return `It has ${lines.length} lines.`;
  return next > lines.length
    ? shown.join('\n')
    : `${shown.join('\n')}\n… ${lines.length - next + 1} more lines: inspect notation, from_line ${next}`;
}
