import { createHash } from 'node:crypto';

const BYTES = 6;

/** Chance that is the same for the same seed: numbers from 0 up to 1, 48 bits each. */
export function seededRandom(seed: string): () => number {
  let drawn = 0;
  return () => createHash('sha256').update(`${seed}:${drawn++}`).digest().readUIntBE(0, BYTES) / 2 ** (8 * BYTES);
}
