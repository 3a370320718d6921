import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { revokeApiToken } from '@atelier/shared/db/gateway/api-tokens';
import { setAccessRule, setChatLimit } from '@atelier/shared/db/chat/chat-settings';
import { markShared } from '@atelier/shared/db/chat/request-marks';
import { releaseInstance, reportInstance } from '@atelier/shared/db/instances/instance-store';
import { holdTestInstance } from '@atelier/shared/db/testing/queue-fixtures';
import { jobViewSchema } from './core/jobs/job-view.ts';
import { problemSchema, type Problem } from './core/problems/to-problem.ts';
import { z } from 'zod';
import { jobPageSchema } from './adapters/http/routes/job-routes.ts';
import { acceptedSchema } from './adapters/http/routes/submission-route.ts';
import { startTestGateway, type TestGateway, type TestPerson } from './testing/start-gateway.ts';

let gateway: TestGateway;
let mei: TestPerson;
let bo: TestPerson;

beforeAll(async () => {
  gateway = await startTestGateway({ ATELIER_ADMINS: 'discord:77' });
  [mei, bo] = await Promise.all([
    gateway.person({ scopes: ['read', 'submit', 'webhooks', 'tokens'] }),
    gateway.person(),
  ]);
});
afterAll(() => gateway.stop());

const imagine = (prompt = 'a fox') => ({ request: { kind: 'imagine', options: { prompt } } });
async function problemOf(answer: Response): Promise<Problem> {
  expect(answer.headers.get('content-type')).toBe('application/problem+json');
  const problem = problemSchema.parse(await answer.json());
  expect(problem.status).toBe(answer.status);
  return problem;
}
const accept = async (person: TestPerson, body: unknown = imagine(), headers = {}) => {
  const answer = await person.send('POST', '/api/v1/jobs', body, headers);
  expect(answer.status).toBe(202);
  return acceptedSchema.parse(await answer.json());
};

describe('asking', () => {
  it('is accepted, found again, listed, and nobody else sees it', async () => {
    const { prompt_id: id, job, created } = await accept(mei, { ...imagine('two owls'), client_id: 'editor' });
    expect(created).toBe(true);
    expect(job).toMatchObject({ id, status: 'accepted', kind: 'imagine', title: 'two owls', clientId: 'editor' });
    const found = await mei.get(`/api/v1/jobs/${id}`);
    expect(jobViewSchema.parse(await found.json()).id).toBe(id);
    expect((await problemOf(await bo.get(`/api/v1/jobs/${id}`))).code).toBe('NOT_FOUND');
    for (const path of [`/api/v1/jobs/${id}/cancel`, `/api/v1/jobs/${id}/retry`]) {
      expect((await problemOf(await bo.send('POST', path))).code).toBe('NOT_FOUND');
    }
    expect((await problemOf(await bo.send('POST', '/api/v1/workflows/interrupt', { prompt_id: id }))).code).toBe(
      'NOT_FOUND',
    );
    expect((await problemOf(await bo.send('POST', '/api/v1/workflows/interrupt'))).code).toBe('QUEUE_OPERATION_ERROR');
    const list = await (await bo.get('/api/v1/jobs')).json();
    expect(JSON.stringify(list)).not.toContain(id);
  });

  it('with the same key is the same request, and another one with it is refused', async () => {
    const headers = { 'idempotency-key': randomUUID() };
    const first = await accept(mei, imagine('a heron'), headers);
    const again = await accept(mei, imagine('a heron'), headers);
    expect([first.created, again.created]).toEqual([true, false]);
    expect(again.prompt_id).toBe(first.prompt_id);
    const other = await mei.send('POST', '/api/v1/jobs', imagine('a crane'), headers);
    expect((await problemOf(other)).code).toBe('IDEMPOTENCY_KEY_REUSED');
    expect((await accept(bo, imagine('a heron'), headers)).prompt_id).not.toBe(first.prompt_id);
  });

  it('obeys the rules of the chats: who is denied asks nothing, and keeps what they made', async () => {
    const [eve, olga] = await Promise.all([gateway.person(), gateway.person()]);
    await gateway.db.sql`
      insert into identities (door, platform_id, person_id) values ('discord', '77', ${olga.personId})`;
    const { prompt_id: id } = await accept(eve);
    const deny = { door: 'api', scope: 'person', subject: eve.account, command: '*', effect: 'deny' } as const;
    await setAccessRule(gateway.db, { actor: 'test', rule: deny });
    await setAccessRule(gateway.db, { actor: 'test', rule: { ...deny, subject: bo.account, command: 'describe' } });
    await setChatLimit(gateway.db, { actor: 'test', key: 'blockedWords', value: ['xyzzy'] });
    const askEve = () => eve.send('POST', '/api/v1/jobs', imagine());
    await setAccessRule(gateway.db, { actor: 'test', rule: { ...deny, subject: olga.account } });
    await expect.poll(async () => (await askEve()).status, { timeout: 10_000, interval: 200 }).toBe(403);
    expect((await problemOf(await askEve())).code).toBe('FORBIDDEN');
    // No rule of who may do what binds an operator; the blocked words are for everybody.
    await accept(olga);
    expect((await problemOf(await olga.send('POST', '/api/v1/jobs', imagine('an xyzzy')))).code).toBe('FORBIDDEN');
    expect((await problemOf(await eve.send('POST', `/api/v1/jobs/${id}/retry`))).code).toBe('FORBIDDEN');
    expect((await eve.get(`/api/v1/jobs/${id}`)).status).toBe(200);
    expect((await eve.send('POST', `/api/v1/jobs/${id}/cancel`)).ok).toBe(true);
    const describing = { kind: 'describe', images: [{ hash: 'a'.repeat(64), mediaType: 'image/png' }] };
    expect((await problemOf(await bo.send('POST', '/api/v1/jobs', { request: describing }))).code).toBe('FORBIDDEN');
    const blocked = await problemOf(await bo.send('POST', '/api/v1/jobs', imagine('an Xyzzy')));
    expect(blocked).toMatchObject({ code: 'FORBIDDEN', detail: expect.stringContaining('xyzzy') });
    await accept(bo);
  });

  it('counts for rules as what it repeats, through however many repeats', async () => {
    const eve = await gateway.person();
    const story = { kind: 'shots', shots: [{ shotId: 'a', prompt: 'a roc' }] };
    const { prompt_id: id } = await accept(eve, { request: story });
    const again = (of: string) => eve.send('POST', `/api/v1/jobs/${of}/retry`);
    const { prompt_id: second } = acceptedSchema.parse(await (await again(id)).json());
    const deny = { door: 'api', scope: 'person', subject: eve.account, command: 'storyboard', effect: 'deny' } as const;
    await setAccessRule(gateway.db, { actor: 'test', rule: deny });
    await expect.poll(async () => (await again(second)).status, { timeout: 10_000, interval: 200 }).toBe(403);
    expect((await problemOf(await again(id))).code).toBe('FORBIDDEN');
    const reroll = { kind: 'derive', action: 'reroll', source: { requestId: second } };
    expect((await problemOf(await eve.send('POST', '/api/v1/jobs', { request: reroll }))).code).toBe('FORBIDDEN');
    const words = { ...reroll, action: 'remix', options: { prompt: 'a wren' } };
    await accept(eve, { request: words });
  });

  it('is as private as what it is made from, unless it says otherwise', async () => {
    const isPrivate = async (request: unknown, more = {}) => (await accept(mei, { request, ...more })).job.isPrivate;
    const { prompt_id: requestId } = await accept(mei, { ...imagine('a secret'), private: true });
    const source = { requestId };
    const again = { kind: 'rerun', requestId };
    expect(await isPrivate(again)).toBe(true);
    expect(await isPrivate({ kind: 'derive', action: 'vary_subtle', source })).toBe(true);
    expect(await isPrivate({ kind: 'words', text: 'darker', about: [source] })).toBe(true);
    expect(await isPrivate(again, { private: false })).toBe(false);
    const retried = await mei.send('POST', `/api/v1/jobs/${requestId}/retry`);
    expect(acceptedSchema.parse(await retried.json()).job.isPrivate).toBe(true);
    await markShared(gateway.db, requestId);
    expect(await isPrivate(again)).toBe(false);
  });

  it('ends when it is cancelled, once', async () => {
    const { prompt_id: id } = await accept(mei);
    const cancelled = await mei.send('POST', `/api/v1/jobs/${id}/cancel`);
    expect(jobViewSchema.parse(await cancelled.json()).status).toBe('cancelled');
    expect((await problemOf(await mei.send('POST', `/api/v1/jobs/${id}/cancel`))).code).toBe('QUEUE_OPERATION_ERROR');
  });

  it('clears only what is mine', async () => {
    const { prompt_id: theirs } = await accept(bo);
    await accept(mei);
    const cleared = await mei.send('POST', '/api/v1/queue/clear', { clear: true });
    expect(z.object({ cancelled: z.int() }).parse(await cleared.json()).cancelled).toBeGreaterThan(0);
    expect(JSON.stringify(await (await bo.get('/api/v1/queue/status')).json())).toContain(theirs);
  });

  it('takes a workflow with its digits, as an object and as text', async () => {
    const text = '{"3":{"class_type":"KSampler","inputs":{"seed":18446744073709551615}}}';
    const asObject = await fetch(`${gateway.url}/api/v1/workflows/submit`, {
      method: 'POST',
      headers: { authorization: `Bearer ${mei.token}`, 'content-type': 'application/json' },
      body: `{"workflow":${text},"client_id":"w"}`,
    });
    const asText = await mei.send('POST', '/api/v1/workflows/submit', { workflow: text });
    for (const answer of [asObject, asText]) {
      const { prompt_id: id } = acceptedSchema.parse(await answer.json());
      const [row] = await gateway.db.sql`select body->>'workflowText' as text from requests where id = ${id}`;
      expect(row?.['text']).toBe(text);
    }
    const history = await mei.get(
      `/api/v1/workflows/${acceptedSchema.shape.prompt_id.parse((await accept(mei)).prompt_id)}/history`,
    );
    expect(await history.json()).toMatchObject({ status: { status_str: 'pending', completed: false }, outputs: {} });
    const bad = await mei.send('POST', '/api/v1/workflows/submit', { workflow: '[1]' });
    expect((await problemOf(bad)).code).toBe('WORKFLOW_VALIDATION_ERROR');
  });

  it('pages through everything once', async () => {
    const reader = await gateway.person();
    const asked: string[] = [];
    for (let index = 0; index < 5; index++) asked.push((await accept(reader)).prompt_id);
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const after: string = cursor === undefined ? '' : `&cursor=${cursor}`;
      const page = jobPageSchema.parse(await (await reader.get(`/api/v1/jobs?limit=2${after}`)).json());
      seen.push(...page.jobs.map((job) => job.id));
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    expect(seen).toEqual(asked.toReversed());
    expect((await problemOf(await reader.get('/api/v1/jobs?cursor=../../etc'))).code).toBe('VALIDATION_ERROR');
  });
});

describe('who may', () => {
  it('is nobody without a valid token', async () => {
    for (const authorization of ['', 'Bearer nonsense', 'Basic bWVpOm1laQ==', `Bearer ${mei.token}x`]) {
      const headers: Record<string, string> = authorization === '' ? {} : { authorization };
      const answer = await fetch(`${gateway.url}/api/v1/jobs`, { headers });
      expect((await problemOf(answer)).code).toBe('UNAUTHENTICATED');
      expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer/);
    }
  });

  it('ends with the token: revoked, expired', async () => {
    const leaver = await gateway.person();
    expect((await leaver.get('/api/v1/me')).status).toBe(200);
    expect(await revokeApiToken(gateway.db, leaver.tokenId)).toBe(true);
    expect((await leaver.get('/api/v1/me')).status).toBe(401);
    const late = await gateway.person({ expiresAt: new Date(Date.now() - 1_000) });
    expect((await late.get('/api/v1/me')).status).toBe(401);
  });

  it('depends on scopes, and a token gives away no more than its own', async () => {
    const reader = await gateway.person({ scopes: ['read', 'tokens'] });
    expect((await problemOf(await reader.send('POST', '/api/v1/jobs', imagine()))).code).toBe('FORBIDDEN');
    expect((await problemOf(await reader.get('/metrics'))).code).toBe('FORBIDDEN');
    const more = await reader.send('POST', '/api/v1/tokens', { name: 'more', scopes: ['admin'] });
    expect((await problemOf(more)).code).toBe('FORBIDDEN');
    const answer = await reader.send('POST', '/api/v1/tokens', { name: 'less', scopes: ['read'] });
    const made = z.object({ id: z.uuid(), token: z.string() }).parse(await answer.json());
    expect(made.token).toMatch(/^atl_[\w-]{43}$/);
    const listed = await (await reader.get('/api/v1/tokens')).json();
    expect(JSON.stringify(listed)).not.toContain(made.token);
    expect((await bo.send('DELETE', `/api/v1/tokens/${made.id}`)).status).toBe(403);
    expect((await mei.send('DELETE', `/api/v1/tokens/${made.id}`)).status).toBe(404);
    expect((await reader.send('DELETE', `/api/v1/tokens/${made.id}`)).status).toBe(204);
  });

  it('lets operators see every ComfyUI, and nobody else', async () => {
    const instance = await holdTestInstance(gateway.db, 'gpu-seen', 60_000);
    const status = { instanceId: 'gpu-seen', state: 'idle' as const, comfyuiVersion: '0.8.0', foreignPrompts: 1 };
    await reportInstance(gateway.db, instance, { status });
    expect((await problemOf(await mei.get('/api/v1/instances'))).code).toBe('FORBIDDEN');
    const operator = await gateway.person({ scopes: ['read', 'admin'] });
    const seen = z
      .object({ instances: z.array(z.looseObject({ id: z.string() })) })
      .parse(await (await operator.get('/api/v1/instances')).json());
    expect(seen.instances.find(({ id }) => id === 'gpu-seen')).toMatchObject({
      alive: true,
      reported: status,
      history: { residentModels: null, speeds: [], failed: 0, lastError: null },
    });
    await releaseInstance(gateway.db, instance);
  });

  it('may ask as often as the quotas say', async () => {
    const limited = await gateway.person({ limits: { perDay: 3, openRequests: 2 } });
    const first = await accept(limited);
    await accept(limited);
    expect((await problemOf(await limited.send('POST', '/api/v1/jobs', imagine()))).detail).toContain('2 unfinished');
    await limited.send('POST', `/api/v1/jobs/${first.prompt_id}/cancel`);
    await accept(limited);
    await limited.send('POST', '/api/v1/queue/clear', { clear: true });
    const answer = await limited.send('POST', '/api/v1/jobs', imagine());
    expect(answer.status).toBe(429);
    expect((await problemOf(answer)).code).toBe('QUOTA_EXCEEDED');
    const slow = await gateway.person({ limits: { perMinute: 2 } });
    const statuses = [];
    for (let index = 0; index < 3; index++) statuses.push((await slow.get('/api/v1/me')).status);
    expect(statuses).toEqual([200, 200, 429]);
    expect(Number((await slow.get('/api/v1/me')).headers.get('retry-after'))).toBeGreaterThan(0);
  });

  it('names nothing of others: files and requests', async () => {
    const { prompt_id: theirs } = await accept(bo);
    const derive = { request: { kind: 'derive', action: 'reroll', source: { requestId: theirs } } };
    expect((await problemOf(await mei.send('POST', '/api/v1/jobs', derive))).code).toBe('NOT_FOUND');
    const image = { hash: 'a'.repeat(64), mediaType: 'image/png' };
    const describeBody = { request: { kind: 'describe', images: [image] } };
    expect((await problemOf(await mei.send('POST', '/api/v1/jobs', describeBody))).code).toBe('IMAGE_NOT_FOUND');
  });
});
