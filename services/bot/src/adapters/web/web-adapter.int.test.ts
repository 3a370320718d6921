import { randomUUID } from 'node:crypto';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { useTestDatabase, useTestNats } from '@atelier/tests/support/servers';
import type { JobOutput } from '@atelier/shared/contracts/job';
import {
  type Backstage,
  createVisitor,
  makeFolder,
  openBackstage,
  startTestBot,
  type TestBot,
} from '../../app-fixtures.ts';
import type { JobCard } from '../../core/cards/job-card.ts';
import type { QueueCard } from '../../core/cards/queue-card.ts';

const database = useTestDatabase();
const nats = useTestNats();
let folder: Awaited<ReturnType<typeof makeFolder>>;
let bot: TestBot;
let backstage: Backstage;

beforeAll(async () => {
  folder = await makeFolder();
  bot = await startTestBot({ databaseUrl: database().url, nats: nats(), folder: folder.path });
  backstage = await openBackstage(database().url, nats());
});
afterAll(async () => {
  await bot?.app.stop();
  await backstage?.close();
  await folder?.remove();
});

const visitor = () => createVisitor(bot.url);
const cardsOf = async (who: ReturnType<typeof visitor>, lang = 'en') =>
  (await who.json<{ cards: JobCard[] }>(`/api/timeline?lang=${lang}`)).cards;

async function storePicture(colour: string): Promise<JobOutput> {
  const bytes = await sharp({ create: { width: 24, height: 32, channels: 3, background: colour } })
    .png()
    .toBuffer();
  const stored = await bot.files.put(bytes, { mediaType: 'image/png', maxBytes: 1_000_000 });
  return { ...stored, index: 0, mediaType: 'image/png', width: 24, height: 32, nodeId: '9', filename: 'fox.png' };
}

describe('a request', () => {
  it('is accepted once, whatever is repeated, and is nobody else’s', async () => {
    const mei = visitor();
    const eventId = randomUUID();
    const json = { eventId, text: 'a red fox --n 2' };
    const first = await mei.call('/api/requests', { json });
    expect(first.status).toBe(202);
    const accepted = (await first.json()) as { requestId: string };
    expect(accepted).toMatchObject({ outcome: 'accepted', created: true });
    const repeat = await mei.json('/api/requests', { json });
    expect(repeat).toEqual({ outcome: 'accepted', requestId: accepted.requestId, created: false, isPrivate: false });
    expect(await cardsOf(mei)).toMatchObject([
      { requestId: accepted.requestId, state: 'accepted', title: 'a red fox' },
    ]);

    const ana = visitor();
    const theirs = await ana.json<{ requestId: string; created: boolean }>('/api/requests', { json });
    expect(theirs.created).toBe(true);
    expect(theirs.requestId).not.toBe(accepted.requestId);
    expect((await ana.call(`/api/requests/${accepted.requestId}`)).status).toBe(404);
    const cancel = await ana.call(`/api/requests/${accepted.requestId}/cancel`, { json: {} });
    expect(cancel.status).toBe(403);
  });

  it.each([
    ['no words', { text: '' }, /Say what you want to see/],
    ['too many words', { text: 'x'.repeat(20_000) }, /20000 characters/],
    ['control characters', { text: 'a\u0007fox' }, /control characters/],
    ['no pictures', { text: '/imagine fox --n 0' }, /1 to 8/],
    ['too many pictures', { text: '/imagine fox --n 1000' }, /1 to 8/],
    ['an impossible size', { text: '/imagine fox --size 1x1' }, /64 to 4096/],
    ['an unknown attachment', { text: 'fox', images: [{ hash: 'a'.repeat(64) }] }, /no longer there/],
    ['options out of bounds', { text: 'fox', options: { count: 99 } }, /1 to 8/],
    ['fields that do not exist', { text: 'fox', extra: 1 }, /body/],
    ['nothing at all', {}, /text/],
  ])('with %s is refused with one sentence and enters nothing', async (_name, input, sentence) => {
    const before = await backstage.db.sql`select count(*)::int as count from requests`;
    const response = await visitor().call('/api/requests', { json: { eventId: randomUUID(), ...input } });
    expect(response.status).toBe(400);
    const { error } = (await response.json()) as { error: { code: string; message: { en: string; zh: string } } };
    expect(error.code).toBe('invalid_input');
    expect(error.message.en).toMatch(sentence);
    expect(error.message.zh).toMatch(/\p{Script=Han}/u);
    expect(await backstage.db.sql`select count(*)::int as count from requests`).toEqual(before);
  });

  it('goes from the queue over progress and preview to its picture, told by events', async () => {
    const mei = visitor();
    const requestId = await mei.ask('a red fox in snow');
    const events = await mei.openEvents();
    const states = (wanted: string) =>
      events.until('card', (card) => card['requestId'] === requestId && card['state'] === wanted);

    await backstage.plan(requestId);
    expect(await states('queued')).toMatchObject({
      facts: ['Text to image', 'sd_xl_base_1.0', '768 × 1024', '1 picture', 'seed 7', '20 steps'],
    });
    await events.until('queue', (queue) =>
      (queue as unknown as QueueCard).entries.some((entry) => entry.requestId === requestId),
    );

    const lease = await backstage.run();
    await states('running');
    const live = { jobId: lease.jobId, requestId };
    backstage.bus?.publishLive(
      'liveProgress',
      { jobId: lease.jobId },
      { ...live, fraction: 0.5, classType: 'KSampler', step: 10, steps: 20, elapsedMs: 5 },
      requestId,
    );
    expect(await events.until('progress')).toMatchObject({
      requestId,
      jobId: lease.jobId,
      progress: { fraction: 0.5, text: expect.stringContaining('step 10 of 20') },
    });
    backstage.bus?.publishLive(
      'livePreview',
      { jobId: lease.jobId },
      { ...live, mediaType: 'image/jpeg', base64: 'AAAA' },
      requestId,
    );
    expect(await events.until('preview')).toEqual({
      requestId,
      jobId: lease.jobId,
      src: 'data:image/jpeg;base64,AAAA',
    });

    const output = await storePicture('#c05020');
    await backstage.finish(lease, [output]);
    expect(await states('succeeded')).toMatchObject({
      final: true,
      tiles: [{ image: { hash: output.hash, alt: 'Picture: a red fox in snow' } }],
    });
    const posts = await backstage.db.sql`select count(*)::int as count from web_posts where request_id = ${requestId}`;
    expect(posts[0]).toEqual({ count: 1 });
    expect(await cardsOf(mei, 'zh')).toMatchObject([{ requestId, state: 'succeeded', headline: '已完成' }]);
    events.close();
  });

  it('that is cancelled while it waits ends at once', async () => {
    const mei = visitor();
    const requestId = await mei.ask('a red fox');
    await backstage.plan(requestId);
    const events = await mei.openEvents();
    expect(await mei.json(`/api/requests/${requestId}/cancel?lang=zh`, { json: {} })).toEqual({
      outcome: 'said',
      text: '正在取消你最近的请求。',
    });
    await events.until('card', (card) => card['requestId'] === requestId && card['state'] === 'cancelled');
    const again = await mei.json(`/api/requests/${requestId}/cancel`, { json: {} });
    expect(again).toEqual({ outcome: 'said', text: 'This had already finished.' });
    events.close();
  });

  it('that is cancelled while it runs is stopped by its worker, who is told', async () => {
    const mei = visitor();
    const requestId = await mei.ask('a red fox');
    await backstage.plan(requestId);
    const lease = await backstage.run();
    const woken = Promise.withResolvers<unknown>();
    const subscription = backstage.bus?.subscribeLive('cancelWake', {}, (wake) => woken.resolve(wake));
    const events = await mei.openEvents();
    await mei.call(`/api/requests/${requestId}/cancel`, { json: {} });
    expect(await woken.promise).toEqual({ requestId, jobIds: [lease.jobId] });
    await events.until('card', (card) => card['requestId'] === requestId && card['state'] === 'cancelling');
    await backstage.cancel(lease);
    await events.until('card', (card) => card['requestId'] === requestId && card['state'] === 'cancelled');
    events.close();
    await subscription?.stop();
  });

  it('that failed says why and can be repeated; a repeat of the repeat repeats the first', async () => {
    const mei = visitor();
    const requestId = await mei.ask('a red fox');
    await backstage.plan(requestId);
    const lease = await backstage.run();
    await backstage.fail(lease, { code: 'out_of_memory', message: { en: 'Ask for less.', zh: '请减小尺寸。' } });
    const events = await mei.openEvents();
    const failed = () => cardsOf(mei).then((cards) => cards.find((card) => card.requestId === requestId));
    await expect
      .poll(failed)
      .toMatchObject({ state: 'failed', error: 'Ask for less.', buttons: [{ action: 'retry' }, { action: 'remix' }] });

    const eventId = randomUUID();
    const again = await mei.json<{ requestId: string }>(`/api/requests/${requestId}/retry`, { json: { eventId } });
    const repeat = await mei.json<{ requestId: string }>(`/api/requests/${requestId}/retry`, { json: { eventId } });
    expect(again).toMatchObject({ outcome: 'accepted', created: true });
    expect(repeat).toMatchObject({ requestId: again.requestId, created: false });
    expect(await mei.json(`/api/requests/${again.requestId}`)).toMatchObject({ title: 'a red fox' });
    await backstage.answer(again.requestId, {
      state: 'failed',
      error: { code: 'x', message: { en: 'No.', zh: '不行。' } },
    });
    await events.until('card', (card) => card['requestId'] === again.requestId && card['final'] === true);
    const third = await mei.json<{ requestId: string }>(`/api/requests/${again.requestId}/retry`, {
      json: { eventId: randomUUID() },
    });
    const [row] = await backstage.db.sql`select body from requests where id = ${third.requestId}`;
    expect(row?.['body']).toEqual({ kind: 'rerun', requestId });
    events.close();
  });

  it('in words gets its answer', async () => {
    const mei = visitor();
    const requestId = await mei.ask('hello');
    await backstage.answer(requestId, { state: 'replied', reply: 'Hello, Mei.' });
    await expect
      .poll(() => cardsOf(mei), { timeout: 10_000 })
      .toMatchObject([{ state: 'replied', reply: 'Hello, Mei.', buttons: [] }]);
  });
});

describe('commands', () => {
  it('answer without a request', async () => {
    const mei = visitor();
    const say = (text: string) => mei.json('/api/requests?lang=en', { json: { eventId: randomUUID(), text } });
    expect(await say('/help')).toMatchObject({
      outcome: 'panel',
      panel: { text: expect.stringContaining('/imagine') },
    });
    expect(await say('/cancel')).toEqual({ outcome: 'said', text: 'You have nothing that could be cancelled.' });
    const requestId = await mei.ask('a fox');
    expect(await say('/queue')).toMatchObject({
      outcome: 'queue',
      queue: { entries: expect.arrayContaining([expect.objectContaining({ requestId, mine: true })]) },
    });
    expect(await say('/cancel')).toEqual({ outcome: 'said', text: 'Cancelling your latest request.' });
    await expect.poll(() => cardsOf(mei), { timeout: 10_000 }).toMatchObject([{ state: 'cancelled' }]);
  });

  it('show everybody’s queue, and words to their author alone', async () => {
    const [mei, ana] = [visitor(), visitor()];
    await mei.call('/api/me', { method: 'PUT', json: { displayName: 'Mei' } });
    const requestId = await mei.ask('a private fox');
    const entry = async (who: typeof mei) =>
      (await who.json<QueueCard>('/api/queue')).entries.find((one) => one.requestId === requestId);
    expect(await entry(mei)).toMatchObject({ author: 'You', mine: true, title: 'a private fox' });
    const seen = await entry(ana);
    expect(seen).toMatchObject({ author: 'Mei', mine: false });
    expect(seen).not.toHaveProperty('title');
    await mei.call('/api/me', { method: 'PUT', json: { displayName: 'Mei Lin' } });
    expect(await entry(ana)).toMatchObject({ author: 'Mei Lin' });
    await mei.call(`/api/requests/${requestId}/cancel`, { json: {} });
  });
});

describe('files', () => {
  it('are taken in as pictures, attached, and served by hash with ranges', async () => {
    const mei = visitor();
    const upload = (bytes: Uint8Array<ArrayBuffer>, name: string, type: string) => {
      const body = new FormData();
      body.append('file', new Blob([bytes], { type }), name);
      return mei.call('/api/uploads', { method: 'POST', body });
    };
    const png = await sharp({ create: { width: 30, height: 20, channels: 4, background: '#2060c0' } })
      .png()
      .toBuffer();
    const taken = await upload(new Uint8Array(png), 'sea.png', 'image/png');
    expect(taken.status).toBe(201);
    const { hash } = (await taken.json()) as { hash: string };
    const answer = await mei.call('/api/requests', {
      json: { eventId: randomUUID(), text: 'make it darker', images: [{ hash, name: 'sea.png' }] },
    });
    expect(answer.status).toBe(202);
    expect(await cardsOf(mei)).toMatchObject([{ inputs: [{ hash, mediaType: 'image/png', name: 'sea.png' }] }]);

    const whole = await mei.call(`/api/assets/${hash}`);
    expect(Object.fromEntries(whole.headers)).toMatchObject({
      'content-type': 'image/png',
      'x-content-type-options': 'nosniff',
      'content-disposition': 'inline',
      'cache-control': expect.stringContaining('immutable'),
      'accept-ranges': 'bytes',
    });
    const bytes = Buffer.from(await whole.arrayBuffer());
    const part = await mei.call(`/api/assets/${hash}`, { headers: { range: 'bytes=4-7' } });
    expect(part.status).toBe(206);
    expect(part.headers.get('content-range')).toBe(`bytes 4-7/${bytes.length}`);
    expect(Buffer.from(await part.arrayBuffer())).toEqual(bytes.subarray(4, 8));
    expect((await mei.call(`/api/assets/${hash}`, { headers: { range: 'bytes=99999-' } })).status).toBe(416);
    const etag = whole.headers.get('etag') ?? '';
    expect((await mei.call(`/api/assets/${hash}`, { headers: { 'if-none-match': etag } })).status).toBe(304);
    const saved = await mei.call(`/api/assets/${hash}?download=${encodeURIComponent('海"\r\n.png')}`);
    expect(saved.headers.get('content-disposition')).toBe(
      `attachment; filename*=UTF-8''${encodeURIComponent('海.png')}`,
    );

    const svg = '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>';
    for (const [name, type] of [
      ['a.svg', 'image/svg+xml'],
      ['a.png', 'image/png'],
    ] as const) {
      const refused = await upload(new TextEncoder().encode(svg), name, type);
      expect(refused.status).toBe(400);
      expect(await refused.json()).toMatchObject({ error: { message: { en: expect.stringContaining('no picture') } } });
    }
    const noise = { type: 'gaussian', mean: 128, sigma: 40 } as const;
    const photo = await sharp({ create: { width: 1_200, height: 1_000, channels: 3, noise, background: '#808080' } })
      .png()
      .toBuffer();
    expect(photo.length).toBeGreaterThan(1_000_000);
    expect((await upload(new Uint8Array(photo), 'photo.png', 'image/png')).status).toBe(201);
    const large = await upload(new Uint8Array(21 * 1_024 * 1_024), 'a.png', 'image/png');
    expect(large.status).toBe(413);
  });

  it('are not served where nobody put them out or handed them in, nor by anything but their hash', async () => {
    const stored = await bot.files.put(Buffer.from('<script>'), { mediaType: 'text/html', maxBytes: 100 });
    const names = [stored.hash, 'A'.repeat(64), '..%2f..%2fetc%2fpasswd', 'x'];
    const answers = await Promise.all(names.map((name) => visitor().call(`/api/assets/${name}`)));
    expect(answers.map((answer) => answer.status)).toEqual([404, 404, 404, 404]);
  });
});

describe('strangers', () => {
  it('cannot act through a browser', async () => {
    const mei = visitor();
    const requestId = await mei.ask('a fox');
    const path = `/api/requests/${requestId}/cancel`;
    for (const headers of [
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { 'sec-fetch-site': 'cross-site' },
    ]) {
      expect((await mei.call(path, { json: {}, headers })).status).toBe(403);
    }
    expect((await mei.call(path, { json: {}, headers: { origin: bot.url } })).status).toBe(200);
  });

  it('cannot point their own name at the page', async () => {
    const { hostname, port } = new URL(bot.url);
    const { request } = await import('node:http');
    const status = await new Promise((resolve, reject) => {
      request({ hostname, port, path: '/api/me', headers: { host: `evil.example:${port}` } }, (response) => {
        response.resume();
        resolve(response.statusCode);
      })
        .on('error', reject)
        .end();
    });
    expect(status).toBe(403);
  });

  it('get a page that runs nothing but its own files', async () => {
    const page = await visitor().call('/');
    expect(page.headers.get('content-security-policy')).toContain(
      "default-src 'none'; script-src 'self'; style-src 'self'",
    );
    expect(page.headers.get('x-frame-options')).toBe('DENY');
    const html = await page.text();
    expect(html).not.toMatch(/ style="| on\w+="|<script>|<style>/);
    const files = [...html.matchAll(/(?:src|href)="(\/page\/[^"]+)"/g)].map(([, file]) => file ?? '');
    const answers = await Promise.all(files.map((file) => visitor().call(file)));
    expect(answers.map((answer) => answer.status)).toEqual(files.map(() => 200));
    expect((await visitor().call('/page/tsconfig.json')).status).toBe(404);
    const cookie = (await visitor().call('/api/me')).headers.getSetCookie()[0];
    expect(cookie).toMatch(/HttpOnly; SameSite=Lax/);
  });

  it('cannot forge who they are', async () => {
    const mei = visitor();
    await mei.ask('a fox');
    const forged = createVisitor(bot.url, { cookie: 'atelier_id=00000000-0000-4000-8000-000000000000.forged' });
    expect(await cardsOf(forged)).toEqual([]);
    expect((await forged.call('/api/me')).headers.getSetCookie()).toHaveLength(1);
  });

  it('cannot send what is too much', async () => {
    const response = await visitor().call('/api/requests', {
      json: { eventId: randomUUID(), text: 'x'.repeat(100_000) },
    });
    expect(response.status).toBe(413);
    const broken = await visitor().call('/api/requests', {
      method: 'POST',
      body: '{',
      headers: { 'content-type': 'application/json' },
    });
    expect(broken.status).toBe(400);
  });
});

describe('the terminal command', () => {
  it('is a person of its own, by headers', async () => {
    const headers = {
      'x-atelier-door': 'cli',
      'x-atelier-user': 'mei@laptop',
      'x-atelier-name': encodeURIComponent('梅'),
    };
    const terminal = createVisitor(bot.url, headers);
    const requestId = await terminal.ask('a fox');
    const events = await terminal.openEvents('?lang=en');
    await backstage.plan(requestId);
    const lease = await backstage.run();
    const output = await storePicture('#20c060');
    await backstage.finish(lease, [output]);
    const card = await events.until('card', (data) => data['requestId'] === requestId && data['final'] === true);
    expect(card).toMatchObject({ door: 'cli', author: '梅', tiles: [{ image: { hash: output.hash } }] });
    expect(await cardsOf(visitor())).toEqual([]);
    // A terminal has no panels: it is told in lines.
    const say = (text: string) => terminal.json('/api/requests?lang=en', { json: { eventId: randomUUID(), text } });
    expect(await say('/help imagine')).toMatchObject({
      outcome: 'said',
      text: expect.stringContaining('/imagine a red fox'),
    });
    expect(await say('/history')).toMatchObject({ text: expect.stringContaining(`#${requestId.slice(0, 8)}`) });
    const nameless = createVisitor(bot.url, { 'x-atelier-door': 'cli' });
    expect((await nameless.call('/api/timeline')).status).toBe(400);
    events.close();
  });
});
