import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { StartupError } from '../errors/startup-error.ts';

export type Environment = Readonly<Record<string, string>>;

/**
 * The settings in force: the process's variables over those of `.env` in `folder`. A blank value means unset, also when it
 * stands in the process's environment and `.env` has one.
 *
 * @throws StartupError when `.env` exists and cannot be read.
 */
export async function readEnvironment(
  folder: string,
  processEnv: Readonly<Record<string, string | undefined>>,
): Promise<Environment> {
  const file = join(folder, '.env');
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '';
    throw new StartupError(`${file} cannot be read: give yourself the right to read it, or remove it.`, {
      cause: error,
    });
  });
  return mergeEnvironment(parseEnv(text), processEnv);
}

/** `processEnv` over `fileEnv`, without blank values. */
function mergeEnvironment(
  fileEnv: Readonly<Record<string, string | undefined>>,
  processEnv: Readonly<Record<string, string | undefined>>,
): Environment {
  const merged: Record<string, string> = {};
  for (const source of [fileEnv, processEnv])
    for (const [name, value] of Object.entries(source))
      if (value !== undefined && value.trim() !== '') merged[name] = value;
  return merged;
}
