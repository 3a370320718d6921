/*
 * npm run doctor [-- --no-picture]
 *
 * Looks at everything that Atelier stands on, a line each, with what to do. Exit code 1 when something is broken.
 */
import { resolve } from 'node:path';
import { z } from 'zod';
import { runCommandLine, type CommandCall } from '@atelier/shared/config/command-line';
import { AppError } from '@atelier/shared/errors/app-error';
import { StartupError } from '../errors/startup-error.ts';
import { parseLauncherSettings } from '../settings/launcher-settings.ts';
import { readEnvironment } from '../settings/read-environment.ts';
import { checkComfyui } from './check-comfyui.ts';
import { checkMachine } from './check-machine.ts';
import { checkTokens } from './check-tokens.ts';
import { formatFinding, type Finding } from './finding.ts';

const toolsDir = resolve(import.meta.dirname, '../../../../.atelier/tools');

const options = { 'no-picture': z.boolean().default(false) };
const usage = `npm run doctor [-- --no-picture]

Looks at everything that Atelier stands on, a line each, with what to do. Exit code 1 when something is broken.

  --no-picture  asks ComfyUI for no test picture`;

async function main({ values }: CommandCall<typeof options>): Promise<number> {
  try {
    const env = await readEnvironment(process.cwd(), process.env);
    const settings = parseLauncherSettings(env, process.cwd());
    const findings: Finding[] = [];
    const show = (found: Finding[]): void => {
      findings.push(...found);
      for (const finding of found) console.log(formatFinding(finding));
    };
    show(await checkMachine(settings, toolsDir));
    show(await checkTokens(env));
    const say = (line: string): void => console.error(line);
    show(await checkComfyui({ url: settings.comfyuiUrl, picture: !values['no-picture'], say }));
    const broken = findings.filter((finding) => finding.state === 'broken').length;
    console.log(broken === 0 ? '\nAll is well.' : `\n${broken} broken: see the arrows.`);
    return broken === 0 ? 0 : 1;
  } catch (error) {
    if (!(error instanceof StartupError) && !(error instanceof AppError)) throw error;
    console.error(error.message);
    return 1;
  }
}

process.exitCode = await runCommandLine({ usage, options }, process.argv.slice(2), main);
process.exit();
