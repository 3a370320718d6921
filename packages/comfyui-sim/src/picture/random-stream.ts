import { createHash } from 'node:crypto';

/** Numbers that look random and depend on the parts alone. */
export interface RandomStream {
  /** From 0 to below 1. */
  next: () => number;
  between: (low: number, high: number) => number;
  pick: <T>(items: readonly [T, ...T[]]) => T;
}

/** The same parts give the same stream, on every machine. */
export function createRandomStream(...parts: readonly (string | number | bigint)[]): RandomStream {
  const digest = createHash('sha256').update(parts.map(String).join('\n')).digest();
  // xoshiro128** by its four words of state.
  const state = new Uint32Array([0, 4, 8, 12].map((offset) => digest.readUInt32LE(offset)));
  const rotate = (value: number, bits: number): number => (value << bits) | (value >>> (32 - bits));
  const next = (): number => {
    const [a = 0, b = 0, c = 0, d = 0] = state;
    const result = Math.imul(rotate(Math.imul(b, 5), 7), 9) >>> 0;
    const shifted = b << 9;
    state[2] = c ^ a;
    state[3] = d ^ b;
    state[1] = b ^ (state[2] ?? 0);
    state[0] = a ^ (state[3] ?? 0);
    state[2] = (state[2] ?? 0) ^ shifted;
    state[3] = rotate(state[3] ?? 0, 11);
    return result / 2 ** 32;
  };
  return {
    next,
    between: (low, high) => low + (high - low) * next(),
    pick: (items) => items[Math.floor(next() * items.length)] ?? items[0],
  };
}
