import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTestDatabase, createTestNats, type TestDatabase, type TestNats } from '@atelier/tests/support/servers';
import { openTcpProxy } from '@atelier/tests/support/tcp-proxy';
import { createVisitor, makeFolder, openBackstage, startTestBot } from './app-fixtures.ts';
import { jobOutput } from '@atelier/shared/db/testing/record-fixtures';
import type { JobCard } from './core/cards/job-card.ts';

let database: TestDatabase;
let nats: TestNats;
let folder: string;
/** What a test opened, ended in reverse order. */
let ends: (() => Promise<unknown>)[];

beforeEach(async () => {
  const made = await makeFolder();
  folder = made.path;
  [database, nats] = await Promise.all([createTestDatabase(), createTestNats()]);
  ends = [made.remove, () => database.drop(), () => nats.clear()];
});
afterEach(async () => {
  for (const end of ends.toReversed()) await end();
});

async function bot(options: { databaseUrl?: string; nats?: TestNats; token?: string } = {}) {
  const started = await startTestBot({ databaseUrl: database.url, folder, sweepMs: 200, ...options });
  ends.push(() => started.app.stop());
  return started;
}

async function backstage(withNats?: TestNats) {
  const opened = await openBackstage(database.url, withNats);
  ends.push(() => opened.close());
  return opened;
}

/** A way to the database that can be broken. */
async function wireToDatabase() {
  const proxy = await openTcpProxy(database.url);
  ends.push(() => proxy.close());
  const url = new URL(database.url);
  url.port = String(proxy.port);
  return { ...proxy, url: url.href };
}

const openCards = async (who: ReturnType<typeof createVisitor>) =>
  (await who.json<{ cards: JobCard[] }>('/api/timeline')).cards;

describe('the bot', () => {
  it('shows a result once that came while it was down', async () => {
    const first = await bot({ nats });
    const mei = createVisitor(first.url);
    const requestId = await mei.ask('a fox');
    await first.app.stop();

    const behind = await backstage(nats);
    await behind.plan(requestId);
    const lease = await behind.run();
    await behind.finish(lease, [jobOutput('1')]);

    const second = await bot({ nats });
    const back = createVisitor(second.url, { cookie: mei.cookies() });
    await expect
      .poll(() => openCards(back), { timeout: 10_000 })
      .toMatchObject([{ requestId, state: 'succeeded', final: true }]);
    const posts = await behind.db.sql`select kind from web_posts where request_id = ${requestId}`;
    expect(posts.map((post) => post['kind'])).toEqual(['result']);
  });

  it('delivers once with another bot beside it, and both show it', async () => {
    const [one, two] = [await bot({ nats }), await bot({ nats })];
    const mei = createVisitor(one.url);
    const requestId = await mei.ask('a fox');
    const elsewhere = createVisitor(two.url, { cookie: mei.cookies() });
    const events = await Promise.all([mei.openEvents(), elsewhere.openEvents()]);
    const behind = await backstage(nats);
    await behind.plan(requestId);
    const lease = await behind.run();
    await behind.finish(lease, [jobOutput('1')]);
    await Promise.all(events.map((reader) => reader.until('card', (card) => card['final'] === true)));
    const posts = await behind.db.sql`select 1 from web_posts where request_id = ${requestId}`;
    expect(posts).toHaveLength(1);
    for (const reader of events) reader.close();
  });

  it('works without NATS, a little later', async () => {
    const alone = await bot();
    const mei = createVisitor(alone.url);
    await expect.poll(() => mei.call('/healthz').then((response) => response.status), { timeout: 10_000 }).toBe(200);
    const requestId = await mei.ask('a fox');
    const events = await mei.openEvents();
    await events.until('notices');
    await events.until('queue', (queue) => (queue['entries'] as unknown[]).length === 1);
    const behind = await backstage();
    await behind.plan(requestId);
    const lease = await behind.run();
    await behind.finish(lease, [jobOutput('1')]);
    await expect.poll(() => openCards(mei), { timeout: 10_000 }).toMatchObject([{ requestId, state: 'succeeded' }]);
    events.close();
  });

  it('refuses honestly while Postgres is away, and takes the same request when it is back', async () => {
    const wire = await wireToDatabase();
    const cut = await bot({ databaseUrl: wire.url, nats });
    const mei = createVisitor(cut.url);
    await mei.ask('a first fox');
    const events = await mei.openEvents('?lang=en');

    wire.cut();
    const json = { eventId: randomUUID(), text: 'a second fox' };
    const refused = await mei.call('/api/requests', { json });
    expect(refused.status).toBe(503);
    expect(await refused.json()).toMatchObject({
      error: {
        code: 'unavailable',
        message: { en: expect.stringContaining('Not accepted'), zh: expect.stringContaining('未被接受') },
      },
    });
    await events.until('notices', (notices) => JSON.stringify(notices).includes('cannot accept requests right now'));
    expect((await mei.call('/healthz')).status).toBe(503);
    expect((await mei.call('/')).status).toBe(200);

    wire.open();
    await expect
      .poll(() => mei.call('/api/requests', { json }).then((response) => response.status), { timeout: 10_000 })
      .toBe(202);
    expect((await openCards(mei)).map((card) => card.title)).toEqual(['a second fox', 'a first fox']);
    await expect
      .poll(() => events.received.filter((one) => one.event === 'notices').at(-1)?.data, { timeout: 10_000 })
      .toEqual([]);
    events.close();
  });

  it('does not wait for ever when Postgres falls silent', async () => {
    const wire = await wireToDatabase();
    const stalled = await bot({ databaseUrl: wire.url, nats });
    const mei = createVisitor(stalled.url);
    await mei.ask('a first fox');
    wire.stall();
    const json = { eventId: randomUUID(), text: 'a second fox' };
    expect((await mei.call('/api/requests', { json })).status).toBe(503);
    await expect.poll(() => mei.call('/healthz').then((response) => response.status), { timeout: 8_000 }).toBe(503);
    wire.open();
    await expect
      .poll(() => mei.call('/api/requests', { json }).then((response) => response.status), { timeout: 10_000 })
      .toBe(202);
    expect(await openCards(mei)).toHaveLength(2);
  });

  it('opens its page before Postgres is there, and says what it waits for', async () => {
    const wire = await wireToDatabase();
    wire.cut();
    const waiting = await bot({ databaseUrl: wire.url });
    const mei = createVisitor(waiting.url);
    expect((await mei.call('/')).status).toBe(200);
    expect((await mei.call('/healthz')).status).toBe(503);
    const refused = await mei.call('/api/requests', { json: { eventId: randomUUID(), text: 'a fox' } });
    expect(refused.status).toBe(503);
    wire.open();
    await expect.poll(() => mei.call('/healthz').then((response) => response.status), { timeout: 10_000 }).toBe(200);
    await mei.ask('a fox');
  });
});

describe('with an access token', () => {
  const token = 'correct-horse-battery';

  it('lets nobody in without it', async () => {
    const { url } = await bot({ nats, token });
    const stranger = createVisitor(url);
    const closed = ['/api/me', '/api/timeline', '/api/queue', '/api/events', `/api/assets/${'a'.repeat(64)}`];
    const answers = await Promise.all(closed.map((path) => stranger.call(path)));
    expect(answers.map((answer) => answer.status)).toEqual(closed.map(() => 401));
    expect((await stranger.call('/api/requests', { json: { eventId: randomUUID(), text: 'a fox' } })).status).toBe(401);
    expect((await stranger.call('/')).status).toBe(200);
    expect((await stranger.call('/api/session', { json: { token: 'wrong' } })).status).toBe(401);
    expect((await stranger.call('/api/me')).status).toBe(401);
    const bearer = createVisitor(url, { authorization: 'Bearer wrong-horse-battery' });
    expect((await bearer.call('/api/me')).status).toBe(401);
  });

  it('lets people in by cookie and programs by header, until the token changes', async () => {
    const first = await bot({ nats, token });
    const mei = createVisitor(first.url);
    expect((await mei.call('/api/session', { json: { token } })).status).toBe(204);
    await mei.ask('a fox');
    const program = createVisitor(first.url, {
      authorization: `Bearer ${token}`,
      'x-atelier-door': 'cli',
      'x-atelier-user': 'x',
    });
    await program.ask('a fox');

    const second = await bot({ nats, token: 'another-long-token' });
    const back = createVisitor(second.url, { cookie: mei.cookies() });
    expect((await back.call('/api/me')).status).toBe(401);
    expect((await mei.call('/api/session', { method: 'DELETE' })).status).toBe(204);
    expect((await mei.call('/api/me')).status).toBe(401);
  });
});
