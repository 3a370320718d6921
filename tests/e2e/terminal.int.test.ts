import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSimulator } from '@atelier/comfyui-sim/create-simulator';
import { identifyProcess } from '@atelier/launcher/child/process-identity';
import { startPlatform, type Platform } from '../support/platform.ts';

const root = resolve(import.meta.dirname, '../..');
const simulator = createSimulator({ port: 0, speed: 0 });
let simulatorUrl: string;
let platform: Platform;
let outDir: string;

beforeAll(async () => {
  simulatorUrl = (await simulator.start()).url;
  platform = await startPlatform({ comfyuiUrl: simulatorUrl });
  outDir = await mkdtemp(join(tmpdir(), 'atelier-out-'));
  const bot = platform.service('bot');
  const record = {
    pid: process.pid,
    startedAt: new Date().toISOString(),
    webUrl: platform.webUrl,
    children: [{ name: 'bot', ...(await identifyProcess(bot.pid)) }],
  };
  await writeFile(join(platform.home, 'run.json'), JSON.stringify(record));
});
afterAll(async () => {
  await platform?.stop();
  await simulator.stop();
  await rm(outDir, { recursive: true, force: true });
});

async function run(script: string, args: string[], env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [join(root, 'packages/launcher/src', script), ...args], {
    cwd: outDir,
    env: { PATH: process.env['PATH'] ?? '', ATELIER_HOME: platform.home, ...env },
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const [code] = (await once(child, 'exit')) as [number | null];
  return { code, stdout, stderr };
}

describe('npm run imagine', () => {
  it('writes the pictures and says where', async () => {
    const { code, stdout, stderr } = await run('imagine/main.ts', [
      'a red fox in snow, portrait, 2 images',
      '--out',
      'foxes',
    ]);
    expect({ code, stderr }).toMatchObject({ code: 0 });
    const files = await readdir(join(outDir, 'foxes'));
    expect(files).toHaveLength(2);
    expect(stdout.trim().split('\n')).toEqual(files.toSorted().map((file) => join('foxes', file)));
    const picture = await readFile(join(outDir, 'foxes', files[0]!));
    expect(picture.subarray(1, 4).toString()).toBe('PNG');
    // Portrait: width and height stand at bytes 16 and 20 of every PNG.
    expect(picture.readUInt32BE(20)).toBeGreaterThan(picture.readUInt32BE(16));
  });

  it('ends with 2 and one sentence for a call that cannot work', async () => {
    const { code, stderr } = await run('imagine/main.ts', ['a fox', '--count', '1000']);
    expect(code).toBe(2);
    expect(stderr).toMatch(/1 to 8/);
  });

  it('ends with 1 when nothing was made, and says why', async () => {
    simulator.inject({ kind: 'execution-error', times: 1 });
    const { code, stderr } = await run('imagine/main.ts', ['a broken fox']);
    expect(code).toBe(1);
    expect(stderr).toMatch(/ComfyUI failed/);
  });
});

describe('npm run doctor', () => {
  it('draws a test picture and lists what can run and what cannot', async () => {
    const { code, stdout } = await run('doctor/main.ts', [], { COMFYUI_URL: simulatorUrl });
    expect(stdout).toMatch(/✓ ComfyUI {6}0\.8\.0/);
    expect(stdout).toMatch(/✓ Recipe .*SDXL.*sd_xl_base/);
    expect(stdout).toMatch(/· Recipe .*cannot run here\. .*no node class/);
    expect(stdout).toMatch(/✓ Picture .*1 file/);
    expect(code).toBe(0);
  });

  it('says what to do about a ComfyUI that does not answer and a token that is refused', async () => {
    const { code, stdout } = await run('doctor/main.ts', [], {
      COMFYUI_URL: 'http://127.0.0.1:1',
      TELEGRAM_TOKEN: '123456:secret-secret-secret-secret-secret',
      TELEGRAM_API_ROOT: simulatorUrl,
    });
    expect(code).toBe(1);
    expect(stdout).toMatch(/✗ ComfyUI .*\n.*→ start ComfyUI, or correct COMFYUI_URL/);
    expect(stdout).toMatch(/✗ Telegram {5}the token is refused\n.*→ ask @BotFather/);
    expect(stdout).not.toContain('secret-secret');
  });
});
