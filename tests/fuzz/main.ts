/*
 * npm run fuzz -- [--seconds N] [--seed S] [--target NAME [--case N]]
 *
 * Gives every parser of packages/comfyui hostile input, inputs of 100 MB among it: each case has to end, in time and within memory,
 * in a result or in a ComfyError. 90 seconds, the default, are enough for all of the large ones where little else runs. Prints counts
 * a parser; ends with 1 when a case ended otherwise, and says how to run it again.
 */
import { parseArgs } from 'node:util';
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

function wholeNumber(name: string, text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise;
  if (/^\d{1,10}$/.test(text)) return Number(text);
  throw new TypeError(`--${name} takes a whole number, not ${text}.`);
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string' },
      seed: { type: 'string' },
      target: { type: 'string' },
      case: { type: 'string' },
    },
  });
  const seed = wholeNumber('seed', values.seed, Date.now() % 2 ** 32);
  const seconds = wholeNumber('seconds', values.seconds, 90);
  const options: FuzzOptions = { seconds, seed, giants: true, caseLimitMs: 15_000, maxHeapMebibytes: 1_536 };
  if (values.target !== undefined) {
    options.only = { target: values.target };
    if (values.case !== undefined) options.only.case = wholeNumber('case', values.case, 0);
  }
  say(`seed ${seed}, ${seconds} s, at most two thirds of it for inputs of 100 MB`);
  const progress = createProgress();
  const counts = await runFuzz({ ...options, onProgress: progress.show });
  progress.end();
  if (counts.length === 0) throw new TypeError(`There is no target ${values.target ?? ''}.`);
  print(counts, seed);
  return counts.some(({ failures }) => failures.length > 0) ? 1 : 0;
}

main().then(
  (code) => (process.exitCode = code),
  (error: unknown) => {
    process.stderr.write(`${error instanceof TypeError ? error.message : String(error)}\n`);
    process.exitCode = 2;
  },
);
