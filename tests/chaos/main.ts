/*
 * npm run chaos -- [--runs N] [--seed S] [--requests M] [--minutes X] [--scale 1|10]
 *
 * Kills and breaks every part of the platform at seeded times while people ask for pictures, heals it, and compares what
 * was accepted with what was stored, shown and executed. Ends with 1 when something accepted was lost or doubled, or a
 * GPU did something twice although its ComfyUI stayed up. Writes bench-results/chaos.json.
 */
import { randomInt } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { startChaosServers } from './chaos-servers.ts';
import { chaosUsage, parseChaosOptions, type ChaosOptions } from './parse-chaos-options.ts';
import { isKept } from './reconcile.ts';
import { runChaos, type ChaosProgress, type ChaosRun } from './run-chaos.ts';
import { formatChaos, summariseChaos } from './summarise-chaos.ts';

const say = (line: string): void => void process.stderr.write(`${line}\n`);

function readOptions(): ChaosOptions | undefined {
  try {
    return parseChaosOptions(process.argv.slice(2), () => randomInt(2 ** 31));
  } catch (error) {
    say(`${error instanceof Error ? error.message : String(error)}\n\n${chaosUsage}`);
    return undefined;
  }
}

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

async function main(): Promise<number> {
  const options = readOptions();
  if (options === undefined) return 2;
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
process.exit(await main());
