/**
 * Those that fit what was typed: what begins with it first, then words of it that begin so, then what has it somewhere;
 * their own order within. All of them where nothing was typed yet.
 */
export function bestMatches<T extends { value: string; label: string }>(
  all: readonly T[],
  typed: string,
  limit: number,
): T[] {
  const wanted = typed.trim().toLowerCase();
  if (wanted === '') return all.slice(0, limit);
  const ranked = all.flatMap((one) => {
    const rank = Math.min(rankOf(one.value.toLowerCase(), wanted), rankOf(one.label.toLowerCase(), wanted));
    return rank === Infinity ? [] : [{ one, rank }];
  });
  return ranked
    .toSorted((a, b) => a.rank - b.rank)
    .slice(0, limit)
    .map(({ one }) => one);
}

function rankOf(text: string, wanted: string): number {
  const at = text.indexOf(wanted);
  if (at === 0) return 0;
  if (at > 0) return /[\p{L}\p{N}]/u.test(text.charAt(at - 1)) ? 2 : 1;
  // Every word of it somewhere: `xl base` fits `sd_xl_base_1.0`.
  return wanted.split(/\s+/).every((word) => text.includes(word)) ? 3 : Infinity;
}
