/*
 * npm run chaos -- [--runs N] [--seed S] [--requests M] [--minutes X] [--scale 1|10]
 * npm run chaos -- --model [--trials N] [--seed S]
 *
 * Kills and breaks every part of the platform at seeded times while people ask for pictures, heals it, and compares what
 * was accepted with what was stored, shown and executed. Ends with 1 when something accepted was lost or doubled, or a
 * GPU did something twice although its ComfyUI stayed up. Writes bench-results/chaos.json.
 */
import { randomInt } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { runLeaseModel, upperBound95 } from '@atelier/comfy-worker/testing/lease-model';
import { runCommandLine } from '@atelier/shared/config/command-line';
import { startChaosServers } from './chaos-servers.ts';
import { chaosCommand, chaosOptionsOf, type ChaosOptions } from './chaos-options.ts';
import { isKept } from './reconcile.ts';
import { runChaos, type ChaosProgress, type ChaosRun } from './run-chaos.ts';
import { formatChaos, summariseChaos } from './summarise-chaos.ts';

const say = (line: string): void => void process.stderr.write(`${line}\n`);

/** One line that is written over on a terminal; every tenth one where there is none. */
function progressLine(run: number): (progress: ChaosProgress) => void {
  let calls = 0;
  return ({ seconds, asked, accepted, open, faults, plannedFaults }) => {
    const line = `run ${run}, ${seconds.toFixed(0)} s: ${faults} of ${plannedFaults} faults, ${accepted} of ${asked} accepted, ${open} open`;
    if (process.stderr.isTTY) process.stderr.write(`\r\u001B[K${line}`);
    else if (calls % 10 === 0) say(line);
    calls += 1;
  };
}

function sayTrouble(run: ChaosRun): void {
  for (const { key, log } of run.unexpectedEnds) {
    say(`seed ${run.seed}: ${key} ended unasked; its last lines:\n${log.split('\n').slice(-8).join('\n')}`);
  }
  if (isKept(run.reconciliation)) return;
  say(`seed ${run.seed} broke a promise: npm run chaos -- --seed ${run.seed}`);
  say(JSON.stringify(run.reconciliation));
  for (const line of run.trouble) say(line);
}

/** The lease protocol in virtual time: how often a worker that was only stalled is taken for dead. */
async function playLeaseModel({ trials, seed }: ChaosOptions): Promise<number> {
  const result = await runLeaseModel({ trials, seed, stallMs: 5_000 });
  const rate = (value: number): string => value.toExponential(1);
  const bound = upperBound95(result.takeovers, result.trials);
  const kept = result.takeovers <= result.trials * maxFalseTakeovers && result.unsafePosts + result.unsafeWrites === 0;
  console.log(`${result.trials} trials, stalls of 5 s, seed ${seed}`);
  console.log(
    `false takeovers            ${result.takeovers}  (rate ${rate(result.takeovers / result.trials)}, 95 % bound ${rate(bound)}; goal ≤ ${rate(maxFalseTakeovers)})`,
  );
  console.log(`POSTs under a lost lease   ${result.unsafePosts}`);
  console.log(`writes under a lost lease  ${result.unsafeWrites}`);
  console.log(`posting again after        ${result.longestBackMs.toFixed(0)} ms at the longest`);
  await mkdir('bench-results', { recursive: true });
  await writeFile('bench-results/lease-model.json', `${JSON.stringify({ seed, ...result, bound }, undefined, 2)}\n`);
  return kept ? 0 : 1;
}

const maxFalseTakeovers = 1e-4;

async function main(options: ChaosOptions): Promise<number> {
  if (options.model) return playLeaseModel(options);
  const abort = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => abort.abort(new Error(`ended by ${signal}`)));
  }
  const startedAt = Date.now();
  const runs: ChaosRun[] = [];
  const servers = await startChaosServers(say);
  try {
    while (runs.length < options.runs && !abort.signal.aborted) {
      const elapsedMs = Date.now() - startedAt;
      const longestMs = Math.max(0, ...runs.map(({ seconds }) => seconds * 1_000));
      if (options.minutes !== undefined && runs.length > 0 && elapsedMs + longestMs > options.minutes * 60_000) break;
      const run = await runChaos({
        servers,
        seed: options.seed + runs.length,
        requests: options.requests,
        scale: options.scale,
        onProgress: progressLine(runs.length + 1),
        signal: abort.signal,
      });
      if (process.stderr.isTTY) say('');
      runs.push(run);
      sayTrouble(run);
    }
  } catch (error) {
    if (!abort.signal.aborted) throw error;
    say('stopped early; what was finished until then:');
  } finally {
    await servers.stop();
  }
  const summary = summariseChaos(runs, options.scale);
  for (const line of formatChaos(summary)) console.log(line);
  await mkdir('bench-results', { recursive: true });
  await writeFile('bench-results/chaos.json', `${JSON.stringify({ summary, runs }, undefined, 2)}\n`);
  return summary.kept && !abort.signal.aborted ? 0 : 1;
}

// When it was ended early, people may still be asking.
process.exit(
  await runCommandLine(chaosCommand, process.argv.slice(2), ({ values }) =>
    main(chaosOptionsOf(values, () => randomInt(2 ** 31))),
  ),
);
