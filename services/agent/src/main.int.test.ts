import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { createFolderAssetStore } from '@atelier/shared/assets/folder-asset-store';
import { toolMessage } from '../../../tests/support/anthropic/tool-steps.ts';
import { startScriptedAnthropic, type ScriptedAnthropic } from '../../../tests/support/anthropic/scripted-anthropic.ts';
import { recordedRegistryText, startAgentWorld, type AgentWorld } from './testing/start-agent-world.ts';

let world: AgentWorld;
let claude: ScriptedAnthropic;
let folder: string;
const children = new Set<ChildProcess>();

beforeAll(async () => {
  [world, claude, folder] = await Promise.all([
    startAgentWorld(),
    startScriptedAnthropic(),
    mkdtemp(join(tmpdir(), 'atelier-agent-')),
  ]);
  const assets = createFolderAssetStore({ folder, maxBytes: 100_000_000 });
  await assets.put(Buffer.from(recordedRegistryText()), { mediaType: 'application/json', maxBytes: 100_000_000 });
  await world.publishRegistry();
});
beforeEach(() => claude.reset());
afterEach(() => Promise.all([...children].map((child) => endOf(child, 'SIGKILL'))));
afterAll(async () => {
  await world.close();
  await claude.close();
  await rm(folder, { recursive: true, force: true });
});

async function endOf(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  children.delete(child);
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  const exit = once(child, 'exit');
  child.kill(signal);
  const [code] = (await exit) as [number | null];
  return code;
}

/** The service as a process of its own, once it says that it is ready. */
async function startProcess(env: Record<string, string>): Promise<ChildProcess> {
  const child = fork(join(import.meta.dirname, 'main.ts'), {
    env: { PATH: process.env['PATH'], LOG_LEVEL: 'silent', ATELIER_ASSETS_DIR: folder, ...world.env, ...env },
    execArgv: [],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  children.add(child);
  const ready = Promise.withResolvers<void>();
  child.once('message', () => ready.resolve());
  child.once('exit', (code) => ready.reject(new Error(`the agent ended with ${code} before it was ready`)));
  await ready.promise;
  return child;
}

test('the process plans, and ends with 0 when it is told to', async () => {
  const child = await startProcess({});
  const id = await world.submit({ kind: 'words', text: '一只红狐狸，两张' });
  expect((await world.until(id, 'working')).plan).toMatchObject({ prompt: '一只红狐狸', count: 2 });
  expect(await endOf(child, 'SIGTERM')).toBe(0);
});

test('killed while it waits for the model, it leaves the request to the next one', async () => {
  const settings = { ANTHROPIC_API_KEY: 'key-of-a-test', ANTHROPIC_BASE_URL: claude.url };
  claude.script({ kind: 'hang' }, toolMessage([['run', { make: { prompt: 'a red fox' }, reply: '好的。' }]]));
  const first = await startProcess(settings);
  const id = await world.submit({ kind: 'words', text: '一只红狐狸' });
  while (claude.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
  await endOf(first, 'SIGKILL');

  await startProcess(settings);
  const request = await world.until(id, 'working');
  expect(request).toMatchObject({ agentEpoch: 2, jobsTotal: 1, plan: { prompt: 'a red fox' } });
  expect(request.reply).toBe('好的。');
});

test('wrong settings are all named, and the process ends with 1', async () => {
  const child = fork(join(import.meta.dirname, 'main.ts'), {
    env: { PATH: process.env['PATH'], LOG_LEVEL: 'silent', NATS_URL: 'nowhere', AGENT_CONCURRENCY: '-1' },
    execArgv: [],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  children.add(child);
  let said = '';
  child.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const [code] = (await once(child, 'exit')) as [number];
  expect(code).toBe(1);
  expect(said).toMatch(/NATS_URL[^]*DATABASE_URL[^]*AGENT_CONCURRENCY/);
});
