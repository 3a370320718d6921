import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { startHeartbeat, type Heartbeat } from './heartbeat-file.ts';

const log = pino({ enabled: false });
let dir: string;
let heartbeat: Heartbeat | undefined;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'atelier-heartbeat-'));
});

afterEach(async () => {
  await heartbeat?.stop();
  heartbeat = undefined;
  await rm(dir, { recursive: true, force: true });
});

describe('startHeartbeat', () => {
  it('writes the file at once and again and again', async () => {
    const path = join(dir, 'alive');
    heartbeat = startHeartbeat(path, log, 5);
    await vi.waitFor(async () => expect(await readFile(path, 'utf8')).toBe(`${process.pid}\n`));
    const { mtimeMs } = await stat(path);
    await vi.waitFor(async () => expect((await stat(path)).mtimeMs).toBeGreaterThan(mtimeMs));
  });

  it('leaves no file behind', async () => {
    const path = join(dir, 'alive');
    heartbeat = startHeartbeat(path, log, 1);
    await heartbeat.stop();
    await expect(stat(path)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('says when the file cannot be written and goes on', async () => {
    const warn = vi.fn<(details: unknown, text: string) => void>();
    heartbeat = startHeartbeat(
      join(dir, 'missing', 'alive'),
      pino({ level: 'warn' }, { write: (line) => warn(line, '') }),
      5,
    );
    await vi.waitFor(() => expect(warn.mock.calls.length).toBeGreaterThan(1));
    expect(String(warn.mock.calls[0]?.[0])).toContain('the heartbeat file cannot be written');
  });
});
