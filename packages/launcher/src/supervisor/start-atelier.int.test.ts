import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { testNatsUrl, testPostgresUrl } from '../../../../tests/support/servers.ts';
import { isAlive } from '../child/process-identity.ts';
import { waitUntil } from '../child/end-process.ts';
import { readRunRecord } from '../home/run-record.ts';
import { findFreePort, holdPort } from '../net/free-port.ts';
import { parseLauncherSettings } from '../settings/launcher-settings.ts';
import { startAtelier, type RunningAtelier } from './start-atelier.ts';

const root = resolve(import.meta.dirname, '../../../..');
const fixture = (name: string) => ({ name, script: join(import.meta.dirname, 'fixtures', `${name}.ts`) });
const programs = { simulator: fixture('simulator'), services: ['bot', 'agent', 'comfy-worker'].map(fixture) };
/** For what takes a second on a machine that is not busy. */
const patienceMs = 15_000;

describe('startAtelier', () => {
  let home: string;
  let printed: string[];
  let stopping: AbortController;
  let running: RunningAtelier | undefined;

  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'atelier-home-'));
    await chmod(home, 0o711);
    printed = [];
    stopping = new AbortController();
  });

  afterEach(async () => {
    await running?.stop();
    running = undefined;
    await rm(home, { recursive: true, force: true });
  });

  async function start(more: Record<string, string> = {}): Promise<RunningAtelier> {
    const env = { PATH: process.env['PATH'] ?? '', ATELIER_HOME: home, ...more };
    running = await startAtelier({
      settings: parseLauncherSettings(env, home),
      env,
      programs,
      cwd: root,
      toolsDir: join(root, '.atelier/tools'),
      print: (line) => printed.push(line),
      now: () => new Date('2026-01-02T03:04:05Z'),
      signal: stopping.signal,
    });
    return running;
  }

  const withServers = async () => ({ NATS_URL: await testNatsUrl(), DATABASE_URL: await testPostgresUrl() });
  const journal = async () => (await readFile(join(home, 'journal.txt'), 'utf8').catch(() => '')).trim().split('\n');
  const children = async () => (await readRunRecord(join(home, 'run.json')))?.children ?? [];
  const pidOf = async (name: string) => (await children()).find((child) => child.name === name)?.pid;

  test('starts its own servers, serves the page, and leaves no process behind when stopped', async () => {
    const atelier = await start();
    expect(await (await fetch(atelier.webUrl)).text()).toBe('page');
    const record = await readRunRecord(join(home, 'run.json'));
    expect(record).toMatchObject({ pid: process.pid, webUrl: atelier.webUrl, startedAt: '2026-01-02T03:04:05.000Z' });
    expect(record?.natsUrl).toMatch(/^nats:\/\/127\.0\.0\.1:\d+$/);
    expect(record?.children.map(({ name }) => name).toSorted()).toEqual(['agent', 'bot', 'comfy-worker', 'simulator']);
    const natsPid = Number(await readFile(join(home, 'nats', 'nats.pid'), 'utf8'));
    const pids = [natsPid, ...(record?.children ?? []).map(({ pid }) => pid)];
    expect(pids.every(isAlive)).toBe(true);

    await atelier.stop();
    expect(pids.filter(isAlive)).toEqual([]);
    expect((await journal()).filter((line) => line.endsWith('drained'))).toHaveLength(4);
    expect(await readRunRecord(join(home, 'run.json'))).toBeUndefined();
  });

  test('a second start on the same home keeps the address', async () => {
    const first = await start(await withServers());
    const { webUrl } = first;
    await first.stop();
    expect((await start(await withServers())).webUrl).toBe(webUrl);
  });

  test('with both addresses given it starts no server; the terminal shows warnings, the files all', async () => {
    const servers = await withServers();
    await start(servers);
    expect((await journal()).find((line) => line.startsWith('agent'))).toContain(servers.NATS_URL);
    expect(await waitUntil(() => printed.some((line) => /^bot +03:04:05 warn loud$/.test(line)), patienceMs)).toBe(
      true,
    );
    expect(printed.join('\n')).not.toContain('quiet');
    expect(await readFile(join(home, 'logs', 'bot.log'), 'utf8')).toContain('quiet');
  });

  test('a service that is killed is started again; the others go on', async () => {
    await start(await withServers());
    const before = await children();
    const killed = await pidOf('agent');
    process.kill(killed ?? 0, 'SIGKILL');
    await vi.waitFor(
      async () => expect((await journal()).filter((line) => line.startsWith('agent'))).toHaveLength(2),
      patienceMs,
    );
    await vi.waitFor(async () => expect(await pidOf('agent')).not.toBe(killed), patienceMs);
    const after = await children();
    for (const name of ['bot', 'comfy-worker'])
      expect(after.find((child) => child.name === name)).toEqual(before.find((child) => child.name === name));
  });

  test('a service that gives up before it is ready stops everything, and its words are shown', async () => {
    await expect(start({ ...(await withServers()), FIXTURE_FAILS: 'comfy-worker' })).rejects.toThrow(
      'comfy-worker ended with code 1 before it was ready: see what it says above.',
    );
    expect(printed.join('\n')).toContain('settings are missing or wrong: DISCORD_TOKEN');
    const started = (await journal()).filter((line) => line.includes('started'));
    expect(started.map((line) => Number(line.split(' ')[1])).filter(isAlive)).toEqual([]);
    expect(await readRunRecord(join(home, 'run.json'))).toBeUndefined();
  });

  test('being asked to stop while a service is not ready yet ends the start', async () => {
    const starting = start({ ...(await withServers()), FIXTURE_MUTE: 'agent' });
    await vi.waitFor(
      async () => expect((await journal()).some((line) => line.startsWith('agent'))).toBe(true),
      patienceMs,
    );
    stopping.abort(new Error('asked to stop'));
    await expect(starting).rejects.toThrow('asked to stop');
    const started = (await journal()).filter((line) => line.includes('started'));
    expect(started.map((line) => Number(line.split(' ')[1])).filter(isAlive)).toEqual([]);
  });

  test('a second launcher on the same home is refused, a taken port is told', async () => {
    const servers = await withServers();
    const first = await start(servers);
    await expect(start(servers)).rejects.toThrow(/already runs here/);
    running = first;
    await first.stop();
    const port = await findFreePort();
    const held = await holdPort(port, '127.0.0.1');
    await expect(start({ ...servers, ATELIER_WEB_PORT: String(port) })).rejects.toThrow(
      `Port ${port} of 127.0.0.1 cannot be used: end the program that has it, or set ATELIER_WEB_PORT to another.`,
    );
    await held?.release();
    expect((await start({ ...servers, ATELIER_WEB_PORT: String(port) })).webUrl).toBe(`http://127.0.0.1:${port}/`);
  });
});
