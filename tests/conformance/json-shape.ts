/**
 * Where two answers differ in shape: in their keys, in the types of their values, in the length of lists that are no lists of
 * names. Values count only where they are among `texts`.
 *
 * @param at path of both: `response.jobs.0`.
 * @returns a line each: `response.jobs.0.priority: number, string`.
 */
export function shapeDifferences(
  recorded: unknown,
  answered: unknown,
  at: string,
  texts: ReadonlySet<string> = new Set(),
): string[] {
  const [a, b] = [typeOf(recorded), typeOf(answered)];
  if (a !== b) return [`${at}: ${a}, ${b}`];
  if (typeof recorded === 'string' && texts.has(recorded) && recorded !== answered) {
    return [`${at}: ${recorded}, ${String(answered)}`];
  }
  if (Array.isArray(recorded) && Array.isArray(answered)) {
    // Names and numbers: how many there are depends on the server.
    if ([...recorded, ...answered].every((item) => typeof item !== 'object')) return [];
    if (recorded.length !== answered.length) return [`${at}: ${recorded.length} items, ${answered.length} items`];
    return recorded.flatMap((item, index) => shapeDifferences(item, answered[index], `${at}.${index}`, texts));
  }
  if (!isObject(recorded) || !isObject(answered)) return [];
  const keys = [...new Set([...Object.keys(recorded), ...Object.keys(answered)])];
  return keys.flatMap((key) => shapeDifferences(recorded[key], answered[key], `${at}.${key}`, texts));
}

function typeOf(value: unknown): string {
  if (value === undefined) return 'absent';
  if (value === null) return 'null';
  return Array.isArray(value) ? 'list' : typeof value;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
