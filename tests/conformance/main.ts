/*
 * npm run conformance
 *
 * Compares packages/comfyui and the simulator with what real ComfyUI servers answered, and counts what survives our own
 * conversions. Prints agreed / total a row and ends with 1 when anything disagrees.
 */
import { runCommandLine } from '@atelier/shared/config/command-line';
import { runRoundTripCases } from './round-trip-cases.ts';
import { countRecipeTokens, tokenizerName } from './token-ratio.ts';
import { transcriptVersions } from './transcript.ts';
import { replayTranscripts } from './transcripts-cases.ts';
import { runValidationCases } from './validation-cases.ts';

interface Row {
  name: string;
  agreed: number;
  total: number;
  /** What disagrees, for people. */
  differences: string[];
}

const usage = `npm run conformance

Compares packages/comfyui and the simulator with what real ComfyUI servers answered. Exit code 1 when anything disagrees.`;
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const shownDifferences = 5;

function printSection(title: string, rows: readonly Row[]): boolean {
  say(title);
  for (const { name, agreed, total, differences } of rows) {
    say(`  ${name.padEnd(40)} ${agreed}/${total}`);
    for (const difference of differences.slice(0, shownDifferences)) say(`    ${difference}`);
    if (differences.length > shownDifferences) say(`    … and ${differences.length - shownDifferences} more`);
  }
  const agreed = rows.reduce((sum, row) => sum + row.agreed, 0);
  const total = rows.reduce((sum, row) => sum + row.total, 0);
  say(`  ${'all'.padEnd(40)} ${agreed}/${total}`);
  return total > 0 && agreed === total;
}

function validationRows(): Row[] {
  return runValidationCases().map(({ version, agreed, total, disagreements }) => ({
    name: `ComfyUI ${version}`,
    agreed,
    total,
    differences: disagreements.map(({ name, recorded, ours }) => `${name}: recorded ${recorded}, ours ${ours}`),
  }));
}

/** One row a scenario; its numbers are HTTP answers and socket messages. */
async function transcriptRows(): Promise<Row[]> {
  const rows: Row[] = [];
  for (const version of transcriptVersions) {
    const results = await replayTranscripts(version);
    rows.push(...results.map((result) => ({ ...result, name: `${version} ${result.name}` })));
  }
  return rows;
}

function roundTripRows(): Row[] {
  return runRoundTripCases().map(({ different, ...row }) => ({ ...row, differences: different }));
}

function printTokens(): void {
  say(`Tokens of all recipes in link notation and in API JSON, counted by ${tokenizerName}`);
  for (const { form, notation, json } of countRecipeTokens())
    say(`  ${form.padEnd(70)} ${notation}/${json} = ${(notation / json).toFixed(3)}`);
}

async function main(): Promise<number> {
  const agreed = [
    printSection('Validation: the verdict on recorded prompts (status, errors, messages)', validationRows()),
    printSection('Transcripts: recorded answers and events, replayed on the simulator', await transcriptRows()),
    printSection('Round trips: workflows that come back unchanged', roundTripRows()),
  ];
  printTokens();
  return agreed.every(Boolean) ? 0 : 1;
}

process.exitCode = await runCommandLine({ usage, options: {} }, process.argv.slice(2), main);
