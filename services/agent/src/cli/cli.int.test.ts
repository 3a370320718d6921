import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import {
  startScriptedAnthropic,
  textMessage,
  type ScriptedAnthropic,
} from '../../../../tests/support/anthropic/scripted-anthropic.ts';
import { toolMessage } from '../../../../tests/support/anthropic/tool-steps.ts';

let claude: ScriptedAnthropic;
beforeAll(async () => {
  claude = await startScriptedAnthropic();
});
afterAll(() => claude.close());
beforeEach(() => claude.reset());

async function run(args: string[], env: Record<string, string> = {}): Promise<{ code: number; said: string }> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'main.ts'), ...args], {
    env: { PATH: process.env['PATH'], ANTHROPIC_BASE_URL: claude.url, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [out, err, code] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise<number>((resolve) => child.once('exit', (status) => resolve(status ?? -1))),
  ]);
  return { code, said: out + err };
}

test('prints each step of a conversation, its jobs and its cost', async () => {
  claude.script(
    toolMessage([['search', { in: 'models' }]], { say: 'I look first.' }),
    toolMessage([['run', { make: { prompt: 'a red fox' }, count: 2 }]]),
    textMessage('Two foxes would be drawn.'),
  );
  const { code, said } = await run(['two', 'foxes', '--dry-run'], { ANTHROPIC_API_KEY: 'any' });
  expect(said).toMatch(
    /dry run.*I look first\..*→ search.*← search: <data>.*→ run .*← run: Queued\. 2 picture.*agent: Two foxes would be drawn\..*3 calls.*\$0\.00/s,
  );
  expect(code).toBe(0);
});

test('says what is missing', async () => {
  expect(await run(['a fox'])).toMatchObject({ code: 1, said: expect.stringContaining('ANTHROPIC_API_KEY') });
  expect(await run([])).toMatchObject({ code: 2, said: expect.stringContaining('--help') });
});

test('an address that gives nothing ends with a sentence', async () => {
  claude.script({ kind: 'error', status: 401, type: 'authentication_error' });
  const { code, said } = await run(['a fox'], { ANTHROPIC_API_KEY: 'any' });
  expect(said).toContain('not set up correctly');
  expect(code).toBe(1);
});
