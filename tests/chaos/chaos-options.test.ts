import { describe, expect, it } from 'vitest';
import { parseCommandLine } from '@atelier/shared/config/command-line';
import { chaosCommand, chaosOptionsOf } from './chaos-options.ts';

const parse = (...args: string[]) => chaosOptionsOf(parseCommandLine(chaosCommand, args).values, () => 7);

describe('the options of npm run chaos', () => {
  it('plays 100,000 trials of the lease model unless told otherwise', () => {
    expect(parse('--model')).toMatchObject({ model: true, trials: 100_000 });
    expect(parse('--model', '--trials', '50')).toMatchObject({ model: true, trials: 50 });
  });

  it('makes one run at production timings of a seed of its own without arguments', () => {
    const { trials: _, ...options } = parse();
    expect(options).toEqual({ runs: 1, seed: 7, requests: 240, minutes: undefined, scale: 1, model: false });
  });

  it('makes as many runs as fit into the minutes', () => {
    expect(parse('--minutes', '4').runs).toBeGreaterThan(1_000_000);
    expect(parse('--minutes', '4', '--runs', '2').runs).toBe(2);
  });

  it.each([
    ['--runs', '0'],
    ['--trials', 'all'],
    ['--seed', '-1'],
    ['--seed', '1.5'],
    ['--requests', 'many'],
    ['--minutes', '0'],
    ['--scale', '3'],
  ])('refuses %s %s and names it', (name, value) => {
    expect(() => parse(`${name}=${value}`)).toThrow(name);
  });
});
