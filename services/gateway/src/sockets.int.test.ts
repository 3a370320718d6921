import { randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { claimRequests } from '@atelier/shared/db/requests/agent-lease';
import { answerRequest } from '@atelier/shared/db/requests/answer-request';
import { revokeApiToken } from '@atelier/shared/db/gateway/api-tokens';
import { acceptedSchema } from './adapters/http/routes/submission-route.ts';
import { decodePreviewFrame } from './core/events/preview-frame.ts';
import { openSocket, type TestSocket } from './testing/open-socket.ts';
import { startTestGateway, type TestGateway, type TestPerson } from './testing/start-gateway.ts';

let gateway: TestGateway;
let mei: TestPerson;
const sockets: TestSocket[] = [];

beforeAll(async () => {
  gateway = await startTestGateway({}, { pingMs: 150 });
  mei = await gateway.person();
});
afterAll(async () => {
  for (const socket of sockets) socket.cut();
  await gateway.stop();
});

async function open(person: TestPerson, clientId: string, lastEventId?: string): Promise<TestSocket> {
  const query = lastEventId === undefined ? '' : `?last_event_id=${lastEventId}`;
  const headers = { authorization: `Bearer ${person.token}` };
  const socket = await openSocket(gateway.url, `/api/v1/ws/${clientId}${query}`, headers);
  sockets.push(socket);
  await socket.until(({ data }) => data['event'] === 'ready');
  return socket;
}
async function ask(person: TestPerson, clientId: string): Promise<string> {
  const body = { client_id: clientId, request: { kind: 'words', text: 'hello' } };
  return acceptedSchema.parse(await (await person.send('POST', '/api/v1/jobs', body)).json()).prompt_id;
}
/** Ends a request as an agent does, and rings. */
async function reply(requestId: string, text: string): Promise<void> {
  const holder = randomUUID();
  // Like an agent it passes over what somebody else holds at that instant, and looks again.
  const claimed = await vi.waitFor(async () => {
    const [request] = await claimRequests(gateway.db, { holder, leaseMs: 5_000, limit: 1, requestId });
    if (request === undefined) throw new Error('not claimed yet');
    return request;
  });
  const lease = { requestId, holder, epoch: claimed.agentEpoch };
  const outbox = await answerRequest(gateway.db, lease, { state: 'replied', reply: text });
  for (const row of outbox ?? []) await gateway.bus.publishOutbox(row);
}
const about = (type: string, id: string) => (event: { type: string; data: Record<string, unknown> }) =>
  event.type === type && event.data['prompt_id'] === id;

describe('a socket', () => {
  it('hears what its client asked for, from the asking to the end', async () => {
    const socket = await open(mei, 'a');
    const id = await ask(mei, 'a');
    await socket.until(about('submit', id));
    await reply(id, 'Hi.');
    const result = await socket.until(about('result', id));
    expect(result.data).toMatchObject({ status: 'replied', job: { reply: 'Hi.' } });
    expect(result.id).toMatch(/^[\w-]+\.\d+\.\d+$/);
  });

  it('asks and cancels by itself, and is told what it said wrong', async () => {
    const socket = await open(mei, 'b');
    socket.send({ type: 'submit', ref: 7, data: { request: { kind: 'imagine', options: { prompt: 'a fox' } } } });
    const accepted = await socket.until(({ data }) => data['event'] === 'accepted' && data['ref'] === 7);
    const id = String(accepted.data['prompt_id']);
    socket.send({ type: 'cancel', data: { prompt_id: id } });
    expect((await socket.until(about('result', id))).data['status']).toBe('cancelled');
    socket.send({ type: 'cancel', ref: 'x', data: { prompt_id: randomUUID() } });
    expect((await socket.until(({ data }) => data['ref'] === 'x')).data['code']).toBe('NOT_FOUND');
    for (const nonsense of ['{', '[]', '{"type":"free"}', '{"type":"submit","data":{}}']) {
      const before = socket.events.length;
      socket.send(nonsense);
      const told = await socket.until(
        (event) => socket.events.indexOf(event) >= before && event.data['event'] === 'error',
      );
      expect(told.data['code']).toBe('WEBSOCKET_ERROR');
    }
    await socket.close();
  });

  it('hears progress and previews of running work, as frames like those of ComfyUI', async () => {
    const socket = await open(mei, 'c');
    const requestId = await ask(mei, 'c');
    await socket.until(about('submit', requestId));
    const jobId = randomUUID();
    const progress = {
      jobId,
      requestId,
      fraction: 0.25,
      nodeId: '3',
      classType: 'KSampler',
      step: 5,
      steps: 20,
      elapsedMs: 9,
    };
    gateway.bus.publishLive('liveProgress', { jobId }, progress, requestId);
    const heard = await socket.until(about('progress', requestId));
    expect(heard.data).toMatchObject({ run_id: jobId, node: '3', value: 5, max: 20, fraction: 0.25 });
    expect(heard.id).toBeUndefined();
    expect(socket.events.some(about('executing', requestId))).toBe(true);
    const base64 = Buffer.from('picture').toString('base64');
    gateway.bus.publishLive('livePreview', { jobId }, { jobId, requestId, mediaType: 'image/jpeg', base64 }, requestId);
    const { facts, image } = decodePreviewFrame(await socket.untilFrame());
    expect(facts).toEqual({ prompt_id: requestId, run_id: jobId, image_type: 'image/jpeg' });
    expect(image.toString()).toBe('picture');
  });

  it('that comes back hears exactly what it missed', async () => {
    const first = await open(mei, 'd');
    const id = await ask(mei, 'd');
    await first.until(about('submit', id));
    const lastId = first.lastId;
    first.cut();
    await first.closed;
    const watcher = await open(mei, 'd');
    await reply(id, 'Late.');
    await watcher.until(about('result', id));
    const back = await open(mei, 'd', lastId);
    expect(back.events.filter(about('submit', id))).toHaveLength(0);
    expect(back.events.filter(about('result', id))).toHaveLength(1);
    expect(back.events[0]?.data).toMatchObject({ event: 'hello', resumed: true });
  });

  it('that comes back to another gateway is told how things stand', async () => {
    const id = await ask(mei, 'e');
    const ended = await ask(mei, 'e');
    await reply(ended, 'Done.');
    const elsewhere = await open(mei, 'e', `${randomUUID()}.7.${Date.now()}`);
    expect(elsewhere.events[0]?.data).toMatchObject({ event: 'hello', resumed: false });
    expect(elsewhere.events.some(about('status', id))).toBe(true);
    expect(elsewhere.events.some(about('result', ended))).toBe(true);
  });

  it('hears nothing of another person with the same client id, and cannot subscribe to theirs', async () => {
    const bo = await gateway.person();
    const theirs = await open(bo, 'a');
    const mine = await open(mei, 'a');
    const id = await ask(mei, 'a');
    await mine.until(about('submit', id));
    theirs.send({ type: 'subscribe', ref: 1, data: { prompt_id: id } });
    expect((await theirs.until(({ data }) => data['ref'] === 1)).data['code']).toBe('NOT_FOUND');
    expect(JSON.stringify(theirs.events)).not.toContain(`"prompt_id":"${id}"`);
    mine.send({ type: 'subscribe', ref: 2, data: { prompt_id: await ask(mei, 'other') } });
    await mine.until(({ data }) => data['ref'] === 2 && data['event'] === 'subscribed');
  });

  it('ends when its token is revoked', async () => {
    const leaver = await gateway.person();
    const socket = await open(leaver, 'x');
    await revokeApiToken(gateway.db, leaver.tokenId);
    expect(await socket.closed).toBe(4401);
  });

  it('is not opened for nobody or at another address', async () => {
    const token = { authorization: `Bearer ${mei.token}` };
    await expect(openSocket(gateway.url, '/api/v1/ws/a')).rejects.toThrow('401');
    await expect(openSocket(gateway.url, '/api/v1/ws/a%2F..', token)).rejects.toThrow('426');
    await expect(openSocket(gateway.url, '/api/v1/jobs', token)).rejects.toThrow('404');
    const foreign = { ...token, origin: 'https://evil.example' };
    // A token says who calls, wherever the page stands; a cookie alone would not.
    expect(await (await openSocket(gateway.url, '/api/v1/ws/a', foreign)).close()).toBe(1005);
  });

  it('takes its token as a protocol, where a page cannot set headers', async () => {
    const protocols = ['atelier.v1', `bearer.${mei.token}`];
    const socket = await openSocket(gateway.url, '/api/v1/ws/page', {}, protocols);
    await socket.until(({ data }) => data['event'] === 'ready');
    expect(await socket.close()).toBe(1005);
  });

  it('that no longer answers is let go', async () => {
    const bo = await gateway.person();
    const { port, hostname } = new URL(gateway.url);
    const raw = connect(Number(port), hostname);
    const ended = new Promise<void>((resolve) => raw.once('close', () => resolve()));
    raw.on('error', () => undefined);
    raw.write(
      `GET /api/v1/ws/half HTTP/1.1\r\nhost: ${hostname}:${port}\r\nauthorization: Bearer ${bo.token}\r\nupgrade: websocket\r\n` +
        'connection: Upgrade\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    );
    raw.resume();
    await ended;
    expect(raw.destroyed).toBe(true);
  });
});
