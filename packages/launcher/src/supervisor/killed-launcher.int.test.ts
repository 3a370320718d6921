import { fork } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { endProcess, waitUntil } from '../child/end-process.ts';
import { isAlive } from '../child/process-identity.ts';
import { readRunRecord } from '../home/run-record.ts';

const launch = join(import.meta.dirname, 'fixtures', 'launch.ts');
let home: string;
let pids: number[];

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'atelier-home-'));
  await chmod(home, 0o711);
  pids = [];
});

afterEach(async () => {
  for (const pid of pids) await endProcess(pid, 'SIGTERM', 2_000);
  await rm(home, { recursive: true, force: true });
});

/** Starts a launcher, kills it with SIGKILL and gives the ids of all that it had started. */
async function launchAndKill(): Promise<number[]> {
  const launcher = fork(launch, [home], { stdio: 'ignore' });
  await once(launcher, 'message');
  const record = await readRunRecord(join(home, 'run.json'));
  const started = [
    Number(await readFile(join(home, 'nats', 'nats.pid'), 'utf8')),
    Number.parseInt(await readFile(join(home, 'postgres', 'data', 'postmaster.pid'), 'utf8'), 10),
    ...(record?.children ?? []).map(({ pid }) => pid),
  ];
  pids.push(launcher.pid ?? 0, ...started);
  expect(started.filter((pid) => !isAlive(pid))).toEqual([]);
  launcher.kill('SIGKILL');
  await once(launcher, 'exit');
  return started;
}

test('a launcher that is killed leaves nobody behind, and the next start is not held up by its lock', async () => {
  const first = await launchAndKill();
  expect(first).toHaveLength(6);
  expect(await waitUntil(() => !first.some(isAlive), 10_000)).toBe(true);
  const second = await launchAndKill();
  expect(await waitUntil(() => !second.some(isAlive), 10_000)).toBe(true);
});
