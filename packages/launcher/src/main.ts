import { resolve } from 'node:path';
import { runCommandLine } from '@atelier/shared/config/command-line';
import { AppError } from '@atelier/shared/errors/app-error';
import { StartupError } from './errors/startup-error.ts';
import { summaryLines } from './output/summary.ts';
import { parseLauncherSettings } from './settings/launcher-settings.ts';
import { readEnvironment } from './settings/read-environment.ts';
import { programsOf } from './supervisor/programs.ts';
import { startAtelier } from './supervisor/start-atelier.ts';

const root = resolve(import.meta.dirname, '../../..');
const parentCheckMs = 500;
/** One Ctrl-C can arrive twice, from the terminal and from whoever passes it on. */
const secondSignalAfterMs = 1_000;

const print = (line: string): void => void process.stdout.write(`${line}\n`);
const stopping = new AbortController();
const stopped = new Promise<void>((resolve) => {
  stopping.signal.addEventListener('abort', () => resolve(), { once: true });
});

const usage = `npm start

Runs all of Atelier on this machine until Ctrl-C. Its settings come from the environment and .env: docs/settings.md has them all.`;

watchForStop();
process.exitCode = await runCommandLine({ usage, options: {} }, process.argv.slice(2), run);
// Nothing of ours is left; what a library still holds must not keep the terminal.
process.exit();

async function run(): Promise<number> {
  try {
    const workingFolder = process.cwd();
    const env = await readEnvironment(workingFolder, process.env);
    const settings = parseLauncherSettings(env, workingFolder);
    const atelier = await startAtelier({
      settings,
      env,
      programs: programsOf(root),
      cwd: root,
      toolsDir: resolve(root, '.atelier/tools'),
      print,
      now: () => new Date(),
      signal: stopping.signal,
    });
    for (const line of summaryLines(atelier, env)) print(line);
    await stopped;
    print('Stopping: letting the services finish what they hold');
    await atelier.stop();
    print('Stopped.');
    return 0;
  } catch (error) {
    if (stopping.signal.aborted) return 0;
    if (error instanceof StartupError || error instanceof AppError) process.stderr.write(`${error.message}\n`);
    else process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    return 1;
  }
}

/** Stops at Ctrl-C, SIGTERM, a closed terminal, and when the task runner that started us was killed; a second Ctrl-C ends at once. */
function watchForStop(): void {
  let firstAt: number | undefined;
  const onSignal = (): void => {
    const now = performance.now();
    if (firstAt === undefined) {
      firstAt = now;
      stopping.abort(new StartupError('Stopped.'));
    } else if (now - firstAt >= secondSignalAfterMs) {
      // The guards and the closed channels end every child.
      process.exit(130);
    }
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);
  const runner = Number(process.env['ATELIER_RUN_PID']);
  if (Number.isInteger(runner) && runner === process.ppid) {
    setInterval(() => {
      if (process.ppid !== runner) stopping.abort(new StartupError('Stopped.'));
    }, parentCheckMs).unref();
  }
}
