import { createHash, randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import sharp from 'sharp';
import { Webhook } from 'standardwebhooks';
import { z } from 'zod';
import { takeExpiredAssets } from '@atelier/shared/db/asset-register';
import { createSignInLink } from '@atelier/shared/db/gateway/sign-in';
import { acceptRequest } from '@atelier/shared/db/requests/accept-request';
import { claimRequests } from '@atelier/shared/db/requests/agent-lease';
import { answerRequest } from '@atelier/shared/db/requests/answer-request';
import { createApiToken } from '@atelier/shared/db/gateway/api-tokens';
import { acceptedSchema } from './adapters/http/routes/submission-route.ts';
import { problemSchema } from './core/problems/to-problem.ts';
import { callerOf, startTestGateway, type TestGateway, type TestPerson } from './testing/start-gateway.ts';

let gateway: TestGateway;
let mei: TestPerson;
let bo: TestPerson;
let png: Buffer;

beforeAll(async () => {
  gateway = await startTestGateway(
    {
      ATELIER_WEBHOOK_PRIVATE_TARGETS: 'true',
      ATELIER_GATEWAY_OPEN: 'true',
      ATELIER_GATEWAY_ORIGINS: 'https://studio.example',
      ATELIER_GATEWAY_UPLOAD_BYTES: '300000',
    },
    { webhookScale: 100 },
  );
  [mei, bo] = await Promise.all([gateway.person(), gateway.person()]);
  png = await sharp({ create: { width: 40, height: 30, channels: 3, background: '#c04010' } })
    .withExif({ IFD0: { Copyright: 'secret words' } })
    .png()
    .toBuffer();
});
afterAll(() => gateway.stop());

const uploadedSchema = z.object({
  name: z.string(),
  subfolder: z.string(),
  type: z.string(),
  url: z.string(),
  image: z.object({ hash: z.string(), mediaType: z.string() }),
});
function form(bytes: Uint8Array, name: string, fields: Record<string, string> = {}): FormData {
  const data = new FormData();
  data.set('file', new Blob([new Uint8Array(bytes)]), name);
  for (const [key, value] of Object.entries(fields)) data.set(key, value);
  return data;
}
const upload = (person: TestPerson, data: FormData) => person.send('POST', '/api/v1/images/upload', data);
const codeOf = async (answer: Response) => problemSchema.parse(await answer.json()).code;

describe('pictures', () => {
  it('are encoded anew, named as they were, and found again by name and hash; by nobody else', async () => {
    const answer = await upload(mei, form(png, 'fox.png'));
    expect(answer.status).toBe(201);
    const file = uploadedSchema.parse(await answer.json());
    expect(file).toMatchObject({ name: 'fox.png', subfolder: '', type: 'input' });
    const got = await mei.get(file.url);
    expect(got.headers.get('content-type')).toBe('image/png');
    const bytes = Buffer.from(await got.arrayBuffer());
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(file.image.hash);
    expect(bytes.includes('secret words')).toBe(false);
    const named = await mei.get('/api/v1/images/download?filename=fox.png&type=input');
    expect(Buffer.from(await named.arrayBuffer())).toEqual(bytes);
    expect(await codeOf(await bo.get(file.url))).toBe('IMAGE_NOT_FOUND');
    expect(await codeOf(await bo.get('/api/v1/images/download?filename=fox.png&type=input'))).toBe('IMAGE_NOT_FOUND');
  });

  it('of the same name get a number, unless they replace', async () => {
    const other = await sharp(png).negate().png().toBuffer();
    await upload(bo, form(png, 'a.png'));
    const names = [];
    for (const fields of [{}, {}, { overwrite: 'true' }]) {
      names.push(uploadedSchema.parse(await (await upload(bo, form(other, 'a.png', fields))).json()).name);
    }
    expect(names).toEqual(['a (1).png', 'a (1).png', 'a.png']);
  });

  it('that are none, damaged, too large, or named like a path are refused, and nothing is kept', async () => {
    const cases: [FormData, string][] = [
      [form(Buffer.from('<svg onload="x()">'), 'x.svg'), 'FILE_OPERATION_ERROR'],
      [form(Buffer.concat([png.subarray(0, 60), Buffer.alloc(60)]), 'x.png'), 'FILE_OPERATION_ERROR'],
      [form(Buffer.alloc(400_000, png), 'x.png'), 'PAYLOAD_TOO_LARGE'],
      [form(png, 'x.png', { subfolder: '../..' }), 'FILE_OPERATION_ERROR'],
      [form(png, 'x.png', { type: 'output' }), 'VALIDATION_ERROR'],
      [form(png, 'x.png', { front: '1' }), 'VALIDATION_ERROR'],
      [form(png, 'x.png [output]'), 'FILE_OPERATION_ERROR'],
    ];
    for (const [data, code] of cases) expect(await codeOf(await upload(mei, data))).toBe(code);
    expect(await codeOf(await mei.send('POST', '/api/v1/images/upload', { file: 'x' }))).toBe('UNSUPPORTED_MEDIA_TYPE');
    const listed = z.object({ files: z.array(uploadedSchema) }).parse(await (await mei.get('/api/v1/images')).json());
    expect(listed.files.map(({ name }) => name)).toEqual(['fox.png']);
  });

  it('are sent in ranges, and once to a browser that keeps them', async () => {
    const { url, image } = uploadedSchema.parse(await (await upload(mei, form(png, 'range.png'))).json());
    const whole = Buffer.from(await (await mei.get(url)).arrayBuffer());
    const part = await mei.get(url, { range: 'bytes=5-9' });
    expect(part.status).toBe(206);
    expect(part.headers.get('content-range')).toBe(`bytes 5-9/${whole.length}`);
    expect(Buffer.from(await part.arrayBuffer())).toEqual(whole.subarray(5, 10));
    const beyond = await mei.get(url, { range: 'bytes=999999-' });
    expect([beyond.status, await codeOf(beyond)]).toEqual([416, 'RANGE_NOT_SATISFIABLE']);
    expect((await mei.get(url, { 'if-none-match': `"${image.hash}"` })).status).toBe(304);
  });

  it('are shared by links that end, and cannot be changed', async () => {
    const { image } = uploadedSchema.parse(await (await upload(mei, form(png, 'link.png'))).json());
    expect(await codeOf(await bo.get(`/api/v1/assets/${image.hash}/url`))).toBe('IMAGE_NOT_FOUND');
    const answer = await mei.get(`/api/v1/assets/${image.hash}/url?expires_in=60&name=for%20you.png`);
    const { url } = z.object({ url: z.url() }).parse(await answer.json());
    const got = await fetch(url);
    expect([got.status, got.headers.get('content-disposition')]).toEqual([
      200,
      "attachment; filename*=UTF-8''for%20you.png",
    ]);
    for (const [from, to] of [
      [/expires=\d+/, 'expires=99999999999'],
      [/name=[^&]+/, 'name=other.png'],
      [new RegExp(image.hash), 'b'.repeat(64)],
      [/signature=.{4}/, 'signature=AAAA'],
    ] as const) {
      expect((await fetch(url.replace(from, to))).status).toBe(404);
    }
  });

  it('of a workflow go with it', async () => {
    await upload(mei, form(png, 'base.png', { subfolder: 'refs' }));
    const workflow = { 1: { class_type: 'LoadImage', inputs: { image: 'refs/base.png [input]' } } };
    const answer = await mei.send('POST', '/api/v1/workflows/submit', { workflow });
    const { prompt_id: id } = acceptedSchema.parse(await answer.json());
    const [row] = await gateway.db.sql`select body->'files' as files from requests where id = ${id}`;
    expect(row?.['files']).toMatchObject([{ name: 'refs/base.png', image: { mediaType: 'image/png' } }]);
  });
});

describe('uploads that nobody used for long', () => {
  const expire = (hash: string) =>
    gateway.db.sql`update assets set expires_at = now() - interval '1 second' where hash = ${hash}`;
  const namesOf = async (person: TestPerson): Promise<string[]> => {
    const answer = await person.get('/api/v1/images');
    const schema = z.object({ files: z.array(z.object({ name: z.string() })) });
    return schema.parse(await answer.json()).files.map(({ name }) => name);
  };

  it('go with their names, and those in use stay', async () => {
    const cy = await gateway.person();
    const colours = ['#102030', '#203040'];
    const [old, used] = await Promise.all(
      colours.map(async (background) => {
        const bytes = await sharp({ create: { width: 9, height: 9, channels: 3, background } })
          .png()
          .toBuffer();
        return uploadedSchema.parse(await (await upload(cy, form(bytes, `${background.slice(1)}.png`))).json());
      }),
    );
    if (old === undefined || used === undefined) throw new Error('nothing was uploaded');
    await Promise.all([expire(old.image.hash), expire(used.image.hash)]);
    const request = { kind: 'describe', images: [used.image] };
    expect((await cy.send('POST', '/api/v1/jobs', { request })).status).toBe(202);
    expect(await takeExpiredAssets(gateway.db, 10)).toEqual([old.image.hash]);
    expect(await namesOf(cy)).toEqual(['203040.png']);
    const gone = await cy.get('/api/v1/images/download?type=input&filename=102030.png');
    expect([gone.status, await codeOf(gone)]).toEqual([404, 'IMAGE_NOT_FOUND']);
    expect((await cy.get('/api/v1/images/download?type=input&filename=203040.png')).status).toBe(200);
  });
});

describe('webhooks', () => {
  interface Got {
    headers: Record<string, string>;
    body: string;
  }
  let receiver: Server;
  let url: string;
  let statuses: number[] = [];
  const got: Got[] = [];
  let onGot = (): void => undefined;

  beforeAll(async () => {
    receiver = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => {
        got.push({ headers: request.headers as Record<string, string>, body });
        response.writeHead(statuses.shift() ?? 204).end();
        onGot();
      });
    });
    await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`;
  });
  afterAll(() => new Promise((resolve) => receiver.close(resolve)));

  const untilGot = (count: number) =>
    new Promise<void>((resolve) => {
      onGot = () => {
        if (got.length >= count) resolve();
      };
      onGot();
    });
  async function end(requestId: string): Promise<void> {
    const holder = randomUUID();
    const [claimed] = await claimRequests(gateway.db, { holder, leaseMs: 5_000, limit: 1, requestId });
    const lease = { requestId, holder, epoch: claimed?.agentEpoch ?? 0 };
    for (const row of (await answerRequest(gateway.db, lease, { state: 'replied', reply: 'Hi.' })) ?? []) {
      await gateway.bus.publishOutbox(row);
    }
  }
  const deliveriesOf = async (id: string, state: string) => {
    const answer = await mei.get(`/api/v1/webhooks/${id}/deliveries?state=${state}`);
    return z.object({ deliveries: z.array(z.object({ id: z.string(), attempts: z.int() })) }).parse(await answer.json())
      .deliveries;
  };

  it('are told the end of a job, signed, again until it is taken, and once', async () => {
    const made = await mei.send('POST', '/api/v1/webhooks', { url });
    expect(made.status).toBe(201);
    const { id, secret } = z.object({ id: z.uuid(), secret: z.string() }).parse(await made.json());
    expect(JSON.stringify(await (await mei.get('/api/v1/webhooks')).json())).not.toContain(secret);
    statuses = [500, 503];
    const asked = await mei.send('POST', '/api/v1/jobs', { request: { kind: 'words', text: 'hello' } });
    const { prompt_id: jobId } = acceptedSchema.parse(await asked.json());
    await end(jobId);
    await untilGot(3);
    const [first, , last] = got;
    expect(last?.headers['webhook-id']).toBe(first?.headers['webhook-id']);
    const verifier = new Webhook(secret);
    expect(verifier.verify(last?.body ?? '', last?.headers ?? {})).toMatchObject({
      type: 'job.replied',
      data: { jobId },
    });
    expect(() => verifier.verify((last?.body ?? '').replace('Hi.', 'Ho.'), last?.headers ?? {})).toThrow(
      'No matching signature found',
    );
    // Before the next is sent, this one is written down.
    got.length = 0;
    const next = await mei.send('POST', `/api/v1/webhooks/${id}/test`);
    expect(next.status).toBe(202);
    await untilGot(1);
    expect(got).toHaveLength(1);
    expect(await deliveriesOf(id, 'sent')).toContainEqual(expect.objectContaining({ attempts: 3 }));
    expect((await bo.get(`/api/v1/webhooks/${id}/deliveries`)).status).toBe(404);
    expect((await bo.send('DELETE', `/api/v1/webhooks/${id}`)).status).toBe(404);
    expect((await mei.send('DELETE', `/api/v1/webhooks/${id}`)).status).toBe(204);
  });

  it('hear of what programs asked for, and of chats where they ask for it', async () => {
    const add = async (more: object): Promise<string> => {
      const made = await mei.send('POST', '/api/v1/webhooks', { url, ...more });
      return z.object({ id: z.uuid() }).parse(await made.json()).id;
    };
    const programs = await add({});
    const chats = await add({ doors: ['telegram', 'discord'] });
    expect((await mei.send('POST', '/api/v1/webhooks', { url, doors: ['elsewhere'] })).status).toBe(400);
    await gateway.db.sql`
      insert into identities (door, platform_id, person_id) values ('telegram', '4711', ${mei.personId})`;
    const inChat = await acceptRequest(gateway.db, {
      eventId: '1',
      user: { door: 'telegram', id: '4711', displayName: 'Mei', language: 'en' },
      place: { door: 'telegram', id: '4711' },
      body: { kind: 'words', text: 'hello' },
    });
    const asked = await mei.send('POST', '/api/v1/jobs', { request: { kind: 'words', text: 'hello' } });
    const { prompt_id: byProgram } = acceptedSchema.parse(await asked.json());
    got.length = 0;
    await end(inChat.requestId);
    await end(byProgram);
    await untilGot(2);
    const told = async (id: string): Promise<unknown[]> => {
      const rows = await gateway.db.sql`select request_id from webhook_deliveries where endpoint_id = ${id}`;
      return rows.map(({ requestId }) => requestId);
    };
    expect([await told(programs), await told(chats)]).toEqual([[byProgram], [inChat.requestId]]);
    expect(got.map(({ body }) => body).find((body) => body.includes(inChat.requestId))).toContain('"door":"telegram"');
    const changed = await mei.send('PATCH', `/api/v1/webhooks/${chats}`, { doors: ['web'] });
    expect(await changed.json()).toMatchObject({ doors: ['web'] });
    for (const id of [programs, chats]) await mei.send('DELETE', `/api/v1/webhooks/${id}`);
  });

  it('that are gone leave dead letters, which can be sent again', async () => {
    const made = await mei.send('POST', '/api/v1/webhooks', { url, events: ['job.failed'] });
    const { id } = z.object({ id: z.uuid() }).parse(await made.json());
    got.length = 0;
    statuses = [410];
    await mei.send('POST', `/api/v1/webhooks/${id}/test`);
    await untilGot(1);
    await expect.poll(() => deliveriesOf(id, 'dead')).toHaveLength(1);
    const [dead] = await deliveriesOf(id, 'dead');
    const retried = await mei.send('POST', `/api/v1/webhooks/${id}/deliveries/${dead?.id}/retry`);
    expect(retried.status).toBe(202);
    await untilGot(2);
    expect(got[1]?.headers['webhook-id']).toBe(got[0]?.headers['webhook-id']);
    for (const bad of ['ftp://127.0.0.1/', 'http://user:pass@127.0.0.1/', 'nonsense']) {
      expect((await mei.send('POST', '/api/v1/webhooks', { url: bad })).status).toBe(400);
    }
  });
});

describe('browsers', () => {
  const origin = { origin: 'https://evil.example' };

  it('are signed in once by a link, act from their own page only, and are out when they say so', async () => {
    const link = await createSignInLink(gateway.db, bo.personId);
    expect(link?.url.startsWith(`${gateway.url}/sign-in#`)).toBe(true);
    const code = link?.url.split('#')[1] ?? '';
    const signIn = (headers: Record<string, string> = {}) =>
      fetch(`${gateway.url}/api/v1/sign-in`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify({ code }),
      });
    expect((await signIn(origin)).status).toBe(403);
    const signedIn = await signIn();
    expect(signedIn.status).toBe(200);
    expect((await signIn()).status).toBe(401);
    const setCookie = signedIn.headers.get('set-cookie') ?? '';
    expect(setCookie).toMatch(/HttpOnly.*SameSite=Lax/);
    const cookie = setCookie.split(';')[0] ?? '';
    const me = await fetch(`${gateway.url}/api/v1/me`, { headers: { cookie } });
    expect(await me.json()).toMatchObject({ personId: bo.personId, kind: 'session' });
    const act = (headers: Record<string, string>) =>
      fetch(`${gateway.url}/api/v1/queue/clear`, {
        method: 'POST',
        headers: { cookie, 'content-type': 'application/json', ...headers },
        body: '{"clear":true}',
      });
    expect((await act(origin)).status).toBe(403);
    expect((await act({ origin: 'null' })).status).toBe(403);
    expect((await act({ origin: gateway.url })).status).toBe(200);
    expect((await act({ origin: 'https://studio.example' })).status).toBe(200);
    expect((await fetch(`${gateway.url}/api/v1/sign-out`, { method: 'POST', headers: { cookie } })).status).toBe(204);
    // A copy of the cookie is worth nothing now: where the gateway is open, it is this machine's own person.
    const replayed = await fetch(`${gateway.url}/api/v1/me`, { headers: { cookie } });
    expect(await replayed.json()).toMatchObject({ kind: 'local' });
  });

  it('elsewhere read nothing, unless they are named', async () => {
    const ask = (from: string) => fetch(`${gateway.url}/api/v1/me`, { headers: { origin: from, ...bearer() } });
    const bearer = () => ({ authorization: `Bearer ${mei.token}` });
    expect((await ask('https://evil.example')).headers.get('access-control-allow-origin')).toBeNull();
    const named = await ask('https://studio.example');
    expect(named.headers.get('access-control-allow-origin')).toBe('https://studio.example');
  });

  it('need no token on this machine where it is open, and no tricks help from elsewhere', async () => {
    const me = (headers: Record<string, string>) => fetch(`${gateway.url}/api/v1/me`, { headers });
    expect(await (await me({})).json()).toMatchObject({ kind: 'local', displayName: 'Local' });
    expect((await me({ origin: 'http://evil.example' })).status).toBe(403);
    expect((await me({ 'x-forwarded-for': '203.0.113.9' })).status).toBe(401);
    expect((await me({ forwarded: 'for=127.0.0.1' })).status).toBe(401);
    expect((await me({ authorization: 'Bearer wrong' })).status).toBe(401);
  });
});

describe('documentation and figures', () => {
  it('are served from here alone', async () => {
    const pages = ['/docs/', '/redoc', '/sign-in'];
    for (const page of pages) {
      const answer = await fetch(`${gateway.url}${page}`);
      expect(answer.status).toBe(200);
      expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'");
      const html = await answer.text();
      expect([...html.matchAll(/(?:src|href)="(https?:)?\/\/[^"]+"/g)]).toEqual([]);
    }
    const script = await fetch(`${gateway.url}/docs/js/scalar.js`);
    expect(script.headers.get('content-type')).toMatch(/javascript/);
    await script.body?.cancel();
    expect((await fetch(`${gateway.url}/docs/..%2f..%2fetc/passwd`)).status).toBe(404);
    const document = z
      .object({ openapi: z.string(), paths: z.record(z.string(), z.unknown()) })
      .parse(await (await fetch(`${gateway.url}/openapi.json`)).json());
    expect(document.openapi).toBe('3.1.0');
    expect(Object.keys(document.paths)).toContain('/api/v1/workflows/{prompt_id}/history');
  });

  it('tell operators how everything goes', async () => {
    expect(await (await fetch(`${gateway.url}/readyz`)).json()).toEqual({ ok: true });
    const { secret } = await createApiToken(gateway.db, {
      account: mei.account,
      name: 'prometheus',
      scopes: ['admin'],
    });
    const answer = await callerOf(gateway.url, secret).get('/metrics');
    const text = await answer.text();
    expect(answer.headers.get('content-type')).toMatch(/^text\/plain/);
    expect(text.includes('atelier_database_up{service="gateway"} 1')).toBe(true);
    expect(text).toMatch(/atelier_requests\{state="accepted",door="api",service="gateway"\} [1-9]/);
    expect(text).toContain('atelier_http_request_seconds_count');
  });
});
