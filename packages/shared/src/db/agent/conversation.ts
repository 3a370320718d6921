import { z } from 'zod';
import { uuidSchema } from '../../contracts/identity.ts';
import { planSummarySchema, requestBodySchema, requestStateSchema } from '../../contracts/request.ts';
import { withDatabaseErrors } from '../database-error.ts';
import type { Queries } from '../in-transaction.ts';

const conversationRowSchema = z.object({
  id: uuidSchema,
  personId: uuidSchema,
  personName: z.string(),
  body: requestBodySchema,
  state: requestStateSchema,
  plan: planSummarySchema.nullable(),
  reply: z.string().nullable(),
  error: z.object({ message: z.object({ en: z.string() }) }).nullable(),
  /** What it waits for while `asking`. */
  question: z.object({ text: z.object({ en: z.string() }) }).nullable(),
  /** Pictures that came out. */
  pictures: z.int(),
  jobsOpen: z.int(),
  parentRequestId: uuidSchema.nullable(),
  parentPicture: z.int().nullable(),
  createdAt: z.date(),
});
/** A request as a conversation remembers it. */
export type ConversationRow = z.infer<typeof conversationRowSchema>;

export interface ConversationPlace {
  door: string;
  placeId: string;
  /** Empty where the place has no threads. */
  threadId: string;
}

function columns(db: Queries) {
  return db.sql`r.id, r.person_id, p.display_name as person_name, r.body, r.state, r.plan, r.reply, r.error, r.question,
    r.jobs_open, r.parent_request_id, r.parent_picture, r.created_at, (
      select count(*)::int from jobs j join job_outputs o on o.job_id = j.id and o.kind is null where j.request_id = r.id
    ) as pictures`;
}

function inPlace(db: Queries, place: ConversationPlace) {
  return db.sql`r.door = ${place.door} and r.place->>'id' = ${place.placeId}
    and coalesce(r.place->>'threadId', '') = ${place.threadId}`;
}

/** Who looks: what is private is its author's alone, and theirs only where nobody else hears what is made of it. */
export interface ConversationReader extends ConversationPlace {
  personId: string;
  /** Whether their own private requests are among what they see. */
  withPrivate: boolean;
}

function maySee(db: Queries, { personId, withPrivate }: ConversationReader) {
  return db.sql`(not r.is_private or (r.person_id = ${personId} and ${withPrivate}))`;
}

/** What was asked in a place before this request, the newest last. */
export async function readConversation(
  db: Queries,
  reader: ConversationReader,
  options: { beforeRequestId: string; limit: number },
): Promise<ConversationRow[]> {
  const rows = await withDatabaseErrors(
    () => db.sql`
    select ${columns(db)} from requests r join people p on p.id = r.person_id
    where ${inPlace(db, reader)} and ${maySee(db, reader)}
      and r.created_at < (select created_at from requests where id = ${options.beforeRequestId})
    order by r.created_at desc limit ${options.limit}`,
  );
  return rows.map((row) => conversationRowSchema.parse(row)).toReversed();
}

export interface PictureQuery {
  /** Words that the request, its plan or its reply holds; those that hold more come first. */
  words: readonly string[];
  /** Not older than this. */
  sinceMs?: number;
  limit: number;
}

/** Requests with pictures that a person may see: those of the place, and their own from anywhere. */
export async function searchPictures(
  db: Queries,
  reader: ConversationReader,
  query: PictureQuery,
): Promise<ConversationRow[]> {
  const words = query.words.map((word) => word.toLowerCase()).slice(0, 10);
  const rows = await withDatabaseErrors(
    () => db.sql`
    with seen as (
      select r.*, lower(concat(r.body->>'text', ' ', r.body->'options'->>'prompt', ' ', r.plan->>'prompt', ' ', r.reply))
        as said
      from requests r
      where (r.person_id = ${reader.personId} or ${inPlace(db, reader)}) and ${maySee(db, reader)}
        and r.jobs_succeeded > 0
        and not exists (select from request_marks m where m.request_id = r.id and m.deleted_at is not null)
        ${query.sinceMs === undefined ? db.sql`` : db.sql`and r.created_at > now() - ${query.sinceMs} * interval '1 millisecond'`}
      order by r.created_at desc limit 2000
    ), scored as (
      select r.*, (select count(*) from unnest(${words}::text[]) as word where position(word in r.said) > 0) as score
      from seen r
    )
    select ${columns(db)} from scored r join people p on p.id = r.person_id
    where ${words.length === 0} or r.score > 0
    order by r.score desc, r.created_at desc limit ${query.limit}`,
  );
  return rows.map((row) => conversationRowSchema.parse(row));
}

/** Requests that a person may see, whose id begins with these hexadecimal digits. */
export async function findRequestsByPrefix(
  db: Queries,
  reader: ConversationReader,
  prefix: string,
): Promise<ConversationRow[]> {
  const digits = prefix.toLowerCase().replaceAll('-', '');
  if (!/^[0-9a-f]{4,32}$/.test(digits)) return [];
  const rows = await withDatabaseErrors(
    () => db.sql`
    select ${columns(db)} from requests r join people p on p.id = r.person_id
    where r.id between ${digits.padEnd(32, '0')}::uuid and ${digits.padEnd(32, 'f')}::uuid
      and (r.person_id = ${reader.personId} or ${inPlace(db, reader)}) and ${maySee(db, reader)}
    limit 5`,
  );
  return rows.map((row) => conversationRowSchema.parse(row));
}
