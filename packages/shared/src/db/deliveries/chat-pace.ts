import { z } from 'zod';
import type { Door } from '../../contracts/identity.ts';
import { withDatabaseErrors } from '../database-error.ts';
import type { Database } from '../connect-database.ts';

const paceSchema = z.object({
  /** Milliseconds of silence that are left, by chat. */
  silences: z.array(z.object({ chatId: z.string(), leftMs: z.number() })),
  /** How long ago messages of the last minute were sent, in milliseconds, by chat. */
  sent: z.array(z.object({ chatId: z.string(), agoMs: z.number() })),
});
export type ChatPace = z.infer<typeof paceSchema>;

/** What a restarted sender must still obey: silences that a platform asked for, and messages of the last minute. */
export async function readChatPace(db: Database, door: Door): Promise<ChatPace> {
  const rows = await withDatabaseErrors(
    () => db.sql`
    select
      coalesce((select jsonb_agg(jsonb_build_object('chatId', substr(chat, ${door.length + 2}),
        'leftMs', extract(epoch from until - clock_timestamp()) * 1000))
        from chat_silences where chat like ${`${door}:%`} and until > clock_timestamp()), '[]') as silences,
      coalesce((select jsonb_agg(jsonb_build_object('chatId', place->>'id',
        'agoMs', greatest(0, extract(epoch from clock_timestamp() - sent_at) * 1000)))
        from deliveries where door = ${door} and sent_at > now() - interval '1 minute'), '[]') as sent`,
  );
  return paceSchema.parse(rows[0]);
}

/** A platform asked for silence in a chat: never shortened. */
export async function recordSilence(db: Database, door: Door, chatId: string, ms: number): Promise<void> {
  await withDatabaseErrors(
    () => db.sql`
    with old as (
      delete from chat_silences where until < clock_timestamp() - interval '1 hour' and chat <> ${`${door}:${chatId}`}
    )
    insert into chat_silences (chat, until)
    values (${`${door}:${chatId}`}, clock_timestamp() + ${ms} * interval '1 millisecond')
    on conflict (chat) do update set until = greatest(chat_silences.until, excluded.until)`,
  );
}
