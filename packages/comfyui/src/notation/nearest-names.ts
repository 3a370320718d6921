/** Edit distance with a cap: anything above `limit` is reported as `limit + 1`. */
function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row];
    let best = row;
    for (let column = 1; column <= b.length; column += 1) {
      const cost = a[row - 1] === b[column - 1] ? 0 : 1;
      const value = Math.min(
        (previous[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (previous[column - 1] ?? 0) + cost,
      );
      current.push(value);
      best = Math.min(best, value);
    }
    if (best > limit) return limit + 1;
    previous = current;
  }
  return previous[b.length] ?? limit + 1;
}

/** Letters and digits alone, so that `Euler A`, `euler_a` and `euler-a` meet. */
function normalise(name: string): string {
  return name.toLowerCase().replaceAll(/[^\p{L}\p{N}]+/gu, '');
}

/**
 * The candidates most like a name that was not found, best first: equal but for case and punctuation, then contained,
 * then few edits apart.
 *
 * @param limit the most to return, default 3; fewer, or none, when nothing is alike.
 */
export function nearestNames(wanted: string, candidates: Iterable<string>, limit = 3): string[] {
  const target = normalise(wanted.slice(0, 100));
  if (target === '') return [];
  const maxEdits = Math.max(2, Math.floor(target.length / 3));
  const ranked: { name: string; score: number }[] = [];
  for (const name of candidates) {
    const candidate = normalise(name.slice(0, 200));
    if (candidate === '') continue;
    let score: number;
    if (candidate === target) score = 0;
    else if (candidate.length >= 3 && target.length >= 3 && (candidate.includes(target) || target.includes(candidate)))
      score = 1 + Math.abs(candidate.length - target.length) / 100;
    else {
      const distance = editDistance(target, candidate, maxEdits);
      if (distance > maxEdits) continue;
      score = 2 + distance;
    }
    ranked.push({ name, score });
  }
  return ranked
    .sort((a, b) => a.score - b.score || (a.name < b.name ? -1 : 1))
    .slice(0, limit)
    .map((entry) => entry.name);
}

/** A sentence that offers the nearest names, or lists the first of a short set, or undefined. */
export function hintNearest(wanted: string, candidates: readonly string[]): string | undefined {
  const near = nearestNames(wanted, candidates);
  if (near.length > 0) return `Did you mean ${near.join(', ')}?`;
  if (candidates.length === 0) return undefined;
  const shown = candidates.slice(0, 12).join(', ');
  return candidates.length <= 12 ? `There are: ${shown}.` : `There are ${candidates.length}, such as ${shown}.`;
}
