/*
 * A job's states, and every edge between them. Each edge is one statement that checks both leases (job-lease.ts) and
 * writes the messages it owes; a statement that changes no row says that the lease was lost, and whoever lost it stops.
 * Picks (pick-jobs.ts) and successes (finish-jobs.ts) come by the hundred a second where jobs are short: one statement
 * takes several.
 *
 *   queued       Waits. Entry: planRequest, requeueJob, rescueStranded.            Exit: pickQueuedJobs, a cancel.
 *   leased       A worker holds it without a prompt_id: a pick that named none. Nothing is in ComfyUI. Exit: markPosting,
 *                requeueJob.
 *   posting      prompt_id and the time are stored. Its worker uploads inputs, waits for its turn and sends the POST, or
 *                sent it and lost the answer: to anybody else the prompt may be in ComfyUI, or may still arrive there.
 *                Exit: markPosted, markRunning, requeueJob (not sent yet, absent at two looks, or refused).
 *   posted       ComfyUI has it in its queue.                                      Exit: markRunning, markWithdrawing,
 *                requeueJob (known absent), finishJobs.
 *   withdrawing  The intent to take it back is stored; /queue delete follows, then a look. Exit: requeueJob (absent twice),
 *                markRunning (it had started), finishJobs.
 *   running      ComfyUI executes it. Entering counts an attempt.                  Exit: finishJobs, failJob, cancelJob,
 *                requeueJob (lost, interrupted by somebody else, out of memory).
 *   storing      It succeeded; outputs are being stored, and that takes a while. A cancel comes too late.
 *                Exit: finishJobs, failJob, requeueJob (ComfyUI forgot the files).
 *   succeeded, failed, cancelled, quarantined   Final.
 *
 * posting -> running and running -> succeeded pass two edges in one statement when both are known at once.
 */
import type { JobError } from '../../contracts/job.ts';
import { withDatabaseErrors } from '../database-error.ts';
import type { Database, SqlFragment } from '../connect-database.ts';
import { outboxRowSchema, type OutboxRow } from '../outbox-row.ts';
import { endJobsTail } from './end-jobs.ts';
import { leaseHeld, type JobLease } from './job-lease.ts';
import { jobRecordSchema, type JobRecord } from './job-row.ts';

/** leased -> posting: the prompt's id and the time are on record before the POST. Refused once a cancel is wanted. */
export async function markPosting(db: Database, lease: JobLease, promptId: string): Promise<JobRecord | undefined> {
  const rows = await withDatabaseErrors(
    () => db.sql`
    update jobs j set state = 'posting', prompt_id = ${promptId}, posted_at = clock_timestamp(), version = j.version + 1
    where ${leaseHeld(db, lease)} and j.state = 'leased' and j.cancel_requested_at is null
    returning *`,
  );
  return rows[0] === undefined ? undefined : jobRecordSchema.parse(rows[0]);
}

export type Held = { held: true; cancelRequested: boolean } | { held: false };

/** posting -> posted: ComfyUI answered that it has the prompt. */
export async function markPosted(db: Database, lease: JobLease): Promise<Held> {
  const rows = await withDatabaseErrors(
    () => db.sql`
    update jobs j set state = 'posted', version = j.version + 1
    where ${leaseHeld(db, lease)} and j.state = 'posting'
    returning j.cancel_requested_at is not null as cancel_requested`,
  );
  return toHeld(rows[0]);
}

/** posting | posted | withdrawing -> running: it started. Counts the attempt. Repeating it in `running` changes nothing. */
export async function markRunning(db: Database, lease: JobLease): Promise<{ held: Held; outbox: OutboxRow[] }> {
  const rows = await withDatabaseErrors(
    () => db.sql`
    with started as (
      update jobs j set state = 'running', version = j.version + 1, attempts = j.attempts + 1, started_at = now()
      where ${leaseHeld(db, lease)} and j.state in ('posting', 'posted', 'withdrawing')
      returning j.*
    ), message as (${jobChangedMessages(db, 'started')})
    select (select cancel_requested_at is not null from started) as cancel_requested, m.* from message m`,
  );
  const [first] = rows;
  if (first === undefined) {
    const repeated = await withDatabaseErrors(
      () => db.sql`
      select j.cancel_requested_at is not null as cancel_requested from jobs j
      where ${leaseHeld(db, lease)} and j.state = 'running'`,
    );
    return { held: toHeld(repeated[0]), outbox: [] };
  }
  return { held: toHeld(first), outbox: [outboxRowSchema.parse(first)] };
}

/** posted -> withdrawing: the intent comes before the delete. */
export async function markWithdrawing(db: Database, lease: JobLease): Promise<Held> {
  const rows = await withDatabaseErrors(
    () => db.sql`
    update jobs j set state = 'withdrawing', version = j.version + 1
    where ${leaseHeld(db, lease)} and j.state in ('posting', 'posted')
    returning j.cancel_requested_at is not null as cancel_requested`,
  );
  return toHeld(rows[0]);
}

/** running (or earlier) -> storing: history says success. From here on a cancel comes too late. */
export async function markStoring(db: Database, lease: JobLease): Promise<boolean> {
  const rows = await withDatabaseErrors(
    () => db.sql`
    update jobs j set state = 'storing', version = j.version + 1, attempts = greatest(j.attempts, 1),
      started_at = coalesce(j.started_at, j.posted_at)
    where ${leaseHeld(db, lease)} and j.state in ('posting', 'posted', 'withdrawing', 'running', 'storing')
    returning id`,
  );
  return rows.length > 0;
}

/** -> failed or quarantined, with the cause as a person can read it. */
export async function failJob(
  db: Database,
  lease: JobLease,
  failure: { state: 'failed' | 'quarantined'; error: JobError; gpuSeconds: number },
): Promise<OutboxRow[] | undefined> {
  return endJob(
    db,
    lease,
    db.sql`state = ${failure.state}, error = ${db.sql.json(failure.error)}, gpu_seconds = ${failure.gpuSeconds}`,
    db.sql`j.finished_at is null`,
  );
}

/** -> cancelled: its prompt is known to be neither queued nor running. Not from `storing`: success beats cancel. */
export async function cancelJob(db: Database, lease: JobLease, gpuSeconds: number): Promise<OutboxRow[] | undefined> {
  return endJob(
    db,
    lease,
    db.sql`state = 'cancelled', gpu_seconds = ${gpuSeconds}`,
    db.sql`j.cancel_requested_at is not null and j.state in ('leased', 'posting', 'posted', 'withdrawing', 'running')`,
  );
}

export interface RequeueOptions {
  /** ComfyUI died while this was executing. */
  crashed?: boolean;
  outOfMemory?: boolean;
  /** Not picked again before. */
  afterMs?: number;
}

/**
 * Back to queued in its old place, its charge returned, unbound from the instance: its prompt is known to be neither
 * queued nor running there, now or later.
 */
export async function requeueJob(
  db: Database,
  lease: JobLease,
  options: RequeueOptions = {},
): Promise<OutboxRow[] | undefined> {
  const rows = await withDatabaseErrors(
    () => db.sql`
    with before as (
      select j.id, j.person_id, j.charged_gpu_seconds from jobs j
      where ${leaseHeld(db, lease)} and j.finished_at is null and j.state <> 'queued' for update
    ), started as (
      update jobs j set state = 'queued', version = j.version + 1, epoch = j.epoch + 1, instance_id = null,
        instance_epoch = null, lease_expires_at = null, prompt_id = null, posted_at = null, started_at = null,
        charged_gpu_seconds = 0, crashes = j.crashes + ${options.crashed === true ? 1 : 0},
        out_of_memory = j.out_of_memory + ${options.outOfMemory === true ? 1 : 0},
        vram_gb = ${options.outOfMemory === true ? biggerGpu(db, lease) : db.sql`j.vram_gb`},
        not_before = clock_timestamp() + ${options.afterMs ?? 0} * interval '1 millisecond'
      from before where j.id = before.id
      returning j.*
    ), refunded as (
      update fair_shares s set charged_gpu_seconds = greatest(0, s.charged_gpu_seconds - before.charged_gpu_seconds)
      from before where s.person_id = before.person_id
    ), message as (${jobChangedMessages(db, 'started')})
    select * from message`,
  );
  return rows.length === 0 ? undefined : rows.map((row) => outboxRowSchema.parse(row));
}

/**
 * What a job needs after this GPU was too small for it: more than this one has, where a living one of a larger class can be
 * had; else what it needed before, and another try here.
 */
function biggerGpu(db: Database, lease: JobLease): SqlFragment {
  return db.sql`coalesce((
    select greatest(j.vram_gb, 1.1 * (own.status->>'vramTotal')::float8 / 1073741824) from instances own
    where own.id = ${lease.instance.instanceId} and exists (
      select from instances other where other.lease_expires_at > clock_timestamp() and not other.paused
        and other.reserved_for is null
        and (other.status->>'vramTotal')::float8 > 1.2 * (own.status->>'vramTotal')::float8)
  ), j.vram_gb)`;
}

/** The end of one job under its lease: `set` and `allowed`, then the common tail. */
async function endJob(
  db: Database,
  lease: JobLease,
  set: SqlFragment,
  allowed: SqlFragment,
): Promise<OutboxRow[] | undefined> {
  const rows = await withDatabaseErrors(
    () => db.sql`
    with ended_job as (
      update jobs j set ${set}, version = j.version + 1, finished_at = now(), lease_expires_at = null
      where ${leaseHeld(db, lease)} and ${allowed}
      returning j.*
    ), ${endJobsTail(db)}`,
  );
  return rows.length === 0 ? undefined : rows.map((row) => outboxRowSchema.parse(row));
}

/** An insert of `jobChanged` for the rows of a table expression of `jobs`. */
export function jobChangedMessages(
  db: Pick<Database, 'sql'>,
  table: 'started' | 'adopted' | 'rescued',
  recovered = false,
): SqlFragment {
  return db.sql`
    insert into outbox (key, tokens, data, correlation_id)
    select 'jobChanged', jsonb_build_object('state', state),
      jsonb_build_object('jobId', id, 'requestId', request_id, 'state', state, 'version', version)
        || ${recovered ? db.sql`'{"recovered": true}'::jsonb` : db.sql`'{}'::jsonb`}, request_id
    from ${db.sql(table)}
    returning id, key, tokens, data, correlation_id`;
}

function toHeld(row: Record<string, unknown> | undefined): Held {
  return row === undefined ? { held: false } : { held: true, cancelRequested: row['cancelRequested'] === true };
}
