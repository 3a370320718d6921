/*
 * npm run doctor [-- --no-picture]
 *
 * Looks at everything that Atelier stands on, a line each, with what to do. Exit code 1 when something is broken.
 */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { AppError } from '@atelier/shared/errors/app-error';
import { StartupError } from '../errors/startup-error.ts';
import { parseLauncherSettings } from '../settings/launcher-settings.ts';
import { readEnvironment } from '../settings/read-environment.ts';
import { checkComfyui } from './check-comfyui.ts';
import { checkMachine } from './check-machine.ts';
import { checkTokens } from './check-tokens.ts';
import { formatFinding, type Finding } from './finding.ts';

const toolsDir = resolve(import.meta.dirname, '../../../../.atelier/tools');

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { 'no-picture': { type: 'boolean', default: false } } });
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

process.exitCode = await main();
process.exit();
