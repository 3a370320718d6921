import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface StartResult {
  /** Seconds from the command to its "ready" line, and to the first finished picture. */
  empty: { readySeconds: number; pictureSeconds: number };
  existing: { readySeconds: number; pictureSeconds: number };
}

const root = fileURLToPath(new URL('../..', import.meta.url));

/** `npm start` on an empty state folder, then again on the same one; dependencies are installed already. */
export async function benchStart(say: (line: string) => void): Promise<StartResult> {
  const home = await mkdtemp(join(tmpdir(), 'atelier-bench-home-'));
  try {
    say('first start, empty state folder');
    const empty = await startOnce(home);
    say('second start, existing state');
    const existing = await startOnce(home);
    return { empty, existing };
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

async function startOnce(home: string): Promise<StartResult['empty']> {
  const env = { ...process.env, ATELIER_HOME: home, ATELIER_SIMULATOR_SPEED: '0' };
  const startedAt = performance.now();
  const launcher = spawn(process.execPath, ['packages/launcher/src/main.ts'], {
    cwd: root,
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    await lineWith(launcher, 'is ready:');
    const readySeconds = (performance.now() - startedAt) / 1_000;
    const args = ['packages/launcher/src/imagine/main.ts', 'a red fox in snow', '--out', join(home, 'out')];
    const imagine = spawn(process.execPath, args, { cwd: root, env, stdio: 'ignore' });
    const [code] = (await once(imagine, 'exit')) as [number | null];
    if (code !== 0) throw new Error(`the first picture failed: imagine ended with ${code}`);
    return { readySeconds, pictureSeconds: (performance.now() - startedAt) / 1_000 };
  } finally {
    launcher.kill('SIGTERM');
    if (launcher.exitCode === null) await once(launcher, 'exit');
  }
}

function lineWith(child: ChildProcess, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let seen = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      seen += chunk.toString();
      if (seen.includes(text)) resolve();
    });
    child.once('exit', (code) => reject(new Error(`npm start ended with ${code}:\n${seen}`)));
  });
}

export function formatStart({ empty, existing }: StartResult): string[] {
  const line = (name: string, result: StartResult['empty'], goal: number): string =>
    `${name}  ready ${result.readySeconds.toFixed(1)} s, first picture ${result.pictureSeconds.toFixed(1)} s, goal ≤ ${goal} s: ${result.pictureSeconds <= goal ? 'within' : 'over'}`;
  return [line('start, empty state   ', empty, 60), line('start, existing state', existing, 10)];
}
