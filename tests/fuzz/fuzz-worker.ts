/*
 * Runs cases in a thread of its own, so that a case that hangs or eats memory can be ended from outside. Reports before
 * and after in shared memory and messages; see run-fuzz.ts.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { ComfyError } from '@atelier/comfyui/errors/comfy-error';
import { createMaterial } from './fuzz-target.ts';
import type { FuzzTarget } from './fuzz-target.ts';
import { createRandom } from './random.ts';
import { wireTargets } from './wire-targets.ts';
import { workflowTargets } from './workflow-targets.ts';

/** What main asks for: cases of one target from a number on, until the time is over or a case fails. */
export interface FuzzOrder {
  target: string;
  seed: number;
  /** Inputs of 100 MB have the first numbers, random cases those behind them. */
  firstCase: number;
  sliceMs: number;
  maxCases: number;
}

export interface FuzzReport {
  nextCase: number;
  results: number;
  refusals: number;
  failure?: { case: number; message: string };
}

export interface FuzzWorkerData {
  /** One 32-bit integer: counts up whenever a case begins. */
  progress: SharedArrayBuffer;
}

const material = createMaterial();
const targets = new Map<string, FuzzTarget>(
  [...wireTargets(material), ...workflowTargets(material)].map((target) => [target.name, target]),
);

function runCase(target: FuzzTarget, seed: number, number: number): void {
  const giant = target.giants[number];
  if (giant === undefined) target.run(createRandom(seed, target.name, number));
  else giant();
}

function serve(order: FuzzOrder, progress: Int32Array): FuzzReport {
  const target = targets.get(order.target);
  if (target === undefined) throw new Error(`There is no target ${order.target}.`);
  const report: FuzzReport = { nextCase: order.firstCase, results: 0, refusals: 0 };
  const until = performance.now() + order.sliceMs;
  for (let count = 0; count < order.maxCases && (count === 0 || performance.now() < until); count += 1) {
    const number = report.nextCase;
    Atomics.store(progress, 0, number);
    Atomics.add(progress, 1, 1);
    report.nextCase += 1;
    try {
      runCase(target, order.seed, number);
      report.results += 1;
    } catch (error) {
      if (error instanceof ComfyError) report.refusals += 1;
      else
        return { ...report, failure: { case: number, message: String(error instanceof Error ? error.stack : error) } };
    }
  }
  return report;
}

const port = parentPort;
if (port === null) throw new Error('This runs as a worker thread.');
const { progress } = workerData as FuzzWorkerData;
const shared = new Int32Array(progress);
port.on('message', (order: FuzzOrder) => port.postMessage(serve(order, shared)));
port.postMessage({
  giants: Object.fromEntries([...targets.values()].map(({ name, giants }) => [name, giants.length])),
});
