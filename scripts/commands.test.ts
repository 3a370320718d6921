import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import manifest from '../package.json' with { type: 'json' };

const run = promisify(execFile);
/** They hand their arguments on to a tool. */
const tools = new Set(['test', 'test:full', 'check', 'format']);
const commands = Object.keys(manifest.scripts).filter((name) => !tools.has(name));

describe('a mistaken option is refused in one line, and nothing is done, by npm run', () => {
  it.concurrent.each(commands)('%s', async (name) => {
    const program = join(import.meta.dirname, 'run.mjs');
    await expect(run(process.execPath, [program, name, '--no-such-option'])).rejects.toMatchObject({
      code: 2,
      stdout: '',
      stderr: "Unknown option '--no-such-option' (--help shows what there is)\n",
    });
  });
});
