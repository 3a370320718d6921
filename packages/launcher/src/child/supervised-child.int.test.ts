import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { isAlive } from './process-identity.ts';
import { superviseChild, type SupervisedChild } from './supervised-child.ts';

const script = join(import.meta.dirname, '../supervisor/fixtures/agent.ts');
/** For what takes milliseconds on a machine that is not busy. */
const patienceMs = 10_000;
let home: string;
let child: SupervisedChild | undefined;
let notices: string[];
let lines: string[];

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'atelier-child-'));
  notices = [];
  lines = [];
});

afterEach(async () => {
  await child?.stop();
  await rm(home, { recursive: true, force: true });
});

function supervise(env: Record<string, string> = {}, stopGraceMs = patienceMs): SupervisedChild {
  child = superviseChild(
    { name: 'agent', script, cwd: home, env: { ATELIER_HOME: home, ...env }, stopGraceMs },
    {
      line: (_name, text) => lines.push(text),
      notice: (_name, text) => notices.push(text),
      changed: () => undefined,
    },
  );
  return child;
}

test('tells when it is ready, passes on what it prints, and drains when stopped', async () => {
  const agent = supervise();
  expect(await agent.ready).toEqual({ type: 'ready', service: 'agent' });
  await vi.waitFor(
    () => expect(lines.map((line) => JSON.parse(line).msg as string)).toEqual(['quiet', 'loud']),
    patienceMs,
  );
  const { pid } = agent;
  await agent.stop();
  expect(agent.pid).toBeUndefined();
  expect(isAlive(pid ?? 0)).toBe(false);
  expect(await readFile(join(home, 'journal.txt'), 'utf8')).toContain('drained');
  expect(notices).toEqual([]);
});

test('one that does not drain is ended for good after its grace', async () => {
  const agent = supervise({ FIXTURE_HANGS: 'agent' }, 300);
  await agent.ready;
  const { pid } = agent;
  await agent.stop();
  expect(isAlive(pid ?? 0)).toBe(false);
  expect(notices).toEqual(['did not end within 0.3 s; ending it for good']);
});

test('one that gives up before it is ready is not tried again', async () => {
  const agent = supervise({ FIXTURE_FAILS: 'agent' });
  await expect(agent.ready).rejects.toThrow('agent ended with code 1 before it was ready');
  expect(agent.pid).toBeUndefined();
  expect(notices).toEqual([]);
});

test('one that cannot even be started is tried a few times and then given up', async () => {
  await rm(home, { recursive: true });
  const agent = supervise();
  await expect(agent.ready).rejects.toThrow(/agent could not be started \(.*ENOENT\) before it was ready/);
  expect(agent.pid).toBeUndefined();
  expect(notices).toHaveLength(4);
  await agent.stop();
});

test('one that is killed is started again, killed while starting or later', async () => {
  const agent = supervise();
  process.kill(agent.pid ?? 0, 'SIGKILL');
  await agent.ready;
  const second = agent.pid;
  process.kill(second ?? 0, 'SIGKILL');
  await vi.waitFor(() => expect(notices).toHaveLength(2), patienceMs);
  await vi.waitFor(() => expect(agent.pid).toBeGreaterThan(0), patienceMs);
  expect(agent.pid).not.toBe(second);
  expect(notices).toEqual([
    'was ended by SIGKILL; starting it again in 100 ms',
    'was ended by SIGKILL; starting it again in 200 ms',
  ]);
});
