import { setTimeout as sleep } from 'node:timers/promises';
import type { PendingQuery, Row, Sql } from 'postgres';
import type { Episode, Execution } from './reconcile.ts';

/** From a death to the work going on, in ms. */
export interface RecoverySample {
  ms: number;
  /** Nothing else was broken meanwhile. */
  alone: boolean;
}

/** A fault while it lasted. Times in ms since 1970. */
export interface FaultSpan {
  from: number;
  to: number;
}

/** Notes how long jobs wait for a new worker after theirs was killed. */
export interface AdoptionWatch {
  /** Called right after the kill of a worker of this instance. */
  killed(instanceId: string, span: FaultSpan): Promise<void>;
  /** So far, with the spans that they come from. */
  readonly samples: readonly { from: number; to: number; span: FaultSpan }[];
  close(): Promise<void>;
}

/** A job with the lease of its instance. */
interface HeldJob {
  jobId: string;
  epoch: number;
  instanceEpoch: number | undefined;
  leaseUntil: string | undefined;
}

interface Waiting extends HeldJob {
  from: number;
  span: FaultSpan;
}

const pollMs = 50;
/** A look that took longer may have seen what came after the recovery. */
const maxLookMs = 300;

/** @param sql of its own: queries fail while Postgres is away, and are made again. */
export function watchAdoptions(sql: Sql): AdoptionWatch {
  const samples: { from: number; to: number; span: FaultSpan }[] = [];
  const closing = new AbortController();
  let waiting: Waiting[] = [];

  async function poll(): Promise<void> {
    while (!closing.signal.aborted) {
      await sleep(pollMs, undefined, { signal: closing.signal }).catch(() => undefined);
      if (waiting.length === 0) continue;
      const ids = waiting.map(({ jobId }) => jobId);
      const rows = await look(sql, sql`j.id = any(${ids}::uuid[])`);
      const at = Date.now();
      for (const row of rows) {
        for (const one of waiting.filter(({ jobId }) => jobId === row.jobId)) {
          const isTakenOver = row.epoch > one.epoch;
          if (isTakenOver) samples.push({ from: one.from, to: at, span: one.span });
          if (isTakenOver || isHeldByAnother(row, one)) waiting = waiting.filter((other) => other !== one);
        }
      }
    }
  }
  const polling = poll();

  return {
    samples,
    async killed(instanceId, span) {
      const from = Date.now();
      const rows = await look(
        sql,
        sql`j.instance_id = ${instanceId}
          and j.state in ('leased', 'posting', 'posted', 'running', 'storing', 'withdrawing')`,
      );
      if (Date.now() - from > maxLookMs) return;
      for (const row of rows) waiting.push({ ...row, from, span });
    },
    async close() {
      closing.abort();
      await polling;
    },
  };
}

/** Nothing while Postgres is away. */
async function look(sql: Sql, condition: PendingQuery<Row[]>): Promise<HeldJob[]> {
  try {
    const rows = await sql`
      select j.id, j.epoch, i.epoch as instance_epoch, i.lease_expires_at::text as lease_until
      from jobs j left join instances i on i.id = j.instance_id where ${condition}`;
    return rows.map((row) => ({
      jobId: String(row['id']),
      epoch: Number(row['epoch']),
      instanceEpoch: row['instance_epoch'] === null ? undefined : Number(row['instance_epoch']),
      leaseUntil: row['lease_until'] === null ? undefined : String(row['lease_until']),
    }));
  } catch {
    return [];
  }
}

/** The lease goes on without a takeover, or the job was let go: not its holder was killed, but a worker that stood by. */
function isHeldByAnother(now: HeldJob, then: HeldJob): boolean {
  return (
    now.instanceEpoch === undefined || (now.instanceEpoch === then.instanceEpoch && now.leaseUntil !== then.leaseUntil)
  );
}

/** Whether no other fault overlaps the time from `from` to `to`. */
export function isAlone(from: number, to: number, own: FaultSpan, spans: readonly FaultSpan[]): boolean {
  return !spans.some((span) => span !== own && span.from <= to && span.to >= from);
}

/**
 * For each ComfyUI that died at work: from its first answer to the first prompt that ran there again, or to the next run
 * of what it had been executing, wherever that was. What was given up is left out.
 */
export function repostTimes(
  crashes: readonly Episode[],
  executions: readonly Execution[],
  spans: readonly FaultSpan[],
): RecoverySample[] {
  return crashes.flatMap((crash): RecoverySample[] => {
    const interrupted = new Set(
      executions
        .filter(({ gpu, outcome, startedAt, endedAt }) => {
          return gpu === crash.gpu && outcome === 'crashed' && startedAt <= crash.to && (endedAt ?? 0) >= crash.from;
        })
        .map(({ jobId }) => jobId),
    );
    const after = executions.filter(({ startedAt }) => startedAt >= crash.to);
    const again = after.filter(({ jobId }) => interrupted.has(jobId));
    if (again.length === 0) return [];
    const first = Math.min(
      ...[...again, ...after.filter(({ gpu }) => gpu === crash.gpu)].map(({ startedAt }) => startedAt),
    );
    return [{ ms: first - crash.to, alone: isAlone(crash.from, first, spanOf(crash, spans), spans) }];
  });
}

/** The fault that a crash came from: the one that lasted exactly as long. */
function spanOf(crash: Episode, spans: readonly FaultSpan[]): FaultSpan {
  return spans.find((span) => span.from === crash.from && span.to === crash.to) ?? crash;
}
