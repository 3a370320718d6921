/*
 * npm run fuzz -- --help
 *
 * Gives every parser of packages/comfyui hostile input, inputs of 100 MB among it: each case has to end, in time and within memory,
 * in a result or in a ComfyError. 90 seconds, the default, are enough for all of the large ones where little else runs. Prints counts
 * a parser; ends with 1 when a case ended otherwise, and says how to run it again.
 */
import { z } from 'zod';
import { runCommandLine, UsageError, type CommandCall } from '@atelier/shared/config/command-line';
import { intSetting } from '@atelier/shared/config/parse-config';
import { runFuzz } from './run-fuzz.ts';
import type { FuzzCounts, FuzzOptions } from './run-fuzz.ts';

const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** Rewrites one line on a terminal; elsewhere it speaks up every ten seconds. */
function createProgress(): { show(line: string): void; end(): void } {
  let lastAt = performance.now();
  return {
    show(line) {
      if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${line}`);
      else if (performance.now() - lastAt > 10_000) {
        lastAt = performance.now();
        process.stderr.write(`${line}\n`);
      }
    },
    end() {
      if (process.stderr.isTTY) process.stderr.write('\r\u001b[K');
    },
  };
}

function print(counts: readonly FuzzCounts[], seed: number): void {
  say(
    `${'parser'.padEnd(16)} ${'cases'.padStart(9)} ${'results'.padStart(9)} ${'refused'.padStart(9)} ${'of 100 MB'.padStart(10)} ${'failed'.padStart(7)}`,
  );
  for (const { target, results, refusals, giants, allGiants, failures } of counts) {
    const cells = [results + refusals + failures.length, results, refusals].map((count) => String(count).padStart(9));
    say(
      `${target.padEnd(16)} ${cells.join(' ')} ${`${giants}/${allGiants}`.padStart(10)} ${String(failures.length).padStart(7)}`,
    );
  }
  for (const { target, case: number, message } of counts.flatMap(({ failures }) => failures)) {
    say(`\n${target}, case ${number}: ${message}`);
    say(`  again: npm run fuzz -- --seed ${seed} --target '${target}' --case ${number}`);
  }
}

const options = {
  seconds: intSetting(1, 1_000_000).default(90),
  seed: intSetting(0, 0xffff_ffff).optional(),
  target: z.string().min(1).optional(),
  case: intSetting(0, 1_000_000_000).optional(),
};

const usage = `npm run fuzz -- [options]

Gives every parser of packages/comfyui hostile input. Exit code 1 when a case ended neither in a result nor in a refusal.

  --seconds N    how long; 90 are enough for all inputs of 100 MB where little else runs (90)
  --seed S       the same one makes the same cases
  --target NAME  one parser alone
  --case N       and of it one case alone`;

async function main({ values }: CommandCall<typeof options>): Promise<number> {
  const { seconds, target, case: caseNumber, seed = Date.now() % 2 ** 32 } = values;
  if (target === undefined && caseNumber !== undefined) throw new UsageError('--case belongs to a --target');
  const fuzzOptions: FuzzOptions = { seconds, seed, giants: true, caseLimitMs: 15_000, maxHeapMebibytes: 1_536 };
  if (target !== undefined) fuzzOptions.only = { target, ...(caseNumber === undefined ? {} : { case: caseNumber }) };
  say(`seed ${seed}, ${seconds} s, at most two thirds of it for inputs of 100 MB`);
  const progress = createProgress();
  const counts = await runFuzz({ ...fuzzOptions, onProgress: progress.show });
  progress.end();
  if (counts.length === 0) throw new UsageError(`There is no target ${target ?? ''}`);
  print(counts, seed);
  return counts.some(({ failures }) => failures.length > 0) ? 1 : 0;
}

process.exitCode = await runCommandLine({ usage, options }, process.argv.slice(2), main);
