import { afterEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { parseCommandLine, runCommandLine, UsageError, type CommandLine } from './command-line.ts';
import { intSetting } from './parse-config.ts';

const options = {
  count: intSetting(1, 8).optional(),
  out: z.string().default('here'),
  quick: z.boolean().default(false),
};
const command: CommandLine<typeof options> = { usage: 'npm run draw -- WORDS [--count N]', options, takesWords: true };

afterEach(() => vi.restoreAllMocks());

describe('the arguments of a command', () => {
  it('are options by their types, and words', () => {
    expect(parseCommandLine(command, ['red', '--count', '3', '--quick', 'fox'])).toEqual({
      values: { count: 3, out: 'here', quick: true },
      words: ['red', 'fox'],
    });
  });

  it.each([
    [['--colour', 'red'], "Unknown option '--colour'"],
    [['--count', 'many'], '--count: must be a whole number from 1 to 8'],
    [['--count'], "Option '--count <value>' argument missing"],
    [['--count', '--quick'], "Option '--count' argument is ambiguous"],
    [['--quick=yes'], "Option '--quick' does not take an argument"],
  ])('%j are refused in one line', (args, sentence) => {
    expect(() => parseCommandLine(command, args)).toThrow(new UsageError(sentence));
  });

  it('are options alone where no words are taken', () => {
    expect(() => parseCommandLine({ ...command, takesWords: false }, ['fox'])).toThrow(
      new UsageError("Unexpected argument 'fox'"),
    );
  });
});

describe('a command', () => {
  const told = () => ({
    out: vi.spyOn(console, 'log').mockReturnValue(undefined),
    err: vi.spyOn(console, 'error').mockReturnValue(undefined),
  });

  it.each(['--help', '-h'])('shows its usage at %s and does nothing else', async (option) => {
    const { out } = told();
    const run = vi.fn<() => Promise<number>>();
    expect(await runCommandLine(command, ['--colour', option], run)).toBe(0);
    expect(out).toHaveBeenCalledWith(command.usage);
    expect(run).not.toHaveBeenCalled();
  });

  it('ends with 2 at a mistake in its call, whoever finds it, and else as it says', async () => {
    const { err } = told();
    const code = (args: string[], run: () => Promise<number>) => runCommandLine(command, args, run);
    expect(await code(['--colour'], () => Promise.resolve(0))).toBe(2);
    expect(await code([], () => Promise.reject(new UsageError('say what to draw')))).toBe(2);
    expect(err.mock.calls.flat()).toEqual([
      "Unknown option '--colour' (--help shows what there is)",
      'say what to draw (--help shows what there is)',
    ]);
    expect(await code(['fox'], () => Promise.resolve(1))).toBe(1);
    await expect(code(['fox'], () => Promise.reject(new Error('a bug')))).rejects.toThrow('a bug');
  });
});
