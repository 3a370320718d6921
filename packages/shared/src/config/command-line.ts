import { parseArgs } from 'node:util';
import { z } from 'zod';

/** How a command of the terminal is called. */
export interface CommandLine<Options extends Record<string, z.ZodType>> {
  /** What `--help` shows. */
  usage: string;
  /** By their names without dashes. One that is `true` or `false` where it is left out takes no value. */
  options: Options;
  /** Whether it takes words that belong to no option. */
  takesWords?: boolean;
}

/** One call of a command. */
export interface CommandCall<Options extends Record<string, z.ZodType>> {
  values: z.infer<z.ZodObject<Options>>;
  words: readonly string[];
}

/** A mistake in how a command was called. The message is one line that names it, and is shown without a stack. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Reads the arguments of a command. @throws UsageError that names the first mistake. */
export function parseCommandLine<Options extends Record<string, z.ZodType>>(
  command: CommandLine<Options>,
  args: readonly string[],
): CommandCall<Options> {
  const { values, positionals } = readArgs(command, args);
  const read = z.object(command.options).safeParse(values);
  if (!read.success) {
    const [issue] = read.error.issues;
    throw new UsageError(`--${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'is wrong'}`);
  }
  return { values: read.data, words: positionals };
}

/**
 * Runs a command: `--help`, wherever it stands, prints its usage, a mistake in the call one line; anything else is up to
 * `run`, which may throw UsageError as well.
 *
 * @returns the exit code: 0 after `--help`, 2 for a mistake in the call, else what `run` gave.
 */
export async function runCommandLine<Options extends Record<string, z.ZodType>>(
  command: CommandLine<Options>,
  args: readonly string[],
  run: (call: CommandCall<Options>) => Promise<number>,
): Promise<number> {
  if (args.includes('--help') || args.includes('-h')) {
    console.log(command.usage);
    return 0;
  }
  try {
    return await run(parseCommandLine(command, args));
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(`${error.message} (--help shows what there is)`);
    return 2;
  }
}

function readArgs(command: CommandLine<Record<string, z.ZodType>>, args: readonly string[]) {
  const types = Object.entries(command.options).map(([name, schema]) => {
    const isSwitch = typeof schema.safeParse(undefined).data === 'boolean';
    return [name, { type: isSwitch ? 'boolean' : 'string' }] as const;
  });
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: command.takesWords ?? false,
      options: Object.fromEntries(types),
    });
  } catch (cause) {
    // What Node adds to its first sentence are ways round that no command here needs.
    const [sentence = 'this call cannot be read'] = cause instanceof Error ? cause.message.split(/\.?\s*\n|\. /) : [];
    throw new UsageError(sentence, { cause });
  }
}
