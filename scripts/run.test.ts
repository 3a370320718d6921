import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

/** A clone in small: the runner, a lock of one package, and an npm that installs it by copying. */
let clone: string;
let npmFolder: string;

const lock = {
  packages: {
    '': {},
    'node_modules/tool': { version: '1.0.0' },
    'node_modules/elsewhere': { version: '1.0.0', optional: true },
  },
};
const program = `
import { appendFileSync } from 'node:fs';
process.on('SIGTERM', () => { process.stdout.write('drained\\n'); process.exit(7); });
process.stdout.write(JSON.stringify({ args: process.argv.slice(2), major: Number.parseInt(process.versions.node, 10) }) + '\\n');
if (process.argv[2] === 'wait') setInterval(() => undefined, 1_000);
if (process.argv[2] === 'fail') process.exitCode = 3;
`;

beforeEach(async () => {
  clone = await mkdtemp(join(tmpdir(), 'atelier-clone-'));
  npmFolder = join(clone, 'npm-folder');
  await writeAt('package.json', '{"type":"module"}');
  await writeAt('package-lock.json', JSON.stringify(lock));
  await writeAt('packages/launcher/src/main.ts', program);
  await mkdir(join(clone, 'scripts'));
  await copyFile(join(import.meta.dirname, 'run.mjs'), join(clone, 'scripts/run.mjs'));
  await useNpm(`
echo "npm $*" >> npm.log
rm -rf node_modules; mkdir -p node_modules/tool
echo '{"version":"1.0.0"}' > node_modules/tool/package.json
echo '{"packages":{"node_modules/tool":{"version":"1.0.0"}}}' > node_modules/.package-lock.json`);
});

afterEach(() => rm(clone, { recursive: true, force: true }));

async function writeAt(path: string, text: string): Promise<void> {
  await mkdir(dirname(join(clone, path)), { recursive: true });
  await writeFile(join(clone, path), text);
}

async function useNpm(script: string): Promise<void> {
  await writeAt('npm-folder/npm', `#!/bin/sh\n${script}\n`);
  await chmod(join(npmFolder, 'npm'), 0o755);
}

const environment = () => ({ PATH: `${npmFolder}:/usr/bin:/bin` });

function run(...args: string[]): { code: number | null; stdout: string; stderr: string } {
  const result = spawnSync(process.execPath, [join(clone, 'scripts/run.mjs'), ...args], {
    env: environment(),
    encoding: 'utf8',
  });
  return { code: result.status, stdout: result.stdout, stderr: result.stderr };
}

const npmRuns = async () =>
  (await readFile(join(clone, 'npm.log'), 'utf8').catch(() => '')).split('\n').filter((line) => line !== '').length;

describe('installing', () => {
  test('an empty clone is installed once, then never again', async () => {
    const first = run('start', '--flag', 'a b');
    expect(first.stderr).toBe('Installing the packages of package-lock.json (npm ci)\n');
    expect(JSON.parse(first.stdout)).toEqual({ args: ['--flag', 'a b'], major: 24 });
    expect(run('start').stderr).toBe('');
    expect(await npmRuns()).toBe(1);
  });

  test.each([
    ['cut off before it was complete', 'node_modules/.package-lock.json', undefined],
    ['of another version', 'node_modules/.package-lock.json', '{"packages":{"node_modules/tool":{"version":"0.9.0"}}}'],
    ['with a folder removed by hand', 'node_modules/tool/package.json', undefined],
    ['that is not JSON', 'node_modules/.package-lock.json', '{"packages":'],
  ])('an installation %s is made again', async (_name, file, content) => {
    run('start');
    await rm(join(clone, file));
    if (content !== undefined) await writeAt(file, content);
    expect(run('start').stderr).toContain('because node_modules does not match it');
    expect(await npmRuns()).toBe(2);
  });

  test('two tasks started at once install once', async () => {
    const tasks = [1, 2, 3].map(() =>
      spawn(process.execPath, [join(clone, 'scripts/run.mjs'), 'start'], { env: environment(), stdio: 'ignore' }),
    );
    const codes = await Promise.all(tasks.map(async (task) => (await once(task, 'exit'))[0] as number));
    expect(codes).toEqual([0, 0, 0]);
    expect(await npmRuns()).toBe(1);
  });

  test.each([
    ['is gone', '4194303'],
    ['has given its number to another program', String(process.pid)],
    ['released it', 'released'],
  ])('a lock whose task %s does not hold the next one up', async (_name, content) => {
    await writeAt('.atelier/installing/3', content);
    expect(run('start').code).toBe(0);
    expect(await readdir(join(clone, '.atelier/installing'))).toEqual(['4']);
  });

  test('failures say what to do in one sentence', async () => {
    await useNpm('echo "npm error network" >&2; exit 1');
    expect(run('start')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(
        /npm ci failed in .*: check the network and that this folder is yours, then run this again\.\n$/,
      ),
    });
    await rm(join(npmFolder, 'npm'));
    const bare = spawnSync(process.execPath, [join(clone, 'scripts/run.mjs'), 'start'], {
      env: { PATH: npmFolder },
      encoding: 'utf8',
    });
    expect(bare.stderr).toMatch(/npm was not found: install npm .*\n$/);
    expect(run('dance').stderr).toMatch(/^There is no task "dance": choose one of start, test, /);
  });
});

describe('running', () => {
  const started: ChildProcess[] = [];

  beforeEach(() => void run('start'));

  afterEach(() => {
    for (const child of started.splice(0)) child.kill('SIGKILL');
  });

  test('the exit code is the task’s', () => {
    expect(run('start', 'fail').code).toBe(3);
  });

  test('SIGTERM reaches the task, and its own exit code comes back', async () => {
    const runner = spawn(process.execPath, [join(clone, 'scripts/run.mjs'), 'start', 'wait'], {
      env: environment(),
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    started.push(runner);
    const output: string[] = [];
    runner.stdout.setEncoding('utf8').on('data', (text: string) => output.push(text));
    await once(runner.stdout, 'data');
    runner.kill('SIGTERM');
    expect((await once(runner, 'exit'))[0]).toBe(7);
    expect(output.join('')).toContain('drained');
  });

  test('when npm, which started it, is killed, the task is ended', async () => {
    // A shell in npm's place: it starts the runner and tells its number.
    const npm = spawn(
      '/bin/sh',
      ['-c', `"$0" "$1" start wait & echo "runner $!"; wait`, process.execPath, join(clone, 'scripts/run.mjs')],
      {
        env: { ...environment(), npm_lifecycle_event: 'start' },
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    started.push(npm);
    const output: string[] = [];
    npm.stdout.setEncoding('utf8').on('data', (text: string) => output.push(text));
    while (!output.join('').includes('args')) await once(npm.stdout, 'data');
    npm.kill('SIGKILL');
    // The pipe closes when the last process that writes to it has ended.
    await once(npm.stdout, 'close');
    expect(output.join('')).toContain('drained');
  });
});
