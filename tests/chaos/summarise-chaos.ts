import { describeValues, formatDistribution, type Distribution } from '../bench/distribution.ts';
import { isKept } from './reconcile.ts';
import type { RecoverySample } from './recovery-times.ts';
import type { ChaosRun } from './run-chaos.ts';

/** Times in ms; undefined where nothing was measured. */
export interface Recovery {
  all: Distribution | undefined;
  /** Those in which nothing else was broken meanwhile: what the goal is about. */
  alone: Distribution | undefined;
}

/** All runs of one call together. */
export interface ChaosSummary {
  /** Accepted requests. */
  n: number;
  runs: number;
  seeds: number[];
  scale: number;
  faults: Record<string, number>;
  lost: number;
  doubled: number;
  missingFiles: number;
  gpuRepeats: { underKills: number; underStalls: number; afterComfyCrash: number };
  begunAgain: number;
  /** With no failure among n, the rate of failures is below this with 95 % confidence: 3/n. */
  bound95: number;
  states: Record<string, number>;
  errors: Record<string, number>;
  notAccepted: number;
  unexpectedEnds: number;
  recovery: { worker: Recovery; comfyui: Recovery };
  /** From the end of a request to its result on the page, in ms. */
  delivery: Distribution | undefined;
  kept: boolean;
}

export function summariseChaos(runs: readonly ChaosRun[], scale: number): ChaosSummary {
  const found = runs.map(({ reconciliation }) => reconciliation);
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
  const n = sum(found.map(({ accepted }) => accepted));
  const missingFiles = sum(runs.map((run) => run.missingFiles.length));
  return {
    n,
    runs: runs.length,
    seeds: runs.map(({ seed }) => seed),
    scale,
    faults: addUp(runs.map(({ faults }) => faults)),
    lost: sum(found.map(({ lost }) => lost.length)),
    doubled: sum(found.map(({ doubled }) => doubled.length)),
    missingFiles,
    gpuRepeats: {
      underKills: sum(found.map(({ repeats }) => repeats.underKills.length)),
      underStalls: sum(found.map(({ repeats }) => repeats.underStalls.length)),
      afterComfyCrash: sum(found.map(({ repeats }) => repeats.afterComfyCrash.length)),
    },
    begunAgain: sum(found.map(({ begunAgain }) => begunAgain)),
    bound95: 3 / Math.max(1, n),
    states: addUp(found.map(({ states }) => states)),
    errors: addUp(found.map(({ errors }) => errors)),
    notAccepted: sum(runs.map(({ notAccepted }) => notAccepted)),
    unexpectedEnds: sum(runs.map((run) => run.unexpectedEnds.length)),
    recovery: {
      worker: recoveryOf(runs.flatMap(({ recovery }) => recovery.worker)),
      comfyui: recoveryOf(runs.flatMap(({ recovery }) => recovery.comfyui)),
    },
    delivery: distributionOf(runs.flatMap(({ deliveryMs }) => deliveryMs)),
    kept: found.every(isKept) && missingFiles === 0,
  };
}

/** The summary as lines to read. */
export function formatChaos(summary: ChaosSummary): string[] {
  const { gpuRepeats, recovery } = summary;
  const list = (counts: Record<string, number>): string =>
    Object.entries(counts)
      .map(([name, count]) => `${name} ${count}`)
      .join(', ');
  const rule = `95 % bound 3/N = ${summary.bound95.toExponential(1)}`;
  return [
    `N = ${summary.n} accepted requests in ${summary.runs} runs, timings divided by ${summary.scale}, seeds ${seedRange(summary.seeds)}`,
    `faults                     ${list(summary.faults)}`,
    `lost                       ${summary.lost}  (${rule})`,
    `doubled                    ${summary.doubled}  (${rule})`,
    `files not served           ${summary.missingFiles}`,
    `GPU repeats                ${gpuRepeats.underKills} while ComfyUI stayed up  (${rule})`,
    `                           ${gpuRepeats.underStalls} under stalls of a worker, ${gpuRepeats.afterComfyCrash} after ComfyUI died (its history is gone)`,
    `interrupted, begun again   ${summary.begunAgain}`,
    `ended as                   ${list(summary.states)}`,
    `errors                     ${list(summary.errors) || 'none'}`,
    `not accepted               ${summary.notAccepted}`,
    `processes ended unasked    ${summary.unexpectedEnds}`,
    ...formatRecovery('worker killed → adopted', recovery.worker),
    ...formatRecovery('ComfyUI back → runs again', recovery.comfyui),
    `${'ended → on the page'.padEnd(26)} ${formatTimes(summary.delivery)}`,
  ];
}

function formatRecovery(what: string, { all, alone }: Recovery): string[] {
  return [
    `${what.padEnd(26)} ${formatTimes(alone)}  nothing else broken; goal p99 ≤ 10 s`,
    `${''.padEnd(26)} ${formatTimes(all)}  all`,
  ];
}

function formatTimes(values: Distribution | undefined): string {
  return values === undefined ? 'none measured' : formatDistribution(values, 'ms');
}

function recoveryOf(samples: readonly RecoverySample[]): Recovery {
  return {
    all: distributionOf(samples.map(({ ms }) => ms)),
    alone: distributionOf(samples.filter(({ alone }) => alone).map(({ ms }) => ms)),
  };
}

function distributionOf(values: readonly number[]): Distribution | undefined {
  return values.length === 0 ? undefined : describeValues(values);
}

function addUp(records: readonly Record<string, number>[]): Record<string, number> {
  const total: Record<string, number> = {};
  for (const record of records)
    for (const [key, count] of Object.entries(record)) total[key] = (total[key] ?? 0) + count;
  return total;
}

function seedRange(seeds: readonly number[]): string {
  const [first] = seeds;
  const last = seeds.at(-1);
  return first === last ? String(first) : `${first} to ${last}`;
}
