import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { z } from 'zod';

const runSchema = z.object({
  /** ms to parse and index 379 classes, the first time in a process: nothing is compiled yet. */
  coldIndexMs: z.number(),
  /** The same once the engine has compiled the code (median). */
  indexMs: z.number(),
  /** ms to parse and index 5,000 classes (median). */
  largeIndexMs: z.number(),
  /** ms of one search among 5,000 classes (median). */
  searchMs: z.number(),
  /** ms to validate a workflow of 60 nodes, text parsed included (median). */
  validateMs: z.number(),
  /** ms to convert a front-end file of 200 nodes, most of them in subgraphs (median). */
  convertMs: z.number(),
  /** MB of heap that the parsed registry of 5,000 classes and its search hold. */
  largeHeapMegabytes: z.number(),
});

/** What one process measured. */
export type ComfyuiRun = z.infer<typeof runSchema>;

export interface ComfyuiResult {
  /** The best of the runs for each figure: what else the machine does only ever adds. */
  best: ComfyuiRun;
  runs: ComfyuiRun[];
}

const figures: readonly { key: keyof ComfyuiRun; name: string; unit: string; goal?: number }[] = [
  { key: 'indexMs', name: '379 classes parsed and indexed', unit: 'ms', goal: 20 },
  { key: 'coldIndexMs', name: '  the first time in a process', unit: 'ms' },
  { key: 'largeIndexMs', name: '5,000 classes parsed and indexed', unit: 'ms', goal: 200 },
  { key: 'searchMs', name: 'search among 5,000 classes, p50', unit: 'ms', goal: 1 },
  { key: 'validateMs', name: 'validation of 60 nodes', unit: 'ms', goal: 1 },
  { key: 'convertMs', name: 'conversion of 200 nodes, subgraphs', unit: 'ms', goal: 5 },
  { key: 'largeHeapMegabytes', name: 'memory for 5,000 classes', unit: 'MB', goal: 60 },
];

/** Measures in `runs` processes, one after another. */
export async function benchComfyui(runs: number, say: (line: string) => void): Promise<ComfyuiResult> {
  const script = fileURLToPath(new URL('./measure-comfyui.ts', import.meta.url));
  const results: ComfyuiRun[] = [];
  for (let run = 1; run <= Math.max(1, runs); run += 1) {
    const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', script]);
    results.push(runSchema.parse(JSON.parse(stdout)));
    say(`${run} of ${runs}`);
  }
  const [first, ...others] = results;
  if (first === undefined) throw new Error('nothing was measured');
  const best = { ...first };
  for (const { key } of figures) best[key] = Math.min(first[key], ...others.map((run) => run[key]));
  return { best, runs: results };
}

/** The result as lines, each with its goal. */
export function formatComfyui({ best, runs }: ComfyuiResult): string[] {
  return [
    `the best of ${runs.length} processes`,
    ...figures.map(({ key, name, unit, goal }) => {
      const value = best[key];
      const verdict = goal === undefined ? '' : `, goal ≤ ${goal} ${unit}: ${value <= goal ? 'within' : 'over'}`;
      return `${name.padEnd(36)} ${value.toFixed(2)} ${unit}${verdict}`;
    }),
  ];
}
