import { z } from 'zod';
import { doorSchema, placeSchema, uuidSchema, type Door, type Place } from '../../contracts/identity.ts';
import { withDatabaseErrors } from '../database-error.ts';
import type { Database } from '../connect-database.ts';
import { ofServerPart, type ServerPart } from '../deliveries/server-part.ts';

/**
 * A message to a channel, as its adapter works on it: a `share` shows the result of a request (one picture of it, where
 * `picture` is given), a `notice` says `text` to operators. States and leases are those of deliveries.
 */
const claimedPostSchema = z.object({
  id: uuidSchema,
  door: doorSchema,
  place: placeSchema,
  kind: z.enum(['share', 'notice']),
  requestId: uuidSchema.nullable(),
  picture: z.int().nullable(),
  text: z.object({ en: z.string(), zh: z.string() }).nullable(),
  epoch: z.int(),
  attempts: z.int(),
  /** An earlier holder may have sent it and died: look for it on the platform before sending again. */
  triedBefore: z.boolean(),
  /** First try. */
  sendingAt: z.date(),
});
export type ClaimedPost = z.infer<typeof claimedPostSchema>;

export interface NewPost {
  /** The same key is posted once. */
  key: string;
  place: Place;
  kind: 'share' | 'notice';
  requestId?: string;
  picture?: number;
  text?: { en: string; zh: string };
}

/** Owes a message to a channel. False where it was owed, or sent, before. */
export async function addPost(db: Database, post: NewPost): Promise<boolean> {
  const rows = await withDatabaseErrors(
    () => db.sql`
    insert into chat_posts (key, door, place, kind, request_id, picture, text)
    values (${post.key}, ${post.place.door}, ${db.sql.json(post.place)}, ${post.kind}, ${post.requestId ?? null}::uuid,
      ${post.picture ?? null}::smallint, ${post.text === undefined ? null : db.sql.json(post.text)}::jsonb)
    on conflict (key) do nothing returning id`,
  );
  return rows.length > 0;
}

/** Takes what is to be posted through these doors: free, or left by a holder whose lease lapsed. */
export async function claimPosts(
  db: Database,
  claim: {
    doors: readonly Door[];
    holder: string;
    leaseMs: number;
    limit: number;
    /** Of that door, only what goes to these servers; all without it. */
    part?: ServerPart | undefined;
  },
): Promise<ClaimedPost[]> {
  const rows = await withDatabaseErrors(
    () => db.sql`
    with free as (
      select id, state from chat_posts
      where state in ('pending', 'sending') and door = any(${claim.doors as string[]})
        and (lease_expires_at is null or lease_expires_at < clock_timestamp())
        and (not_before is null or not_before <= clock_timestamp())
        and ${ofServerPart(db, claim.part)}
      order by created_at limit ${claim.limit} for update skip locked
    )
    update chat_posts p set state = 'sending', holder = ${claim.holder}, epoch = p.epoch + 1,
      attempts = p.attempts + 1, sending_at = coalesce(p.sending_at, now()),
      lease_expires_at = clock_timestamp() + ${claim.leaseMs} * interval '1 millisecond'
    from free where p.id = free.id
    returning p.id, p.door, p.place, p.kind, p.request_id, p.picture, p.text, p.epoch, p.attempts, p.sending_at,
      free.state = 'sending' as tried_before`,
  );
  return rows.map((row) => claimedPostSchema.parse(row));
}

export type PostEnd =
  | { state: 'sent'; messageRef: Record<string, string | number | boolean | null | string[]> }
  | { state: 'pending' | 'sending'; afterMs: number; error: string }
  | { state: 'failed'; error: string };

/** Stores how a try ended; nothing happens where another holder has it. `sending` may have been sent. */
export async function endPost(db: Database, post: { id: string; epoch: number }, end: PostEnd): Promise<void> {
  const afterMs = 'afterMs' in end ? end.afterMs : null;
  await withDatabaseErrors(
    () => db.sql`
    update chat_posts set state = ${end.state}, lease_expires_at = null,
      message_ref = coalesce(${end.state === 'sent' ? db.sql.json(end.messageRef) : null}::jsonb, message_ref),
      error = ${'error' in end ? end.error : null},
      not_before = clock_timestamp() + ${afterMs}::double precision * interval '1 millisecond'
    where id = ${post.id} and epoch = ${post.epoch} and state = 'sending'`,
  );
}

/** Extends the lease while a slow platform is being sent to. */
export async function renewPost(db: Database, post: { id: string; epoch: number }, leaseMs: number): Promise<void> {
  await withDatabaseErrors(
    () => db.sql`
    update chat_posts set lease_expires_at = clock_timestamp() + ${leaseMs} * interval '1 millisecond'
    where id = ${post.id} and epoch = ${post.epoch} and state = 'sending'`,
  );
}
