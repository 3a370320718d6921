import { randomUUID } from 'node:crypto';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket, type ClientOptions } from 'ws';
import { z } from 'zod';
import { createSimulator } from '@atelier/comfyui-sim/create-simulator';
import { textToImage } from '@atelier/comfyui-sim/testing/sample-workflows';
import { setAccessRule } from '@atelier/shared/db/chat/chat-settings';
import { takeExpiredAssets } from '@atelier/shared/db/asset-register';
import { acquireInstance, reportInstance } from '@atelier/shared/db/instances/instance-store';
import { reserveInstance } from '@atelier/shared/db/operators/control-instance';
import { apiScopeSchema, revokeApiToken } from '@atelier/shared/db/gateway/api-tokens';
import { callerOf, startTestGateway, type TestGateway, type TestPerson } from '../testing/start-gateway.ts';
import { openSocket } from '../testing/open-socket.ts';
import { openDoor } from './create-door.ts';
import type { DoorConfig } from './door-config.ts';
import { form, green, nothing, picture, red } from './testing/picture-form.ts';

type Person = Pick<TestPerson, 'personId' | 'account' | 'token' | 'get' | 'send'>;

const simulator = createSimulator({ port: 0, speed: 0 });
let gateway: TestGateway;
let doorUrl = '';
let objectInfo = '';
let mei: Person;
let bo: Person;

beforeAll(async () => {
  const { url } = await simulator.start();
  const config: DoorConfig = {
    host: '127.0.0.1',
    port: 0,
    frontendUrl: url,
    maxUploadBytes: 5_000_000,
    perMinute: 100_000,
    origins: [],
    pingMs: 150,
  };
  gateway = await startTestGateway(
    {},
    {
      doors: [
        async (shared) => {
          const door = await openDoor(config)(shared);
          doorUrl = door.ready?.['doorUrl'] ?? '';
          return door;
        },
      ],
    },
  );
  objectInfo = await (await fetch(new URL('/object_info', url))).text();
  await newInstance('shared', objectInfo);
  [mei, bo] = await Promise.all([newPerson(), newPerson()]);
});
afterAll(async () => {
  await gateway?.stop();
  await simulator.stop();
});

async function newPerson(options: Parameters<TestGateway['person']>[0] = {}): Promise<Person> {
  const { personId, account, token } = await gateway.person(options);
  return { personId, account, ...callerOf(doorUrl, token) };
}

/** A ComfyUI with a living worker, as its row tells. */
async function newInstance(id: string, registry: string, personIds: string[] | null = null): Promise<void> {
  const { hash } = await gateway.files.put(Buffer.from(registry), { mediaType: 'application/json', maxBytes: 1e8 });
  const classes = Object.keys(JSON.parse(registry) as object);
  const holder = randomUUID();
  const lease = await acquireInstance(gateway.db, { instanceId: id, holder, leaseMs: 3_600_000, newClientId: holder });
  if (lease === undefined) throw new Error(`${id} is held`);
  await reportInstance(gateway.db, lease, { registry: { hash, classes, models: [`checkpoints/${id}.safetensors`] } });
  if (personIds !== null) await reserveInstance(gateway.db, { actor: 'test', instanceId: id, personIds });
}

const workflowOf = (seed: number) =>
  textToImage({ text: 'a red fox', steps: 2, width: 64, height: 64, prefix: 'd', seed });
const queued = z.object({ prompt_id: z.string(), number: z.number() });
const prompt = async (person: Person, body: object) =>
  queued.parse(await (await person.send('POST', '/prompt', body)).json());
const jobsOf = async (person: Person, query: string) => {
  const answer = await person.get(`/api/jobs?${query}`);
  const schema = z.object({
    jobs: z.array(z.looseObject({ id: z.string(), status: z.string() })),
    pagination: z.object({ offset: z.int(), limit: z.int().nullable(), total: z.int(), has_more: z.boolean() }),
  });
  return schema.parse(await answer.json());
};

const upload = (person: Person, path: string, data: FormData) => person.send('POST', path, data);

describe('uploads', () => {
  it('keep their names as ComfyUI does', async () => {
    const [dot, other] = await Promise.all([picture(red), picture(green)]);
    const send = async (bytes: Buffer, name: string, fields = {}) => {
      const answer = await upload(mei, '/upload/image', form(bytes, name, fields));
      return answer.ok ? z.unknown().parse(await answer.json()) : answer.status;
    };
    expect(await send(dot, 'dot.png')).toEqual({ name: 'dot.png', subfolder: '', type: 'input' });
    expect(await send(dot, 'dot.png')).toMatchObject({ name: 'dot.png' });
    expect(await send(other, 'dot.png')).toMatchObject({ name: 'dot (1).png' });
    expect(await send(dot, 'dot.png', { subfolder: 'refs' })).toMatchObject({ subfolder: 'refs' });
    expect(await send(dot, 'dot.png', { subfolder: '../..' })).toBe(400);
    expect(await send(dot, '../../evil.png')).toBe(400);
    expect(await send(Buffer.from('no picture'), 'broken.png')).toBe(400);
    expect(await send(dot, 'dot.png', { type: 'output' })).toMatchObject({ type: 'input' });
    const info = await (await mei.get('/object_info/LoadImage')).text();
    expect(info).toContain('"refs/dot.png"');
    expect(await (await bo.get('/object_info/LoadImage')).text()).not.toContain('refs/dot.png');
  });

  it('are gone from lists and addresses once their time is over', async () => {
    await upload(bo, '/upload/image', form(await picture({ r: 9, g: 8, b: 7, alpha: 1 }), 'old.png'));
    expect((await bo.get('/view?filename=old.png&type=input')).status).toBe(200);
    const [file] = await gateway.db.sql`select hash from api_files where filename = 'old.png'`;
    await gateway.db.sql`update assets set expires_at = now() where hash = ${String(file?.['hash'])}`;
    expect(await takeExpiredAssets(gateway.db, 10)).toHaveLength(1);
    for (const more of ['', '&preview=webp;75', '&channel=a']) {
      expect((await bo.get(`/view?filename=old.png&type=input${more}`)).status).toBe(404);
    }
    expect(await (await bo.get('/object_info/LoadImage')).text()).not.toContain('old.png');
  });

  it('of a mask put its transparency into the picture that it was painted on', async () => {
    await upload(mei, '/upload/image', form(await picture(green, 16), 'green.png'));
    const ref = JSON.stringify({ filename: 'green.png', subfolder: '', type: 'input' });
    const answer = await upload(mei, '/upload/mask', form(await picture(nothing), 'mask.png', { original_ref: ref }));
    expect(await answer.json()).toEqual({ name: 'mask.png', subfolder: '', type: 'input' });
    const stored = await mei.get('/view?filename=mask.png&type=input');
    const { data, info } = await sharp(Buffer.from(await stored.arrayBuffer()))
      .raw()
      .toBuffer({ resolveWithObject: true });
    expect([info.width, info.channels, [...data.subarray(0, 4)]]).toEqual([16, 4, [0, 255, 0, 0]]);
    const theirs = await upload(bo, '/upload/mask', form(await picture(nothing), 'mask.png', { original_ref: ref }));
    expect(theirs.status).toBe(404);
    expect((await upload(mei, '/upload/mask', form(await picture(nothing), 'm.png'))).status).toBe(400);
  });

  it('are shown as the front end asks for them', async () => {
    await upload(mei, '/upload/image', form(await picture({ ...red, alpha: 0.5 }), 'half.png'));
    const view = async (more: string) => {
      const answer = await mei.get(`/view?filename=half.png&type=input${more}`);
      const { format, channels } = await sharp(Buffer.from(await answer.arrayBuffer())).metadata();
      return [answer.headers.get('content-type'), format, channels];
    };
    expect(await view('')).toEqual(['image/png', 'png', 4]);
    expect(await view('&preview=webp;75')).toEqual(['image/webp', 'webp', 4]);
    expect(await view('&preview=jpeg;300')).toEqual(['image/jpeg', 'jpeg', 3]);
    expect(await view('&channel=rgb')).toEqual(['image/png', 'png', 3]);
    expect(await view('&channel=a')).toEqual(['image/png', 'png', 4]);
    expect((await mei.send('HEAD', '/view?filename=half.png&type=input')).status).toBe(200);
    expect((await bo.get('/view?filename=half.png&type=input')).status).toBe(404);
    expect((await mei.get('/view?filename=')).status).toBe(400);
  });
});

describe('prompts', () => {
  it('are listed with the filters, the order and the pages of ComfyUI', async () => {
    const ann = await newPerson();
    const ids: string[] = [];
    for (const seed of [1, 2, 3]) {
      const extra = { extra_pnginfo: { workflow: { id: `w${seed}` } } };
      ids.push((await prompt(ann, { prompt: workflowOf(seed), extra_data: extra })).prompt_id);
    }
    const idsOf = async (query: string) => (await jobsOf(ann, query)).jobs.map(({ id }) => ids.indexOf(id));
    expect(await idsOf('')).toEqual([2, 1, 0]);
    expect(await idsOf('sort_order=asc&limit=2')).toEqual([0, 1]);
    expect(await jobsOf(ann, 'limit=1&offset=2')).toMatchObject({
      pagination: { total: 3, limit: 1, has_more: false },
    });
    expect(await idsOf('workflow_id=w2')).toEqual([1]);
    const [first] = ids;
    expect(await (await ann.send('POST', `/api/jobs/${first}/cancel`)).json()).toEqual({ cancelled: true });
    expect(await (await bo.send('POST', '/api/jobs/cancel', { job_ids: ids })).json()).toEqual({ cancelled: false });
    await expect.poll(async () => idsOf('status=cancelled')).toEqual([0]);
    expect(await idsOf('status=pending,in_progress')).toEqual([2, 1]);
    await ann.send('POST', '/queue', { clear: true });
    await expect.poll(async () => idsOf('status=pending')).toEqual([]);
    // What never ran is in no history; what failed is.
    expect(await (await ann.get('/history')).json()).toEqual({});
    await gateway.db.sql`update requests set state = 'failed' where person_id = ${ann.personId}`;
    const historyIds = async (query: string) =>
      Object.keys((await (await ann.get(`/history?${query}`)).json()) as object).map((id) => ids.indexOf(id));
    expect(await historyIds('')).toEqual([0, 1, 2]);
    expect(await historyIds('max_items=2')).toEqual([1, 2]);
    expect(await historyIds('max_items=2&offset=0')).toEqual([0, 1]);
    expect(await historyIds('max_items=2&offset=2')).toEqual([2]);
    expect((await ann.get('/api/jobs?limit=0')).status).toBe(400);
    expect((await bo.get(`/api/jobs/${first}`)).status).toBe(404);
  });

  it('are answered as ComfyUI does where the body is bad', async () => {
    const send = async (text: string) => {
      const init = { method: 'POST', body: text, headers: { authorization: `Bearer ${mei.token}` } };
      const answer = await fetch(new URL('/prompt', doorUrl), init);
      return [answer.status, answer.headers.get('content-type'), await answer.text()];
    };
    expect(await send('{')).toEqual([
      500,
      'text/plain; charset=utf-8',
      '500 Internal Server Error\n\nServer got itself in trouble',
    ]);
    expect(await send('[]')).toMatchObject([
      400,
      'application/json; charset=utf-8',
      expect.stringContaining('no_prompt'),
    ]);
    expect(await send('{"prompt":{}}')).toMatchObject([
      400,
      expect.anything(),
      expect.stringContaining('prompt_no_outputs'),
    ]);
  });

  it('leave no trace where a quota refuses them', async () => {
    const once = await newPerson({ limits: { perDay: 1 } });
    await prompt(once, { prompt: workflowOf(1) });
    expect((await once.send('POST', '/prompt', { prompt: workflowOf(2) })).status).toBe(429);
    const rows = await gateway.db.sql`select count(*)::int as n from door_prompts where person_id = ${once.personId}`;
    expect(rows[0]?.['n']).toBe(1);
  });

  it('are refused to a token that may only read', async () => {
    const reader = await newPerson({ scopes: ['read'] });
    expect((await reader.send('POST', '/prompt', { prompt: workflowOf(1) })).status).toBe(403);
    expect((await reader.send('POST', '/settings', { a: 1 })).status).toBe(403);
    expect((await reader.get('/queue')).status).toBe(200);
    const hooks = await newPerson({ scopes: ['webhooks'] });
    expect((await hooks.get('/queue')).status).toBe(403);
  });
});

describe('what is another’s', () => {
  const promptId = randomUUID();
  let own: Person;
  beforeAll(async () => {
    own = await newPerson();
    await prompt(own, { prompt: workflowOf(77), prompt_id: promptId, client_id: 'shared-name' });
    await upload(own, '/upload/image', form(await picture(red), 'secret.png', { subfolder: 'refs' }));
  });

  it.each([
    ['filename=secret.png&subfolder=refs&type=input'],
    ['filename=secret.png&type=input'],
    ['filename=refs/secret.png&type=input'],
    ['filename=refs%2Fsecret.png&type=input'],
    ['filename=secret.png&subfolder=./refs&type=input'],
    ['filename=secret.png&subfolder=x/../refs&type=input'],
    ['filename=secret.png&subfolder=refs&type=output'],
    ['filename=secret.png&subfolder=refs&type=temp'],
    ['filename=secret.png%20[input]&subfolder=refs'],
    ['filename=secret.png&filename=secret.png&subfolder=refs&type=input'],
  ])('is not viewed by %s', async (query) => {
    expect([400, 404]).toContain((await bo.get(`/view?${query}`)).status);
    expect([400, 404]).toContain((await bo.get(`/api/view?${query}&preview=webp;75`)).status);
  });

  it('is not found, stopped, deleted, drawn on or loaded, whatever its names', async () => {
    const socket = await openSocket(doorUrl, '/ws?clientId=shared-name', { authorization: `Bearer ${bo.token}` });
    expect(await (await bo.get(`/history/${promptId}`)).json()).toEqual({});
    expect((await bo.get(`/api/jobs/${promptId}`)).status).toBe(404);
    expect(await (await bo.send('POST', `/api/jobs/${promptId}/cancel`)).json()).toEqual({ cancelled: false });
    expect(await (await bo.send('POST', '/api/jobs/cancel', { job_ids: [promptId] })).json()).toEqual({
      cancelled: false,
    });
    for (const [path, body] of [
      ['/queue', { delete: [promptId] }],
      ['/queue', { clear: true }],
      ['/interrupt', { prompt_id: promptId }],
      ['/interrupt', {}],
      ['/history', { delete: [promptId] }],
      ['/history', { clear: true }],
    ] as const) {
      expect((await bo.send('POST', path, body)).status).toBe(200);
    }
    const reference = JSON.stringify({ filename: 'secret.png', subfolder: 'refs', type: 'input' });
    const painted = form(await picture(nothing), 'mask.png', { original_ref: reference });
    expect((await upload(bo, '/upload/mask', painted)).status).toBe(404);
    const load = { class_type: 'LoadImage', inputs: { image: 'refs/secret.png' } };
    const shown = { class_type: 'PreviewImage', inputs: { images: ['1', 0] } };
    const refused = await bo.send('POST', '/prompt', { prompt: { 1: load, 2: shown } });
    expect([refused.status, await refused.text()]).toEqual([400, expect.not.stringContaining('queued')]);
    // The same id is another prompt for another person.
    expect(await prompt(bo, { prompt: workflowOf(79), prompt_id: promptId })).toMatchObject({ prompt_id: promptId });
    expect((await bo.send('POST', '/queue', { delete: [promptId] })).status).toBe(200);
    const { jobs } = await jobsOf(own, 'status=pending');
    expect(jobs.map(({ id }) => id)).toEqual([promptId]);
    const rows = await gateway.db.sql`
      select r.cancel_requested_at from requests r join door_prompts d on d.request_id = r.id
      where d.prompt_id = ${promptId} and d.person_id = ${own.personId}`;
    expect(rows.map(({ cancelRequestedAt }) => cancelRequestedAt)).toEqual([null]);
    expect(new Set(socket.events.map(({ type }) => type))).toEqual(new Set(['status']));
    await socket.close();
  });
});

describe('reserved servers', () => {
  it('belong to their people’s doors alone, and come first there', async () => {
    const ann = await newPerson();
    const own = JSON.stringify({ ...(JSON.parse(objectInfo) as object), OnlyHere: { input: {}, output: [] } });
    await newInstance('of-ann', own, [ann.personId]);
    const stats = async (person: Person) => {
      const { devices } = z
        .object({ devices: z.array(z.object({ name: z.string() })) })
        .parse(await (await person.get('/system_stats')).json());
      return devices.map(({ name }) => name);
    };
    await expect.poll(() => stats(ann)).toEqual(['of-ann', 'shared']);
    expect(await stats(mei)).toEqual(['shared']);
    expect(await (await ann.get('/object_info/OnlyHere')).text()).toContain('OnlyHere');
    expect(await (await mei.get('/object_info/OnlyHere')).text()).toBe('{}');
    expect(await (await ann.get('/models/checkpoints')).json()).toContain('of-ann.safetensors');
    expect(await (await mei.get('/models/checkpoints')).json()).toEqual(['shared.safetensors']);
    expect(await (await mei.get('/models/loras')).json()).toEqual([]);
  });
});

describe('the policy', () => {
  it('is seen and changed by operators, and counts at the door within seconds', async () => {
    const admin = await gateway.person({ scopes: apiScopeSchema.options });
    const schema = z.object({
      rules: z.array(z.object({ name: z.string(), decidedBy: z.string() })),
      packs: z.array(
        z.object({
          pack: z.string(),
          allowed: z.boolean(),
          classes: z.array(
            z.object({
              name: z.string(),
              allowed: z.boolean(),
              reason: z.string().optional(),
              suspicions: z.array(z.string()),
            }),
          ),
        }),
      ),
    });
    const before = schema.parse(await (await admin.get('/api/v1/policy')).json());
    const classOf = (policy: typeof before, name: string) =>
      policy.packs.flatMap(({ classes }) => classes).find((one) => one.name === name);
    expect(before.packs[0]).toMatchObject({ pack: 'core', allowed: true });
    expect(classOf(before, 'KSampler')).toEqual({ name: 'KSampler', allowed: true, suspicions: [] });
    expect(classOf(before, 'CheckpointSave')).toMatchObject({ allowed: false, suspicions: ['denied_by_default'] });
    const put = (rules: object[]) => admin.send('PUT', '/api/v1/policy?pack=core', { rules });
    const rule = { subject: 'class', name: 'KSampler', decision: 'deny', reason: 'it is Sunday' };
    const after = schema.parse(await (await put([rule])).json());
    expect(after.rules).toMatchObject([{ name: 'KSampler', decidedBy: admin.personId }]);
    expect(classOf(after, 'KSampler')).toMatchObject({ allowed: false, reason: 'it is Sunday' });
    const refused = await mei.send('POST', '/prompt', { prompt: workflowOf(5) });
    expect(await refused.json()).toMatchObject({
      error: { type: 'prompt_not_allowed', details: expect.stringContaining('it is Sunday') },
      node_errors: { '3': { class_type: 'KSampler', errors: [{ type: 'policy_class_not_allowed' }] } },
    });
    await put([]);
    await prompt(mei, { prompt: workflowOf(5) });
    const audited = await gateway.db.sql`select actor from admin_audit where action = 'set_policy'`;
    expect(audited).toHaveLength(2);
    const { token } = await gateway.person();
    expect((await callerOf(gateway.url, token).get('/api/v1/policy')).status).toBe(403);
    expect((await put([{ ...rule, decision: 'maybe' }])).status).toBe(400);
  });
});

describe('what stands before every call', () => {
  const call = (method: string, path: string, headers: Record<string, string>) =>
    fetch(new URL(path, doorUrl), { method, headers: { authorization: `Bearer ${mei.token}`, ...headers } });

  it('refuses pages of other addresses, whatever they show', async () => {
    expect((await call('GET', '/queue', { origin: 'http://evil.example' })).status).toBe(403);
    expect((await call('POST', '/interrupt', { origin: 'null' })).status).toBe(403);
    expect((await call('GET', '/queue', { origin: doorUrl })).status).toBe(200);
    const headers = { authorization: `Bearer ${mei.token}`, origin: 'http://evil.example' };
    await expect(openSocket(doorUrl, '/ws?clientId=a', headers)).rejects.toThrow('403');
  });

  it('answers OPTIONS and HEAD', async () => {
    expect((await call('OPTIONS', '/prompt', {})).status).toBe(200);
    expect((await call('HEAD', '/queue', {})).status).toBe(200);
    expect((await fetch(new URL('/queue', doorUrl), { method: 'HEAD' })).status).toBe(401);
  });

  it('counts calls of each caller', async () => {
    const slow = await newPerson({ limits: { perMinute: 2 } });
    const statuses = [];
    for (let index = 0; index < 3; index++) statuses.push((await slow.get('/queue')).status);
    expect(statuses).toEqual([200, 200, 429]);
  });

  it('shows a person with a browser where to sign in', async () => {
    const answer = await fetch(new URL('/', doorUrl), { headers: { accept: 'text/html' } });
    expect([answer.status, await answer.text()]).toEqual([401, expect.stringContaining('Sign in first')]);
  });
});

describe('sockets', () => {
  const connect = (options: ClientOptions) =>
    new WebSocket(`${doorUrl.replace('http', 'ws')}/ws?clientId=half`, {
      ...options,
      headers: { authorization: `Bearer ${mei.token}` },
    });

  it('end with their token', async () => {
    const { token, tokenId } = await gateway.person();
    const socket = await openSocket(doorUrl, '/ws?clientId=leaver', { authorization: `Bearer ${token}` });
    await revokeApiToken(gateway.db, tokenId);
    expect(await socket.closed).toBe(4401);
  });

  it('of clients that are gone without a word are closed, and others stay', async () => {
    const [gone, here] = [connect({ autoPong: false }), connect({})];
    let pings = 0;
    here.on('ping', () => (pings += 1));
    const code = await new Promise<number>((resolve) => gone.once('close', resolve));
    expect(code).toBe(1006);
    await expect.poll(() => pings).toBeGreaterThan(3);
    expect(here.readyState).toBe(WebSocket.OPEN);
    here.close();
  });

  it('take nothing that is too long, and no nonsense seriously', async () => {
    const socket = connect({});
    await new Promise((resolve) => socket.once('open', resolve));
    for (const text of ['{', '[]', '{"type":"feature_flags","data":5}', '"']) socket.send(text);
    socket.send(Buffer.alloc(10));
    socket.send('x'.repeat(100_000));
    expect(await new Promise<number>((resolve) => socket.once('close', resolve))).toBe(1009);
  });

  it('are answered where they are refused', async () => {
    for (const path of ['/ws', '/elsewhere']) {
      await expect(openSocket(doorUrl, path)).rejects.toThrow(/401|404/);
    }
  });
});

it('refuses whom a chat denies in ComfyUI’s shape, and lets them read on', async () => {
  const eve = await newPerson();
  const { prompt_id: id } = await prompt(eve, { prompt: workflowOf(1) });
  const deny = { door: 'api', scope: 'person', subject: eve.account, command: 'workflow', effect: 'deny' } as const;
  await setAccessRule(gateway.db, { actor: 'test', rule: deny });
  const ask = () => eve.send('POST', '/prompt', { prompt: workflowOf(2) });
  await expect.poll(async () => (await ask()).status, { timeout: 10_000, interval: 200 }).toBe(403);
  expect(await (await ask()).json()).toMatchObject({ error: { type: 'forbidden' }, node_errors: {} });
  expect(JSON.stringify(await (await eve.get('/queue')).json())).toContain(id);
});

describe('what is everybody’s', () => {
  it('is closed, and open to operators', async () => {
    const admin = await newPerson({ scopes: apiScopeSchema.options });
    expect((await mei.get('/internal/logs')).status).toBe(403);
    const log = await admin.get('/internal/logs');
    expect([log.status, typeof (await log.json())]).toEqual([200, 'string']);
    expect((await admin.get('/api/manager/queue/status?all=1')).status).toBe(404);
    expect((await admin.send('POST', '/manager/queue/install', { id: 'x' })).status).not.toBe(403);
    expect((await mei.send('POST', '/manager/queue/install', { id: 'x' })).status).toBe(403);
  });
});

describe('POST /free', () => {
  it('is for operators', async () => {
    const commands: string[] = [];
    const subscription = gateway.bus.answer('workerCommand', { instanceId: 'shared' }, ({ command }) => {
      commands.push(command);
      return Promise.resolve({ ok: true });
    });
    const body = { unload_models: true, free_memory: true };
    expect((await mei.send('POST', '/free', body)).status).toBe(403);
    expect(commands).toEqual([]);
    const admin = await newPerson({ scopes: apiScopeSchema.options });
    await expect.poll(async () => (await admin.send('POST', '/free', body)).status).toBe(200);
    expect(commands).toContain('free_memory');
    await subscription.stop();
  });
});

describe('what the front end keeps', () => {
  it('loses no setting when many are written at once', async () => {
    const keys = Array.from({ length: 12 }, (_, index) => `Comfy.Key${index}`);
    await Promise.all(keys.map((key, index) => mei.send('POST', `/settings/${key}`, index)));
    const settings = z.record(z.string(), z.number()).parse(await (await mei.get('/settings')).json());
    expect(keys.map((key) => settings[key])).toEqual(keys.map((_, index) => index));
    expect((await mei.get(`/userdata/${encodeURIComponent(':settings')}`)).status).toBe(404);
  });

  it('moves a file onto itself and onto others without losing it', async () => {
    const at = (name: string) => encodeURIComponent(`workflows/${name}`);
    await mei.send('POST', `/userdata/${at('a.json')}`, { a: 1 });
    await mei.send('POST', `/userdata/${at('b.json')}`, { b: 1 });
    const move = async (from: string, to: string, more = '') =>
      (await mei.send('POST', `/userdata/${at(from)}/move/${at(to)}${more}`)).status;
    expect(await move('a.json', 'a.json')).toBe(200);
    expect(await (await mei.get(`/userdata/${at('a.json')}`)).json()).toEqual({ a: 1 });
    expect(await move('a.json', 'b.json', '?overwrite=false')).toBe(409);
    expect(await move('a.json', 'b.json')).toBe(200);
    expect(await (await mei.get(`/userdata/${at('b.json')}`)).json()).toEqual({ a: 1 });
    expect((await mei.get(`/userdata/${at('a.json')}`)).status).toBe(404);
    expect(await move('a.json', 'c.json')).toBe(404);
  });
});
