/** A stream of random choices that a seed repeats. */
export interface Random {
  /** From 0 up to, not including, 1. */
  next(): number;
  /** An integer from 0 up to, not including, `below`. */
  integer(below: number): number;
  chance(share: number): boolean;
  pick<T>(items: readonly [T, ...T[]]): T;
}

/** The stream of one case: a seed, a target and a number give the same choices everywhere. */
export function createRandom(seed: number, name: string, number: number): Random {
  let state = seed >>> 0;
  const mix = (value: number): void => {
    state = Math.imul(state ^ value, 0x85ebca6b) >>> 0;
    state = (state ^ (state >>> 13)) >>> 0;
  };
  for (const character of name) mix(character.charCodeAt(0));
  mix(number);
  // The generator known as mulberry32.
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let value = Math.imul(state ^ (state >>> 15), state | 1);
    value ^= value + Math.imul(value ^ (value >>> 7), value | 61);
    return ((value ^ (value >>> 14)) >>> 0) / 4_294_967_296;
  };
  const integer = (below: number): number => Math.floor(next() * below);
  return {
    next,
    integer,
    chance: (share) => next() < share,
    pick: (items) => items[integer(items.length)] ?? items[0],
  };
}
