import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

let folder: string;
const children: ChildProcess[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'atelier-service-'));
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Ended {
  code: number | null;
  signal: string | null;
  output: string;
  errors: string;
}

/** Runs a `main.ts` whose start function has this body, as a launcher would. */
async function startService(body: string): Promise<{ child: ChildProcess; ended: Promise<Ended> }> {
  const file = join(folder, `${children.length}-${process.hrtime.bigint()}.mts`);
  const source = (name: string): string => JSON.stringify(new URL(name, import.meta.url).href);
  await writeFile(
    file,
    `import { runService } from ${source('./run-service.ts')};
     import { createLogger } from ${source('../log/create-logger.ts')};
     import { AppError } from ${source('../errors/app-error.ts')};
     const stay = setInterval(() => {}, 1000);
     await runService('bot', createLogger('bot', 'info'), async () => { ${body} });`,
  );
  const child = fork(file, { stdio: ['ignore', 'pipe', 'pipe', 'ipc'], execArgv: [] });
  children.push(child);
  if (child.stdout === null || child.stderr === null) throw new Error('pipes were asked for');
  const outputs = Promise.all([text(child.stdout), text(child.stderr)]);
  const ended = once(child, 'exit').then(async ([code, signal]): Promise<Ended> => {
    const [output, errors] = await outputs;
    return { code, signal, output, errors };
  });
  return { child, ended };
}

const running = `return { ready: { url: 'http://127.0.0.1:1' }, stop: async () => console.log('stopped in order') };`;

describe('a service as a process', () => {
  it('tells its parent when it is ready and where', async () => {
    const { child, ended } = await startService(running);
    expect(await once(child, 'message')).toEqual([
      { type: 'ready', service: 'bot', url: 'http://127.0.0.1:1' },
      undefined,
    ]);
    child.kill('SIGTERM');
    expect((await ended).output).toContain('bot is ready');
  });

  it.each(['SIGTERM', 'SIGINT'] as const)('ends in order at %s, with 0', async (signal) => {
    const { child, ended } = await startService(running);
    await once(child, 'message');
    child.kill(signal);
    child.kill(signal);
    const { code, output } = await ended;
    expect(code).toBe(0);
    expect(output.match(/stopped in order/g)).toHaveLength(1);
  });

  it('ends in order when its parent is gone', async () => {
    const { child, ended } = await startService(running);
    await once(child, 'message');
    child.disconnect();
    const { code, output } = await ended;
    expect(code).toBe(0);
    expect(output).toContain('stopped in order');
  });

  it('does not wait on for ever when its parent is gone before it was ready', async () => {
    const { child, ended } = await startService(`
      process.stdout.write('waiting');
      await new Promise(() => {});
      return { stop: async () => {} };`);
    if (child.stdout === null) throw new Error('a pipe was asked for');
    await once(child.stdout, 'data');
    child.disconnect();
    expect((await ended).code).toBe(1);
  });

  it('ends with 1 and one plain sentence where its settings are wrong', async () => {
    const { ended } = await startService(`throw new AppError('config', 'NATS_URL: must be a nats:// address');`);
    const { code, errors, output } = await ended;
    expect(code).toBe(1);
    expect(errors).toBe('bot: NATS_URL: must be a nats:// address\n');
    expect(output).toBe('');
  });

  it('ends with 1 and a logged stack where its start fails otherwise', async () => {
    const { ended } = await startService(`throw new TypeError('a bug at the start');`);
    const { code, output } = await ended;
    expect(code).toBe(1);
    expect(JSON.parse(output)).toMatchObject({ level: 60, err: { type: 'TypeError', message: 'a bug at the start' } });
  });

  it('ends with 1 where its end fails', async () => {
    const { child, ended } = await startService(`return { stop: async () => { throw new Error('stuck'); } };`);
    await once(child, 'message');
    child.kill('SIGTERM');
    const { code, output } = await ended;
    expect(code).toBe(1);
    expect(output).toContain('did not stop in good order');
  });

  it('does not live on with a rejection that nobody looked at', async () => {
    const { ended } = await startService(`
      setTimeout(() => Promise.reject(new Error('lost')), 10);
      return { stop: async () => {} };`);
    const { code, output } = await ended;
    expect(code).toBe(1);
    expect(output).toContain('lost');
  });
});
