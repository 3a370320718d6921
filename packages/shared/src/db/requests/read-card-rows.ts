import { z } from 'zod';
import type { Database, SqlFragment } from '../connect-database.ts';
import { withDatabaseErrors } from '../database-error.ts';
import type { JobWithOutputs } from '../jobs/job-row.ts';
import { jobsFromJson, jobsJson } from '../jobs/jobs-json.ts';
import { requestColumns, type TimelineQuery } from './read-requests.ts';
import { requestRecordSchema, type RequestRecord } from './request-row.ts';

/** A request with what its card shows. */
export interface CardRow {
  request: RequestRecord;
  /** By index. */
  jobs: JobWithOutputs[];
  /** Its result stands on the page. */
  onPage: boolean;
  /** Absent where nobody did anything with it. */
  marks?: { isDeleted: boolean; isShared: boolean };
}

/** Requests with their jobs, outputs and marks in one round trip; unknown ones are left out, the order is the database's. */
export async function readCardRows(db: Pick<Database, 'sql'>, requestIds: readonly string[]): Promise<CardRow[]> {
  if (requestIds.length === 0) return [];
  const rows = await withDatabaseErrors(
    () => db.sql`
    select ${cardColumns(db)} from requests r join people p on p.id = r.person_id
      left join request_marks m on m.request_id = r.id
    where r.id = any(${requestIds as string[]}::uuid[])`,
  );
  return rows.map(cardRow);
}

/** A place's requests, newest first, as {@link readCardRows}. */
export async function readTimelineRows(db: Pick<Database, 'sql'>, query: TimelineQuery): Promise<CardRow[]> {
  const before =
    query.before === undefined
      ? db.sql``
      : db.sql`and r.created_at < (select created_at from requests where id = ${query.before})`;
  const rows = await withDatabaseErrors(
    () => db.sql`
    select ${cardColumns(db)} from requests r join people p on p.id = r.person_id
      left join request_marks m on m.request_id = r.id
    where r.door = ${query.door} and r.place->>'id' = ${query.placeId} ${before}
    order by r.created_at desc limit ${query.limit}`,
  );
  return rows.map(cardRow);
}

function cardColumns(db: Pick<Database, 'sql'>): SqlFragment {
  return db.sql`${requestColumns(db)}, ${jobsJson(db)} as jobs,
    exists (select from web_posts w where w.request_id = r.id and w.kind = 'result') as on_page,
    m.request_id is not null as marked, m.deleted_at is not null as is_deleted, m.shared_at is not null as is_shared`;
}

function cardRow(row: Record<string, unknown>): CardRow {
  const { isDeleted, isShared, marked } = flagsSchema.parse(row);
  return {
    request: requestRecordSchema.parse(row),
    jobs: jobsFromJson(row['jobs']),
    onPage: row['onPage'] === true,
    ...(marked ? { marks: { isDeleted, isShared } } : {}),
  };
}

const flagsSchema = z.object({ marked: z.boolean(), isDeleted: z.boolean(), isShared: z.boolean() });
