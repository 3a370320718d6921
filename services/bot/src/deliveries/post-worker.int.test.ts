import { randomUUID } from 'node:crypto';
import { pino } from 'pino';
import { afterEach, expect, it } from 'vitest';
import { useMigratedDatabase } from '@atelier/tests/support/migrated-database';
import { addPost } from '@atelier/shared/db/chat/chat-posts';
import { deleteResult } from '@atelier/shared/db/chat/request-marks';
import { queueTestJobs } from '@atelier/shared/db/testing/queue-fixtures';
import type { ChatAdapter } from '../ports.ts';
import { createCardReader } from '../state/card-reader.ts';
import { createPostWorker, type PostWorker } from './post-worker.ts';

const db = useMigratedDatabase();
let worker: PostWorker | undefined;
afterEach(async () => {
  await worker?.stop();
  worker = undefined;
});

/** A finished request that its author shares. */
async function share(): Promise<string> {
  const { requestId } = await queueTestJobs(db, 1);
  await db.sql`update requests set state = 'succeeded', jobs_open = 0, finished_at = now() where id = ${requestId}`;
  await addPost(db, { key: randomUUID(), place: { door: 'discord', id: 'team' }, kind: 'share', requestId });
  return requestId;
}

/** A platform on which `whileSending` happens between the upload and its answer. */
function start(whileSending: (requestId: string) => Promise<unknown>): { sent: string[]; takenBack: string[] } {
  const sent: string[] = [];
  const takenBack: string[] = [];
  const adapter: ChatAdapter = {
    name: 'fake',
    doors: ['discord'],
    send: () => Promise.reject(new Error('nothing is delivered here')),
    async post(post, readFacts) {
      const { request } = await readFacts();
      await whileSending(request.id);
      sent.push(request.id);
      return { outcome: 'sent', messageRef: { channelId: post.place.id, messageId: '1' } };
    },
    takeBack: (facts) => void takenBack.push(facts.request.id),
    start: async () => undefined,
    stop: async () => undefined,
  };
  worker = createPostWorker({
    db,
    reader: createCardReader(db),
    adapters: [adapter],
    holder: randomUUID(),
    log: pino({ level: 'silent' }),
    sweepMs: 50,
  });
  worker.start();
  return { sent, takenBack };
}

const statesOf = async (requestId: string): Promise<string[]> =>
  (await db.sql`select state from chat_posts where request_id = ${requestId}`).map((row) => String(row['state']));

it('takes a share away whose result is deleted while it is being sent, and no other', async () => {
  const kept = await share();
  const deleted = await share();
  const { sent, takenBack } = start((id) => (id === deleted ? deleteResult(db, id) : Promise.resolve()));
  await expect.poll(() => sent.toSorted()).toEqual([kept, deleted].toSorted());
  await expect.poll(() => takenBack).toEqual([deleted]);
  await worker?.stop();
  expect(takenBack).toEqual([deleted]);
});

it('sends no share whose result was deleted before', async () => {
  const deleted = await share();
  await deleteResult(db, deleted);
  const { sent } = start(() => Promise.resolve());
  await expect.poll(() => statesOf(deleted)).toEqual(['failed']);
  expect(sent).toEqual([]);
});
