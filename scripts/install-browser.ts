/**
 * Installs Chromium from the distribution's packages, for the browser tests.
 *
 *   node scripts/install-browser.ts               installs it or fails with what to do
 *   node scripts/install-browser.ts --for-tests   the same before a test run, where its absence is only worth a notice
 */
import { spawnSync } from 'node:child_process';
import { findBrowser } from '../tests/support/find-browser.ts';

const aptEnvironment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
const timeoutMs = 600_000;

function succeeds(command: string, args: readonly string[]): boolean {
  return spawnSync(command, args, { stdio: 'ignore', timeout: 20_000 }).status === 0;
}

/** Words to put before a command that needs root, or undefined when root cannot be had without asking. */
function rootPrefix(): readonly string[] | undefined {
  if (process.getuid?.() === 0) return [];
  return succeeds('sudo', ['-n', 'true']) ? ['sudo', '-n'] : undefined;
}

function install(): string | undefined {
  if (!succeeds('apt-get', ['--version']))
    return 'this system has no apt: install Chromium or Chrome yourself, or set CHROMIUM_PATH to one';
  const prefix = rootPrefix();
  if (prefix === undefined)
    return 'installing needs root: run "sudo apt-get install chromium", or set CHROMIUM_PATH to a browser';
  process.stderr.write(
    "Installing Chromium from the distribution's packages for the browser tests (apt-get install chromium)\n",
  );
  for (const args of [
    ['update', '-q'],
    ['install', '-q', '-y', '--no-install-recommends', 'chromium'],
  ]) {
    const [command = 'apt-get', ...rest] = [...prefix, 'apt-get', '-o', 'DPkg::Lock::Timeout=300', ...args];
    const result = spawnSync(command, rest, { env: aptEnvironment, encoding: 'utf8', timeout: timeoutMs });
    if (result.status !== 0) {
      const reason = (result.stderr ?? '').trim().split('\n').at(-1) ?? '';
      return `apt-get ${args[0]} failed (${reason}): install Chromium yourself, or set CHROMIUM_PATH to one`;
    }
  }
  return findBrowser(process.env) === undefined ? 'the package chromium brought no program that we know' : undefined;
}

const forTests = process.argv.includes('--for-tests');
const problem = findBrowser(process.env) === undefined ? install() : undefined;
if (problem === undefined) {
  if (!forTests) process.stdout.write(`${findBrowser(process.env)}\n`);
} else {
  process.stderr.write(`${forTests ? 'browser tests will be skipped: ' : ''}${problem}\n`);
  if (!forTests) process.exitCode = 1;
}
