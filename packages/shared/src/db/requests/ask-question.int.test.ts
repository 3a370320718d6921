import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { pino } from 'pino';
import { useTestDatabase } from '@atelier/tests/support/servers';
import type { PendingQuestion } from '../../contracts/request.ts';
import { createDatabase, type Database } from '../connect-database.ts';
import { migrateDatabase } from '../migrate-database.ts';
import { firstPersonIdOf, acceptRequest } from './accept-request.ts';
import { claimRequests, type AgentLease } from './agent-lease.ts';
import { answerQuestion, askQuestion, readAnswers } from './ask-question.ts';
import { cancelRequest } from './cancel-request.ts';
import { readRequest } from './read-requests.ts';

const testDatabase = useTestDatabase();
let db: Database;
const personId = firstPersonIdOf('web', 'mei');

beforeAll(async () => {
  await migrateDatabase(testDatabase().url);
  const log = pino({ level: 'silent' });
  db = createDatabase({ url: testDatabase().url, poolSize: 6, applicationName: 'test', log });
});
afterAll(() => db.close());

async function plan(): Promise<AgentLease> {
  const { requestId } = await acceptRequest(db, {
    eventId: randomUUID(),
    user: { door: 'web', id: 'mei', displayName: 'Mei', language: 'en' },
    place: { door: 'web', id: 'mei' },
    body: { kind: 'words', text: 'a fox' },
  });
  const holder = randomUUID();
  const [claimed] = await claimRequests(db, { holder, leaseMs: 5_000, limit: 1, requestId });
  return { requestId, holder, epoch: claimed?.agentEpoch ?? 0 };
}

function question(changes: Partial<PendingQuestion> = {}): PendingQuestion {
  return {
    id: randomUUID(),
    kind: 'plan',
    text: { en: 'Run this?', zh: '运行吗？' },
    choices: ['run', 'change', 'cancel'].map((id) => ({ id, label: { en: id, zh: id } })),
    allowText: true,
    ...changes,
  };
}

async function ask(changes: Partial<PendingQuestion> = {}): Promise<{ requestId: string; questionId: string }> {
  const lease = await plan();
  const asked = question(changes);
  expect(await askQuestion(db, lease, asked)).toHaveLength(1);
  return { requestId: lease.requestId, questionId: asked.id };
}

describe('asking', () => {
  test('shows the question, gives the lease up, and says so', async () => {
    const lease = await plan();
    const asked = question();
    const outbox = await askQuestion(db, lease, asked);
    expect(outbox).toMatchObject([{ key: 'requestChanged', tokens: { state: 'asking' } }]);
    expect(await readRequest(db, lease.requestId)).toMatchObject({ state: 'asking', question: asked });
    expect(await claimRequests(db, { holder: randomUUID(), leaseMs: 1_000, limit: 10 })).toEqual([]);
  });

  test('needs the lease', async () => {
    const lease = await plan();
    expect(await askQuestion(db, { ...lease, epoch: lease.epoch + 1 }, question())).toBeUndefined();
    await cancelRequest(db, lease.requestId);
    expect(await askQuestion(db, lease, question())).toBeUndefined();
  });
});

describe('answering', () => {
  test('hands the request back to the agent with its doorbell', async () => {
    const asked = await ask();
    const outcome = await answerQuestion(db, { ...asked, personId, choice: 'run' });
    expect(outcome.outcome === 'answered' && outcome.outbox.map(({ key }) => key).sort()).toEqual([
      'requestChanged',
      'requestSubmitted',
    ]);
    expect(await readRequest(db, asked.requestId)).toMatchObject({ state: 'accepted', question: null });
    expect(await readAnswers(db, asked.requestId)).toMatchObject([{ questionId: asked.questionId, choice: 'run' }]);
    const [claimed] = await claimRequests(db, {
      holder: randomUUID(),
      leaseMs: 1_000,
      limit: 1,
      requestId: asked.requestId,
    });
    expect(claimed).toMatchObject({ state: 'planning', agentEpoch: 2 });
  });

  test('counts once, however often and by however many at once', async () => {
    const asked = await ask();
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => answerQuestion(db, { ...asked, personId, choice: 'run' })),
    );
    expect(answers.every(({ outcome }) => outcome === 'answered')).toBe(true);
    expect(answers.flatMap((answer) => (answer.outcome === 'answered' ? answer.outbox : []))).toHaveLength(2);
    expect(await answerQuestion(db, { ...asked, personId, choice: 'cancel' })).toEqual({ outcome: 'gone' });
  });

  test('in words only where words are allowed', async () => {
    const open = await ask();
    expect(await answerQuestion(db, { ...open, personId, text: ' darker ' })).toMatchObject({ outcome: 'answered' });
    expect(await readAnswers(db, open.requestId)).toMatchObject([{ choice: null, text: 'darker' }]);
    const closed = await ask({ allowText: false });
    expect(await answerQuestion(db, { ...closed, personId, text: 'darker' })).toEqual({ outcome: 'not_found' });
    expect(await answerQuestion(db, { ...closed, personId, text: ' ' })).toEqual({ outcome: 'not_found' });
  });

  test('is for its author, its question and its choices alone', async () => {
    const asked = await ask();
    const tries = [
      { ...asked, personId: firstPersonIdOf('web', 'li'), choice: 'run' },
      { ...asked, personId, questionId: randomUUID(), choice: 'run' },
      { ...asked, personId, requestId: randomUUID(), choice: 'run' },
      { ...asked, personId, choice: 'explode' },
    ];
    for (const answer of tries) expect(await answerQuestion(db, answer)).toEqual({ outcome: 'not_found' });
    expect(await readRequest(db, asked.requestId)).toMatchObject({ state: 'asking' });
  });

  test('comes too late after a cancel', async () => {
    const asked = await ask();
    await cancelRequest(db, asked.requestId);
    expect(await readRequest(db, asked.requestId)).toMatchObject({ state: 'cancelled' });
    expect(await answerQuestion(db, { ...asked, personId, choice: 'run' })).toEqual({ outcome: 'gone' });
  });
});
