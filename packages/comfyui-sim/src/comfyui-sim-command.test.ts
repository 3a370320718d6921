import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';

const command = fileURLToPath(new URL('../bin/comfyui-sim.ts', import.meta.url));
const children: ChildProcess[] = [];

afterEach(() => {
  for (const child of children.splice(0)) if (child.exitCode === null) child.kill('SIGKILL');
});

function run(...args: string[]): {
  output: () => string;
  until: (pattern: RegExp) => Promise<string>;
  ended: Promise<number | null>;
  stop: () => void;
} {
  const child = spawn(process.execPath, [command, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  children.push(child);
  let output = '';
  const watchers = new Set<() => void>();
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString('utf8');
      for (const watcher of watchers) watcher();
    });
  }
  return {
    output: () => output,
    ended,
    stop: () => child.kill('SIGTERM'),
    until: (pattern) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const found = pattern.exec(output);
          if (found !== null) resolve(found[1] ?? found[0]);
        };
        watchers.add(look);
        look();
        ended.then((code) => reject(new Error(`It ended with ${code}: ${output}`)), reject);
      }),
  };
}

describe('the command', () => {
  it('serves until SIGTERM', async () => {
    const simulator = run('--port', '0', '--version', '0.3.64', '--speed', '0', '--controls');
    const url = await simulator.until(/at (http:\S+)/);
    const stats = (await (await fetch(`${url}/system_stats`)).json()) as { system: { comfyui_version: string } };
    expect(stats.system.comfyui_version).toBe('0.3.64');
    expect((await fetch(`${url}/sim/log`)).status).toBe(200);
    simulator.stop();
    expect(await simulator.ended).toBe(0);
  });

  it.each([
    [['--port', 'many'], /port/],
    [['--version', '9.9'], /version/],
    [['--cache', 'lru:0'], /cache/],
    [['--colour', 'red'], /--colour/],
    [['--port', '0', '--profile', '/nowhere/profile.json'], /no such file/],
    [['--port', '0', '--trace', command], /Row 1 of the trace/],
  ])('refuses %j and says what it takes', async (args, reason) => {
    const refused = run(...args);
    expect(await refused.ended).toBe(2);
    expect(refused.output()).toMatch(reason);
    expect(refused.output()).toContain('--speed NUMBER');
  });
});
