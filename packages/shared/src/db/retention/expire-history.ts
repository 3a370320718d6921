import { AppError } from '../../errors/app-error.ts';
import type { Database, SqlFragment } from '../connect-database.ts';
import { withDatabaseErrors } from '../database-error.ts';
import { inTransaction } from '../in-transaction.ts';

/** Any number, the same in every service: "aged" in ASCII. */
const advisoryLock = 0x61676564;

const dayMs = 24 * 3_600_000;

export interface RetentionRules {
  /** Finished requests are kept this long. */
  keepMs: number;
  /** Those that failed or were cancelled. */
  keepFailedMs: number;
  /** Requests deleted in one transaction. */
  batch: number;
}

export const defaultRetentionRules: RetentionRules = { keepMs: 90 * dayMs, keepFailedMs: 14 * dayMs, batch: 200 };

/** One request that is about to be deleted, with its rows, as JSON of the tables' own columns. */
export interface ExpiredRequest {
  request: Record<string, unknown>;
  jobs: Record<string, unknown>[];
  outputs: Record<string, unknown>[];
}

/**
 * Deletes one batch of old finished requests with all that belongs to them, and marks their files for deletion
 * (`takeExpiredAssets`). A request with a favourite picture stays whole. What language models cost is added to
 * `usage_days` first; pictures and GPU seconds were added when the jobs ended.
 *
 * @param archive is given the batch before it is deleted; when it throws, nothing is. After a crash between the two it is
 *   given the same batch again.
 * @returns requests deleted; 0 also while another process is at it.
 */
export async function expireHistory(
  db: Database,
  rules: RetentionRules = defaultRetentionRules,
  archive?: (requests: readonly ExpiredRequest[]) => Promise<void>,
): Promise<number> {
  return withDatabaseErrors(() =>
    inTransaction(db, async (tx) => {
      const [lock] = await tx.sql`select pg_try_advisory_xact_lock(${advisoryLock}) as held`;
      if (lock?.['held'] !== true) return 0;
      const kept = tx.sql`not exists (
          select from favourites f join jobs j on j.id = f.job_id where j.request_id = r.id)`;
      const found = await tx.sql`
        select id from requests where id in (
          (select r.id from requests r where r.finished_at < now() - ${rules.keepMs} * interval '1 millisecond'
            and ${kept} order by r.finished_at limit ${rules.batch})
          union all
          (select r.id from requests r where r.state in ('failed', 'cancelled')
            and r.finished_at < now() - ${rules.keepFailedMs} * interval '1 millisecond' and ${kept}
            order by r.finished_at limit ${rules.batch})
          limit ${rules.batch}
        ) for update skip locked`;
      const ids = found.map((row) => String(row['id']));
      if (ids.length === 0) return 0;
      if (archive !== undefined) await keep(archive, await readForArchive(tx, ids));
      await deleteRequests(tx, ids);
      return ids.length;
    }),
  );
}

async function keep(
  archive: (requests: readonly ExpiredRequest[]) => Promise<void>,
  requests: readonly ExpiredRequest[],
): Promise<void> {
  try {
    await archive(requests);
  } catch (cause) {
    throw new AppError('internal', 'the archive could not be written, so nothing was deleted', { cause });
  }
}

async function readForArchive(tx: Pick<Database, 'sql'>, ids: readonly string[]): Promise<ExpiredRequest[]> {
  const rows = await tx.sql`
    select to_jsonb(r) as request,
      coalesce((select jsonb_agg(to_jsonb(j) order by j.index) from jobs j where j.request_id = r.id), '[]') as jobs,
      coalesce((select jsonb_agg(to_jsonb(o) order by o.job_id, o.index) from job_outputs o
        join jobs j on j.id = o.job_id where j.request_id = r.id), '[]') as outputs
    from requests r where r.id = any(${ids as string[]}::uuid[]) order by r.finished_at`;
  return rows as unknown as ExpiredRequest[];
}

async function deleteRequests(tx: Pick<Database, 'sql'>, ids: readonly string[]): Promise<void> {
  const gone = ids as string[];
  const ofRuns = (table: string): SqlFragment =>
    tx.sql`delete from ${tx.sql(table)} where run_id = any(${gone}::uuid[])`;
  // Their bytes go with the next look for expired files, unless another output is the same file.
  await tx.sql`
    insert into assets (hash, media_type, bytes, expires_at)
    select distinct on (hash) hash, media_type, bytes, now() from (
      select o.hash, o.media_type, o.bytes from job_outputs o join jobs j on j.id = o.job_id
      where j.request_id = any(${gone}::uuid[])
      union all
      select o.thumbnail_hash, 'image/webp', 0 from job_outputs o join jobs j on j.id = o.job_id
      where j.request_id = any(${gone}::uuid[]) and o.thumbnail_hash is not null
    ) files
    on conflict (hash) do nothing`;
  await tx.sql`
    with runs as (
      delete from agent_usage where run_id = any(${gone}::uuid[])
      returning person_id, day, input_tokens + cache_read_tokens + cache_write_tokens as input_tokens, output_tokens,
        micro_dollars
    )
    insert into usage_days as u (person_id, day, input_tokens, output_tokens, micro_dollars)
    select person_id, day, sum(input_tokens), sum(output_tokens), sum(micro_dollars) from runs
    group by person_id, day order by person_id, day
    on conflict (person_id, day) do update set input_tokens = u.input_tokens + excluded.input_tokens,
      output_tokens = u.output_tokens + excluded.output_tokens, micro_dollars = u.micro_dollars + excluded.micro_dollars`;
  await ofRuns('agent_steps');
  await ofRuns('agent_tool_results');
  await tx.sql`delete from agent_answers where request_id = any(${gone}::uuid[])`;
  await tx.sql`delete from request_marks where request_id = any(${gone}::uuid[])`;
  await tx.sql`delete from chat_reports where request_id = any(${gone}::uuid[])`;
  await tx.sql`delete from chat_posts where request_id = any(${gone}::uuid[])`;
  await tx.sql`delete from web_posts where request_id = any(${gone}::uuid[])`;
  await tx.sql`delete from deliveries where request_id = any(${gone}::uuid[])`;
  await tx.sql`delete from door_prompts where request_id = any(${gone}::uuid[])`;
  await tx.sql`delete from jobs where request_id = any(${gone}::uuid[])`;
  await tx.sql`delete from requests where id = any(${gone}::uuid[])`;
}
