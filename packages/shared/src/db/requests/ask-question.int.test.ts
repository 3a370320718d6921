import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { useMigratedDatabase } from '@atelier/tests/support/migrated-database';
import type { PendingQuestion } from '../../contracts/request.ts';
import { newTestJob } from '../testing/queue-fixtures.ts';
import { firstPersonIdOf, acceptRequest } from './accept-request.ts';
import { claimRequests, type AgentLease } from './agent-lease.ts';
import { answerQuestion, askQuestion, expireQuestions, isQuestionExpired, readAnswers } from './ask-question.ts';
import { cancelRequest } from './cancel-request.ts';
import { planRequest } from './plan-request.ts';
import { readRequest } from './read-requests.ts';

const db = useMigratedDatabase();
const personId = firstPersonIdOf('web', 'mei');

const dayMs = 86_400_000;

async function plan(door: 'web' | 'telegram' = 'web', language: 'en' | 'zh' = 'en'): Promise<AgentLease> {
  const { requestId } = await acceptRequest(db, {
    eventId: randomUUID(),
    user: { door, id: 'mei', displayName: 'Mei', language },
    place: { door, id: 'mei' },
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
  expect(await askQuestion(db, lease, asked, dayMs)).toHaveLength(1);
  return { requestId: lease.requestId, questionId: asked.id };
}

describe('asking', () => {
  test('shows the question, gives the lease up, and says so', async () => {
    const lease = await plan();
    const asked = question();
    const outbox = await askQuestion(db, lease, asked, dayMs);
    expect(outbox).toMatchObject([{ key: 'requestChanged', tokens: { state: 'asking' } }]);
    expect(await readRequest(db, lease.requestId)).toMatchObject({ state: 'asking', question: asked });
    expect(await claimRequests(db, { holder: randomUUID(), leaseMs: 1_000, limit: 10 })).toEqual([]);
  });

  test('needs the lease', async () => {
    const lease = await plan();
    expect(await askQuestion(db, { ...lease, epoch: lease.epoch + 1 }, question(), dayMs)).toBeUndefined();
    await cancelRequest(db, lease.requestId);
    expect(await askQuestion(db, lease, question(), dayMs)).toBeUndefined();
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

describe('the call to answer', () => {
  const callsOf = (requestId: string) =>
    db.sql`select id, kind, place->>'id' as place from deliveries where request_id = ${requestId} and kind = 'question'`;

  test('is a delivery of its own for each question, under its id, on chats alone', async () => {
    const lease = await plan('telegram');
    const first = question({ kind: 'question' });
    const outbox = await askQuestion(db, lease, first, dayMs);
    expect(outbox?.map(({ key }) => key).sort()).toEqual(['deliveryCreated', 'requestChanged']);
    const chatPerson = firstPersonIdOf('telegram', 'mei');
    await answerQuestion(db, { requestId: lease.requestId, questionId: first.id, personId: chatPerson, text: 'yes' });
    const holder = randomUUID();
    const [again] = await claimRequests(db, { holder, leaseMs: 5_000, limit: 1, requestId: lease.requestId });
    const second = question();
    await askQuestion(db, { requestId: lease.requestId, holder, epoch: again?.agentEpoch ?? 0 }, second, dayMs);
    const calls = await callsOf(lease.requestId);
    expect(calls.map((row) => String(row['id'])).sort()).toEqual([first.id, second.id].sort());
    const onPage = await ask();
    expect(await callsOf(onPage.requestId)).toHaveLength(0);
  });
});

describe('a question that nobody answers', () => {
  const overdue = async (requestId: string): Promise<void> => {
    await db.sql`update requests set question_expires_at = now() - interval '1 second' where id = ${requestId}`;
  };
  const owed = async (requestId: string) =>
    (await db.sql`select kind from deliveries where request_id = ${requestId} order by kind`).map((row) => row['kind']);

  test('ends its request at its time, once, whoever looks, with what to do', async () => {
    const asked = await ask();
    expect(await expireQuestions(db, 1)).toEqual([]);
    await overdue(asked.requestId);
    const looks = await Promise.all(Array.from({ length: 6 }, () => expireQuestions(db, dayMs)));
    expect(looks.flat().map(({ key, tokens }) => [key, tokens])).toEqual([
      ['requestChanged', { state: 'failed' }],
      ['deliveryCreated', { door: 'web' }],
    ]);
    const request = await readRequest(db, asked.requestId);
    expect(request).toMatchObject({ state: 'failed', question: null, error: { code: 'question_expired' } });
    expect(request?.error?.message.en).toMatch(/words are kept: press Try again/);
    expect(request?.error?.message.zh).toContain('再试一次');
    expect(request?.finishedAt).not.toBeNull();
    expect(await owed(asked.requestId)).toEqual(['result']);
    expect(await expireQuestions(db, dayMs)).toEqual([]);
  });

  test('is answered in vain afterwards, and until then is not too late', async () => {
    const late = await ask();
    await overdue(late.requestId);
    // Nobody has looked yet: the answer counts.
    expect(await answerQuestion(db, { ...late, personId, choice: 'run' })).toMatchObject({ outcome: 'answered' });
    expect(await expireQuestions(db, dayMs)).toEqual([]);
    const gone = await ask();
    await overdue(gone.requestId);
    await expireQuestions(db, dayMs);
    expect(await answerQuestion(db, { ...gone, personId, choice: 'run' })).toEqual({ outcome: 'expired' });
    expect(await answerQuestion(db, { ...gone, personId: randomUUID(), choice: 'run' })).toEqual({
      outcome: 'not_found',
    });
    expect([await isQuestionExpired(db, gone.questionId), await isQuestionExpired(db, late.questionId)]).toEqual([
      true,
      false,
    ]);
  });

  test('leaves jobs that were queued before, and says so in their language', async () => {
    const lease = await plan('web', 'zh');
    const { requestId } = lease;
    const summary = { recipe: 'r', recipeTitle: { en: 'R', zh: 'R' }, prompt: 'p', count: 1, seed: '1', notes: [] };
    await planRequest(db, lease, summary, [newTestJob(requestId, 0)], undefined, true);
    await askQuestion(db, lease, question(), dayMs);
    await overdue(requestId);
    const outbox = await expireQuestions(db, dayMs);
    expect(outbox.map(({ key, tokens }) => [key, tokens])).toEqual([['requestChanged', { state: 'working' }]]);
    expect(await readRequest(db, requestId)).toMatchObject({
      state: 'working',
      error: null,
      reply: expect.stringContaining('到此为止'),
    });
    await cancelRequest(db, requestId);
  });

  test('of an earlier version, which says no time, has that of the setting', async () => {
    const asked = await ask();
    await db.sql`update requests set question_expires_at = null where id = ${asked.requestId}`;
    expect(await expireQuestions(db, dayMs)).toEqual([]);
    expect(await expireQuestions(db, 0)).not.toEqual([]);
    expect(await readRequest(db, asked.requestId)).toMatchObject({ state: 'failed' });
  });

  test('is not waited for after a cancel', async () => {
    const asked = await ask();
    await db.sql`update requests set cancel_requested_at = now() where id = ${asked.requestId}`;
    await overdue(asked.requestId);
    expect(await expireQuestions(db, dayMs)).toEqual([]);
  });
});
