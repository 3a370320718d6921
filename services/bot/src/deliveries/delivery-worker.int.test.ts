import { randomUUID } from 'node:crypto';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { useTestDatabase } from '@atelier/tests/support/servers';
import { type ClaimedDelivery, claimDeliveries } from '@atelier/shared/db/deliveries/delivery-store';
import { migrateDatabase } from '@atelier/shared/db/migrate-database';
import { acceptRequest, firstPersonIdOf } from '@atelier/shared/db/requests/accept-request';
import { claimRequests } from '@atelier/shared/db/requests/agent-lease';
import { answerQuestion, askQuestion } from '@atelier/shared/db/requests/ask-question';
import { type Backstage, openBackstage } from '../app-fixtures.ts';
import type { ChatAdapter, SendOutcome } from '../ports.ts';
import { createCardReader } from '../state/card-reader.ts';
import { createDeliveryWorker, type DeliveryWorker } from './delivery-worker.ts';

const database = useTestDatabase();
const log = pino({ level: 'silent' });
let backstage: Backstage;
let worker: DeliveryWorker | undefined;

beforeAll(async () => {
  await migrateDatabase(database().url);
  backstage = await openBackstage(database().url, undefined);
});
afterAll(() => backstage?.close());
beforeEach(async () => {
  await backstage.db.sql`truncate requests, jobs, job_outputs, outbox, deliveries, people, identities cascade`;
});
afterEach(async () => {
  await worker?.stop();
  worker = undefined;
});

const sent: SendOutcome = { outcome: 'sent', messageRef: { id: 'm1' } };

/** A platform that answers as it is told to, in order; then everything works. */
function createPlatform(answers: (SendOutcome | Error)[] = []) {
  const got: { kind: string; triedBefore: boolean; cardRef: unknown; state: string }[] = [];
  const adapter: ChatAdapter = {
    name: 'fake',
    doors: ['discord'],
    async send(delivery, readFacts) {
      const facts = await readFacts();
      const { kind, triedBefore, cardRef } = delivery;
      got.push({ kind, triedBefore, cardRef, state: facts.delivered ? facts.request.state : 'open' });
      const answer = answers.shift() ?? sent;
      if (answer instanceof Error) throw answer;
      return answer;
    },
    start: async () => undefined,
    stop: async () => undefined,
  };
  return { got, adapter };
}

function start(adapter: ChatAdapter, onSent: (delivery: ClaimedDelivery) => void = () => undefined): DeliveryWorker {
  const { db } = backstage;
  worker = createDeliveryWorker({
    db,
    reader: createCardReader(db),
    adapters: [adapter],
    holder: randomUUID(),
    log,
    onSent,
    sweepMs: 50,
  });
  worker.start();
  return worker;
}

async function ask(where: { guildId?: string } = {}): Promise<string> {
  const user = { door: 'discord', id: 'mei', displayName: 'Mei', language: 'en' } as const;
  const { requestId } = await acceptRequest(backstage.db, {
    eventId: randomUUID(),
    user,
    place: { door: 'discord', id: 'channel', ...where },
    body: { kind: 'words', text: 'a fox' },
  });
  return requestId;
}

const states = async (requestId: string) => {
  const rows = await backstage.db.sql`select kind, state from deliveries where request_id = ${requestId} order by kind`;
  return Object.fromEntries(rows.map((row) => [String(row['kind']), String(row['state'])]));
};

describe('the delivery worker', () => {
  it('sends the placeholder, then the result, then the ping', async () => {
    const { got, adapter } = createPlatform();
    const requestId = await ask();
    await backstage.answer(requestId, { state: 'replied', reply: 'Hello.' });
    const order: string[] = [];
    start(adapter, (delivery) => order.push(delivery.kind));
    await expect
      .poll(() => states(requestId), { timeout: 10_000 })
      .toEqual({ card: 'sent', result: 'sent', ping: 'sent' });
    expect(order).toEqual(['card', 'result', 'ping']);
    expect(got).toEqual([
      { kind: 'card', triedBefore: false, cardRef: null, state: 'open' },
      { kind: 'result', triedBefore: false, cardRef: { id: 'm1' }, state: 'replied' },
      { kind: 'ping', triedBefore: false, cardRef: { id: 'm1' }, state: 'replied' },
    ]);
  });

  it('calls to each question once, after the placeholder, and to none that is answered', async () => {
    const { got, adapter } = createPlatform();
    const [waiting, answered] = [await ask(), await ask()];
    for (const requestId of [waiting, answered]) {
      const holder = randomUUID();
      const [claimed] = await claimRequests(backstage.db, { holder, leaseMs: 5_000, limit: 1, requestId });
      const question = {
        id: randomUUID(),
        kind: 'question' as const,
        text: { en: 'Which?', zh: '哪个？' },
        choices: [],
        allowText: true,
      };
      await askQuestion(backstage.db, { requestId, holder, epoch: claimed?.agentEpoch ?? 0 }, question, 60_000);
      if (requestId === answered) {
        await answerQuestion(backstage.db, {
          requestId,
          questionId: question.id,
          personId: firstPersonIdOf('discord', 'mei'),
          text: 'this one',
        });
      }
    }
    start(adapter);
    const all = { card: 'sent', question: 'sent' };
    await expect.poll(() => states(waiting), { timeout: 10_000 }).toEqual(all);
    await expect.poll(() => states(answered), { timeout: 10_000 }).toEqual(all);
    expect(got.map(({ kind }) => kind).sort()).toEqual(['card', 'card', 'question']);
    expect(got.find(({ kind }) => kind === 'question')).toMatchObject({ cardRef: { id: 'm1' }, state: 'open' });
  });

  it('tries again what was refused for now, without having to look for it', async () => {
    const later: SendOutcome = { outcome: 'postponed', afterMs: 1, reason: 'slow down', certainlyNotSent: true };
    const { got, adapter } = createPlatform([later]);
    const requestId = await ask();
    start(adapter);
    await expect.poll(() => states(requestId), { timeout: 10_000 }).toEqual({ card: 'sent' });
    expect(got.map((one) => one.triedBefore)).toEqual([false, false]);
  });

  it('has the adapter look first after a try whose outcome is unknown', async () => {
    const unknown: SendOutcome = { outcome: 'postponed', afterMs: 1, reason: 'no answer', certainlyNotSent: false };
    const { got, adapter } = createPlatform([unknown]);
    const requestId = await ask();
    start(adapter);
    await expect.poll(() => states(requestId), { timeout: 10_000 }).toEqual({ card: 'sent' });
    expect(got.map((one) => one.triedBefore)).toEqual([false, true]);
  });

  it('takes over what a dead process was sending, and has it looked for', async () => {
    const requestId = await ask();
    const [lost] = await claimDeliveries(backstage.db, {
      doors: ['discord'],
      holder: randomUUID(),
      leaseMs: 1,
      limit: 1,
    });
    expect(lost).toMatchObject({ requestId, triedBefore: false });
    const { got, adapter } = createPlatform();
    start(adapter);
    await expect.poll(() => states(requestId), { timeout: 10_000 }).toEqual({ card: 'sent' });
    expect(got).toMatchObject([{ kind: 'card', triedBefore: true }]);
  });

  it('survives an adapter that fails', async () => {
    const { got, adapter } = createPlatform([new Error('a bug')]);
    const requestId = await ask();
    start(adapter);
    await expect.poll(() => states(requestId), { timeout: 8_000 }).toEqual({ card: 'sent' });
    expect(got).toMatchObject([{ triedBefore: false }, { triedBefore: true }]);
  });

  it('gives up where nobody can be told any more, and goes on', async () => {
    const { adapter } = createPlatform([{ outcome: 'failed', reason: 'the channel is gone' }]);
    const requestId = await ask();
    const other = await ask();
    start(adapter);
    const both = async () => new Set([(await states(requestId))['card'], (await states(other))['card']]);
    await expect.poll(both, { timeout: 10_000 }).toEqual(new Set(['failed', 'sent']));
  });

  it('takes what goes to its own servers alone, and direct messages with the first of them', async () => {
    const places = [String(5n << 22n), String(6n << 22n), 'no-number', undefined];
    for (const guildId of places) await ask(guildId === undefined ? {} : { guildId });
    const taken = async (...ids: number[]) => {
      const claim = { doors: ['discord' as const], holder: randomUUID(), leaseMs: 60_000, limit: 10 };
      const claimed = await claimDeliveries(backstage.db, { ...claim, part: { door: 'discord', count: 3, ids } });
      return claimed.map(({ place }) => place.guildId);
    };
    expect(await taken(1)).toEqual([]);
    expect(await taken(2)).toEqual([places[0]]);
    expect(new Set(await taken(0, 1))).toEqual(new Set([places[1], 'no-number', undefined]));
  });

  it('sends each of many once, with several workers', async () => {
    const { got, adapter } = createPlatform();
    const requestIds = await Promise.all(Array.from({ length: 40 }, ask));
    const first = start(adapter);
    const second = start(adapter);
    const open = async () => {
      const rows = await backstage.db.sql`select 1 from deliveries where state <> 'sent'`;
      return rows.length;
    };
    await expect.poll(open, { timeout: 10_000 }).toBe(0);
    await Promise.all([first.stop(), second.stop()]);
    expect(got).toHaveLength(requestIds.length);
  });
});
