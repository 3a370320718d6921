import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createComfyClient } from '@atelier/comfyui/client/comfy-client';
import { createComfySupervisor, type ComfySupervisor } from './comfy-supervisor.ts';

const simulator = fileURLToPath(import.meta.resolve('@atelier/comfyui-sim/create-simulator')).replace(
  'src/create-simulator.ts',
  'bin/comfyui-sim.ts',
);
const rules = { firstWaitMs: 20, longestWaitMs: 100, healthyMs: 1_000, answerMs: 20_000 };

let folder: string;
let port: number;
let lines: Record<string, unknown>[];
let supervisor: ComfySupervisor | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'atelier-supervisor-'));
  port = await freePort();
  lines = [];
});
afterEach(async () => {
  await supervisor?.stop();
  supervisor = undefined;
  await rm(folder, { recursive: true, force: true });
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const found = (server.address() as AddressInfo).port;
  await new Promise((resolve) => server.close(resolve));
  return found;
}

function supervise(command: readonly [string, ...string[]]): ComfySupervisor {
  const log = pino(
    { level: 'info' },
    { write: (line) => void lines.push(JSON.parse(line) as Record<string, unknown>) },
  );
  supervisor = createComfySupervisor({ command, logPath: join(folder, 'comfyui.log'), rules, endMs: 5_000, log });
  return supervisor;
}

async function answers(): Promise<boolean> {
  try {
    await createComfyClient({ baseUrl: `http://127.0.0.1:${port}`, clientId: 'test', fetchTimeoutMs: 2_000 }).queue();
    return true;
  } catch {
    return false;
  }
}

/** Looks, as the worker does, until ComfyUI answers or no longer does. */
async function untilAnswers(subject: ComfySupervisor, wanted: boolean): Promise<void> {
  await vi.waitFor(
    async () => {
      const found = await answers();
      subject.looked(found);
      expect(found).toBe(wanted);
    },
    { timeout: 15_000, interval: 40 },
  );
}

const said = (what: string): Record<string, unknown>[] => lines.filter(({ msg }) => String(msg).includes(what));

describe('createComfySupervisor', () => {
  it('starts a ComfyUI that does not answer, starts it again when it hangs, and ends it with itself', async () => {
    const subject = supervise([process.execPath, simulator, '--port', String(port), '--speed', '0']);
    await untilAnswers(subject, true);
    expect(await readFile(join(folder, 'comfyui.log'), 'utf8')).toContain('ComfyUI simulator');
    subject.restart();
    await vi.waitFor(() => expect(said('was ended')).toHaveLength(1), { timeout: 10_000 });
    await untilAnswers(subject, true);
    expect(said('starting ComfyUI')).toHaveLength(2);
    await subject.stop();
    expect(await answers()).toBe(false);
  });

  it('shows the last words of one that dies, and tries again with patience', async () => {
    const script = 'console.error("no CUDA device"); process.exit(3)';
    const subject = supervise([process.execPath, '-e', script]);
    await vi.waitFor(
      () => {
        subject.looked(false);
        expect(said('ended by itself').length).toBeGreaterThanOrEqual(2);
      },
      { timeout: 10_000, interval: 20 },
    );
    expect(said('ended by itself')[0]).toMatchObject({ code: 3 });
    expect(String(said('ended by itself')[0]?.['last_lines'])).toContain('no CUDA device');
  });

  it('says so when there is no such program', async () => {
    const subject = supervise([join(folder, 'nothing-here')]);
    subject.looked(false);
    await vi.waitFor(() => expect(said('could not be started').length).toBeGreaterThanOrEqual(1));
  });

  it('leaves alone a ComfyUI that it did not start', async () => {
    const subject = supervise([process.execPath, simulator]);
    subject.looked(true);
    subject.restart();
    await subject.stop();
    expect(lines).toEqual([]);
  });
});
