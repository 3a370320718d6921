/**
 * How many bytes each of several files may have in a message: what small ones leave, large ones get.
 *
 * @returns in the given order; never more than `maxFileBytes`, together never more than `maxTotalBytes`.
 */
export function shareBytes(sizes: readonly number[], maxFileBytes: number, maxTotalBytes: number): number[] {
  const shares = sizes.map(() => 0);
  const bySize = [...sizes.entries()].sort(([, a], [, b]) => a - b);
  let left = maxTotalBytes;
  for (const [rank, [index, size]] of bySize.entries()) {
    const fair = Math.floor(left / (bySize.length - rank));
    shares[index] = Math.min(maxFileBytes, fair);
    left -= Math.min(size, shares[index]);
  }
  return shares;
}
