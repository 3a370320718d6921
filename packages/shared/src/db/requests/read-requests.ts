import type { Database } from '../connect-database.ts';
import { withDatabaseErrors } from '../database-error.ts';
import { requestRecordSchema, type RequestRecord } from './request-row.ts';

/** The columns of a {@link RequestRecord}, from `requests r join people p`. */
export function requestColumns(db: Pick<Database, 'sql'>) {
  return db.sql`r.id, r.door, r.event_id, r.person_id, p.display_name as person_name, r.place, r.language, r.body,
    r.state, r.version, r.plan, r.reply, r.error, r.cancel_requested_at, r.agent_epoch, r.jobs_total, r.jobs_open,
    r.jobs_succeeded, r.created_at, r.updated_at, r.finished_at, r.question, r.is_private, r.parent_request_id,
    r.parent_picture, r.cost`;
}

export async function readRequest(db: Database, id: string): Promise<RequestRecord | undefined> {
  const rows = await withDatabaseErrors(
    () => db.sql`select ${requestColumns(db)} from requests r join people p on p.id = r.person_id where r.id = ${id}`,
  );
  return rows[0] === undefined ? undefined : requestRecordSchema.parse(rows[0]);
}

export interface TimelineQuery {
  door: string;
  placeId: string;
  limit: number;
  /** Only what was asked before this request: for paging back. */
  before?: string;
}

/** Every request that is not finished, oldest first: what the queue card and a restarted adapter look at. */
export async function readOpenRequests(db: Database, limit = 1_000): Promise<RequestRecord[]> {
  const rows = await withDatabaseErrors(
    () => db.sql`
    select ${requestColumns(db)} from requests r join people p on p.id = r.person_id
    where r.finished_at is null order by r.created_at limit ${limit}`,
  );
  return rows.map((row) => requestRecordSchema.parse(row));
}
