import { randomUUID } from 'node:crypto';
import { createDatabase, type Database } from '@atelier/shared/db/connect-database';
import { claimDeliveries } from '@atelier/shared/db/deliveries/delivery-store';
import { finishJob } from '@atelier/shared/db/jobs/finish-jobs';
import { markRunning } from '@atelier/shared/db/jobs/job-transitions';
import { readFinishedRuns } from '@atelier/shared/db/jobs/read-runs';
import { readQueueSnapshot } from '@atelier/shared/db/jobs/queue-snapshot';
import { migrateDatabase } from '@atelier/shared/db/migrate-database';
import { readInstanceStatus } from '@atelier/shared/db/operators/instance-status';
import { readCardRows, readTimelineRows } from '@atelier/shared/db/requests/read-card-rows';
import { readOpenRequests } from '@atelier/shared/db/requests/read-requests';
import { defaultRetentionRules, expireHistory } from '@atelier/shared/db/retention/expire-history';
import { holdTestInstance, pickTestJob, queueTestJobs } from '@atelier/shared/db/testing/queue-fixtures';
import { createLogger } from '@atelier/shared/log/create-logger';
import { percentile } from './bench-schedule.ts';

/** Statements on a short history and on a long one. */
export interface HistoryResult {
  jobs: number;
  /** Median ms of each statement: on a short history, and with that many finished jobs. */
  statements: { name: string; shortMs: number; fullMs: number }[];
  /** Scans of whole tables that the statements made on the long one, by table; none is what is wanted. */
  tableScans: Record<string, number>;
}

const rounds = 30;
/** Jobs of the history that the long one is compared with: fifty in each place, so that a page of a timeline is full on both. */
const shortHistory = 50 * rounds;
/** GPUs that the filled in jobs ran on; the last quarter of them within a day, as on a busy one. */
const FILLED_GPUS = 4;
/** Tables whose rows grow with history. */
const growing = ['jobs', 'requests', 'deliveries', 'job_outputs'];

/** Times what every job and every card costs before and after some more jobs have ended, up to `jobs`, one picture each. */
export async function benchHistory(url: string, jobs: number, say: (line: string) => void): Promise<HistoryResult> {
  await migrateDatabase(url);
  const log = createLogger('bench', 'silent');
  const db = createDatabase({ url, poolSize: 2, applicationName: 'bench', log });
  try {
    // Makes the people whose history it is.
    await timeStatements(db);
    await fill(db, 0, shortHistory);
    const short = await timeStatements(db);
    say(`filling in ${jobs} finished jobs`);
    await fill(db, shortHistory, jobs);
    const scansBefore = await countScans(db);
    say('timing again');
    const full = await timeStatements(db);
    const scansAfter = await countScans(db);
    return {
      jobs,
      statements: [...full].map(([name, fullMs]) => ({ name, shortMs: short.get(name) ?? NaN, fullMs })),
      tableScans: Object.fromEntries(
        growing.map((table) => [table, (scansAfter.get(table) ?? 0) - (scansBefore.get(table) ?? 0)]),
      ),
    };
  } finally {
    await db.close();
  }
}

async function timeStatements(db: Database): Promise<Map<string, number>> {
  const times = new Map<string, number[]>();
  const timed = async <T>(name: string, work: () => Promise<T>): Promise<T> => {
    const startedAt = performance.now();
    const result = await work();
    const list = times.get(name) ?? [];
    times.set(name, [...list, performance.now() - startedAt]);
    return result;
  };
  const instance = await holdTestInstance(db, randomUUID(), 3_600_000);
  for (let round = 0; round < rounds; round += 1) {
    const person = `p${round}`;
    const kind = { model: 'sdxl', steps: 20, pixels: 1_048_576, loras: 0 };
    const { requestId, jobIds } = await timed('accept, claim and plan a request', () =>
      queueTestJobs(db, 1, person, kind),
    );
    await timed('read the queue', () => readQueueSnapshot(db));
    const lease = await timed('read the queue and pick', () => pickTestJob(db, instance, jobIds[0] ?? ''));
    await timed('mark it running', () => markRunning(db, lease));
    const output = { index: 0, hash: randomUUID().replaceAll('-', '').padEnd(64, '0'), mediaType: 'image/png' };
    const outputs = [{ ...output, bytes: 10, nodeId: '1', filename: 'x.png' }];
    await timed('finish it', () => finishJob(db, lease, { outputs, gpuSeconds: 4 }));
    await timed('read its card', () => readCardRows(db, [requestId]));
    await timed('read a timeline of 50', () => readTimelineRows(db, { door: 'web', placeId: person, limit: 50 }));
    await timed('read open requests', () => readOpenRequests(db));
    await timed('claim deliveries', () =>
      claimDeliveries(db, { doors: ['web'], holder: randomUUID(), leaseMs: 1, limit: 10 }),
    );
    await timed('learn from the last runs', () => readFinishedRuns(db, { limit: 5_000, after: Date.now() / 1_000 }));
    await timed('read the status of instances', () => readInstanceStatus(db));
    await timed('look for expired requests', () => expireHistory(db, defaultRetentionRules));
  }
  return new Map([...times].map(([name, list]) => [name, percentile(list, 0.5)]));
}

/** Fills in the finished jobs from the `first` to the last of `jobs`, spread over 80 days. */
async function fill(db: Database, first: number, jobs: number): Promise<void> {
  const batch = 10_000;
  for (let from = first; from < jobs; from += batch) {
    await db.sql`
      with numbers as (
        select n, gen_random_uuid() as request_id, gen_random_uuid() as job_id,
          now() - interval '80 days' * greatest(0, 0.75 - n::float8 / ${jobs}::float8)
            - interval '1 day' * least(1, 4 - 4 * n::float8 / ${jobs}::float8) as at
        from generate_series(${from}::int, ${Math.min(jobs, from + batch) - 1}::int) as n
      ), person as (select array_agg(id) as ids from people), r as (
        insert into requests (id, door, event_id, person_id, place, language, body, state, jobs_total, jobs_succeeded,
          created_at, updated_at, finished_at)
        select request_id, 'web', 'fill-' || n, person.ids[1 + n % array_length(person.ids, 1)],
          jsonb_build_object('door', 'web', 'id', 'p' || n % 30), 'en', '{"kind": "words", "text": "a fox"}',
          case when n % 20 = 0 then 'failed' else 'succeeded' end, 1, 1, at, at, case when n % 20 = 0 then now() else at end
        from numbers, person
      ), j as (
        insert into jobs (id, request_id, person_id, index, class, recipe, workflow_text, inputs, classes, residency_key,
          estimate_key, estimated_gpu_seconds, images, time_limit_seconds, model, steps, pixels, loras, state,
          instance_id, attempts, gpu_seconds, queued_at, started_at, finished_at)
        select job_id, request_id, person.ids[1 + n % array_length(person.ids, 1)], 0, 'interactive', 'sdxl', '{}', '[]',
          '{SaveImage}', 'sdxl', 'key-' || n % 500, 10, 1, 600, 'sdxl', 20, 1048576, 0, 'succeeded', 'gpu' || n % ${FILLED_GPUS}::int, 1,
          5 + n % 7, at, at, at
        from numbers, person
      ), d as (
        insert into deliveries (request_id, door, place, kind, state, created_at, sent_at)
        select request_id, 'web', '{"door": "web", "id": "p"}', 'result', 'sent', at, at from numbers
      ), i as (
        insert into job_outputs (job_id, index, hash, media_type, bytes, node_id, filename)
        select job_id, 0, md5(n::text) || md5((n + 1)::text), 'image/png', 10, '1', 'x.png' from numbers
      )
      select 1`;
  }
  // Those that ran them, and one that never ran any: what is asked of each is answered by an index, or not at all.
  await db.sql`
    insert into instances (id, client_id, holder, epoch, lease_expires_at)
    select 'gpu' || n, gen_random_uuid(), gen_random_uuid(), 1, now() from generate_series(0, ${FILLED_GPUS}::int) as n on conflict do nothing`;
  await db.sql`analyze`;
}

async function countScans(db: Database): Promise<Map<string, number>> {
  // Statistics of other connections arrive within a second; of our own with their next statement after a while.
  await db.sql`select pg_stat_force_next_flush()`;
  await db.sql`select pg_stat_clear_snapshot()`;
  const rows = await db.sql`
    select relname, seq_scan from pg_stat_user_tables where relname = any(${growing}::text[])`;
  return new Map(rows.map((row) => [String(row['relname']), Number(row['seqScan'])]));
}

export function formatHistory({ jobs, statements, tableScans }: HistoryResult): string[] {
  const scans = Object.entries(tableScans).map(([table, count]) => `${table} ${count}`);
  return [
    `median ms of ${rounds} rounds, on a history of ${shortHistory.toLocaleString('en')} finished jobs and of ${jobs.toLocaleString('en')} (goal: flat)`,
    ...statements.map(
      ({ name, shortMs, fullMs }) =>
        `  ${name.padEnd(34)}${shortMs.toFixed(2).padStart(8)}${fullMs.toFixed(2).padStart(10)}`,
    ),
    `scans of whole tables on the long history: ${scans.join(', ')} (goal 0)`,
  ];
}
