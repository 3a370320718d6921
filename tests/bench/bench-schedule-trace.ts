import { readFile } from 'node:fs/promises';
import { z } from 'zod';

/** One request of a trace. Times in seconds. */
export interface TraceRow {
  arrivalSeconds: number;
  user: string;
  model: string;
  executionSeconds: number;
  images: number;
  steps: number;
  loras: number;
}

const rowSchema = z.object({
  arrival_s: z.coerce.number(),
  user: z.string().min(1),
  model: z.string(),
  execution_s: z.coerce.number(),
  images: z.coerce.number(),
  steps: z.coerce.number(),
  loras: z.coerce.number(),
});

/** Reads a CSV with the columns arrival_s, user, model, execution_s, images, steps, loras; rows that never ran are left out. */
export async function readTrace(path: string): Promise<TraceRow[]> {
  const [header = '', ...lines] = (await readFile(path, 'utf8')).trim().split(/\r?\n/);
  const columns = header.split(',');
  const rows: TraceRow[] = [];
  for (const [index, line] of lines.entries()) {
    const cells = line.split(',');
    const parsed = rowSchema.safeParse(Object.fromEntries(columns.map((name, at) => [name, cells[at]])));
    if (!parsed.success) throw new Error(`${path}, line ${index + 2}: ${z.prettifyError(parsed.error)}`);
    const row = parsed.data;
    if (row.execution_s <= 0) continue;
    rows.push({
      arrivalSeconds: row.arrival_s,
      user: row.user,
      model: row.model,
      executionSeconds: row.execution_s,
      images: row.images || 1,
      steps: row.steps,
      loras: row.loras,
    });
  }
  return rows.sort((a, b) => a.arrivalSeconds - b.arrivalSeconds);
}

/**
 * A synthetic trace with the statistics of twelve days of Alibaba's GenTD26 text-to-image trace (10,332 runs, 1,741 users, 75 models),
 * taken by counting over its rows: requests per day and per hour of the day; requests per user (rank exponent 0.95, median 2) and per
 * model (shares of the first fifteen); the gap to a user's previous request (median 67 s, three quarters within 139 s, so people
 * come in sittings); the chance that a user stays with the model (0.71) and all settings (0.83); images, steps and LoRAs by
 * frequency; log execution seconds (mean 3.12, deviation 0.55; 0.34 within one model, steps and images), and their medians by images and LoRAs.
 */
export function generateTrace(seed: number, requests = 10_000): TraceRow[] {
  const random = createRandom(seed);
  const models = weighted(
    Array.from({ length: 75 }, (_, rank) => [`M${rank}`, MODEL_SHARES[rank] ?? 60 * (1.5 / (rank - 12)) ** 1.3]),
  );
  const modelEffect = new Map(Array.from({ length: 75 }, (_, rank) => [`M${rank}`, 0.3 * normal(random)]));
  const rows: TraceRow[] = [];
  for (let rank = 0; rank < USERS; rank += 1) {
    let left = Math.max(1, Math.round((0.108 * requests) / (rank + 1) ** 0.95));
    let last: TraceRow | undefined;
    while (left > 0) {
      let clock = DAYS(random) * 86_400 + HOURS(random) * 3_600 + random() * 3_600;
      do {
        last = nextRow(last, clock, `U${rank}`);
        rows.push(last);
        clock += Math.min(3_600, Math.exp(4.2 + 0.95 * normal(random)));
        left -= 1;
      } while (left > 0 && random() > 1 / 11);
    }
  }
  return rows.sort((a, b) => a.arrivalSeconds - b.arrivalSeconds);

  function nextRow(last: TraceRow | undefined, arrivalSeconds: number, user: string): TraceRow {
    const model = last !== undefined && random() < 0.71 ? last.model : models(random);
    const keeps = last !== undefined && random() < 0.83;
    const images = keeps ? last.images : IMAGES(random);
    const steps = keeps ? last.steps : STEPS(random);
    const loras = keeps ? last.loras : LORAS(random);
    const log =
      2.88 +
      (modelEffect.get(model) ?? 0) +
      (images === 1 ? 0 : images === 2 ? 0.15 : 0.37) +
      (loras > 0 ? 0.5 : 0) +
      0.4 * Math.log(Math.max(steps, 8) / 30) +
      0.34 * normal(random);
    const executionSeconds = Math.max(1, Math.round(Math.exp(log)));
    return { arrivalSeconds, user, model, executionSeconds, images, steps, loras };
  }
}

const MODEL_SHARES = [2835, 1283, 1017, 850, 634, 588, 452, 317, 284, 275, 243, 103, 96, 85, 77];
const USERS = 1_741;
/** Requests by day. */
const DAYS = weighted(
  [106, 97, 114, 66, 754, 1440, 1504, 1409, 109, 1507, 1610, 1621].map((count, day) => [day, count]),
);
/** Requests by hour of the day, over twelve days. */
const HOURS = weighted(
  [786, 1130, 232, 327, 1426, 1530, 1517, 1572, 407, 298, 324, 193, 85, 95, 40, 52, 42, 27, 2, 1, 1, 3, 15, 234].map(
    (count, hour) => [hour, count],
  ),
);
const IMAGES = weighted<number>([
  [1, 6165],
  [4, 2065],
  [8, 1349],
  [2, 749],
]);
const STEPS = weighted<number>([
  [30, 9471],
  [40, 495],
  [38, 75],
  [35, 50],
  [25, 31],
  [50, 30],
  [100, 26],
  [20, 22],
  [8, 20],
]);
const LORAS = weighted<number>([
  [0, 8776],
  [1, 1508],
  [2, 41],
  [3, 12],
]);

/** Arrivals stretched or squeezed so that the work offered is `load` times what the GPUs can do over the span. */
export function scaleToLoad(rows: readonly TraceRow[], load: number, gpus: number): TraceRow[] {
  const first = rows[0]?.arrivalSeconds ?? 0;
  const span = (rows.at(-1)?.arrivalSeconds ?? 0) - first;
  const work = rows.reduce((sum, row) => sum + row.executionSeconds, 0);
  const factor = span === 0 ? 0 : work / (load * gpus * span);
  return rows.map((row) => ({ ...row, arrivalSeconds: (row.arrivalSeconds - first) * factor }));
}

/** Mulberry32: uniform in [0, 1). */
export function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

function weighted<T>(entries: readonly (readonly [T, number])[]): (random: () => number) => T {
  const total = entries.reduce((sum, [, weight]) => sum + weight, 0);
  return (random) => {
    let left = random() * total;
    for (const [value, weight] of entries) {
      left -= weight;
      if (left < 0) return value;
    }
    const last = entries.at(-1);
    if (last === undefined) throw new Error('there is nothing to choose from');
    return last[0];
  };
}
