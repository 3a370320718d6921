import { randomUUID } from 'node:crypto';
import { userInfo } from 'node:os';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { runCommandLine } from '@atelier/shared/config/command-line';
import { AppError } from '@atelier/shared/errors/app-error';
import { isSameProcess } from '../child/process-identity.ts';
import { StartupError } from '../errors/startup-error.ts';
import { createHome, homeLayout, type HomeLayout } from '../home/home-layout.ts';
import { readJsonFile, writeJsonFile } from '../home/json-file.ts';
import { readRunRecord } from '../home/run-record.ts';
import { parseLauncherSettings } from '../settings/launcher-settings.ts';
import { readEnvironment } from '../settings/read-environment.ts';
import { programsOf } from '../supervisor/programs.ts';
import { startAtelier } from '../supervisor/start-atelier.ts';
import { createAtelierApi } from './atelier-api.ts';
import { imagineCallOf, imagineCommand, type ImagineCall } from './imagine-options.ts';
import { createProgressLine } from './progress-line.ts';
import { runImagine } from './run-imagine.ts';

const root = resolve(import.meta.dirname, '../../../..');
const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => interrupted.abort());

process.exitCode = await runCommandLine(imagineCommand, process.argv.slice(2), (call) => main(imagineCallOf(call)));
process.exit();

async function main(call: ImagineCall): Promise<number> {
  try {
    const env = await readEnvironment(process.cwd(), process.env);
    const settings = parseLauncherSettings(env, process.cwd());
    const home = homeLayout(settings.home);
    await createHome(home);
    const running = await findRunning(home);
    const started =
      running === undefined
        ? await startAtelier({
            settings,
            env,
            programs: programsOf(root),
            cwd: root,
            toolsDir: resolve(root, '.atelier/tools'),
            print: (line) => console.error(line),
            now: () => new Date(),
            signal: interrupted.signal,
          })
        : undefined;
    const webUrl = running ?? started?.webUrl ?? '';
    const api = createAtelierApi({
      webUrl,
      userId: await terminalId(home),
      userName: userInfo().username,
      language: call.language,
      token: env['ATELIER_WEB_TOKEN'],
    });
    const line = createProgressLine({
      write: (text) => process.stderr.write(text),
      isTTY: process.stderr.isTTY,
      columns: process.stderr.columns || 80,
    });
    try {
      return await runImagine(call, {
        api,
        line,
        print: (text) => console.log(text),
        complain: (text) => console.error(text),
        signal: interrupted.signal,
      });
    } finally {
      await started?.stop();
    }
  } catch (error) {
    if (error instanceof StartupError || error instanceof AppError) {
      console.error(error.message);
      return error instanceof StartupError ? 2 : 3;
    }
    console.error(error);
    return 3;
  }
}

/** The page's address of the Atelier that runs on this state folder, if one does. */
async function findRunning(home: HomeLayout): Promise<string | undefined> {
  const record = await readRunRecord(home.runFile);
  if (record?.webUrl === undefined) return undefined;
  const alive = await Promise.all(record.children.map((child) => isSameProcess(child)));
  return alive.includes(true) ? record.webUrl : undefined;
}

/** The name that this state folder's terminal goes by, made once. */
async function terminalId(home: HomeLayout): Promise<string> {
  const file = join(home.root, 'terminal.json');
  const schema = z.object({ id: z.string().min(16) });
  const known = await readJsonFile(file, schema);
  if (known !== undefined) return known.id;
  const id = `terminal-${randomUUID()}`;
  await writeJsonFile(file, { id });
  return id;
}
