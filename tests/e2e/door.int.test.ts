import { randomUUID } from 'node:crypto';
import { CallWrapper, ComfyApi, PromptBuilder } from '@saintno/comfyui-sdk';
import { Client } from '@stable-canvas/comfyui-client';
import sharp from 'sharp';
import { Client as McpClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { z } from 'zod';
import { createSimulator } from '@atelier/comfyui-sim/create-simulator';
import { textToImage } from '@atelier/comfyui-sim/testing/sample-workflows';
import type { Database } from '@atelier/shared/db/connect-database';
import { forgetOldPreviews } from '@atelier/shared/db/gateway/forget-old-previews';
import { createAccountWithToken } from '../support/account-with-token.ts';
import { openDatabase } from '../support/open-database.ts';
import { startPlatform, type Platform } from '../support/platform.ts';
import { untilSeen } from '../support/until-seen.ts';

let runMs = 0;
const simulator = createSimulator({ port: 0, speed: 1, serviceTimeMs: () => runMs });
let platform: Platform;
let db: Database;
let mei: string;
let bo: string;
const open: (() => void | Promise<void>)[] = [];

beforeAll(async () => {
  const { url } = await simulator.start();
  platform = await startPlatform({
    comfyuiUrl: url,
    services: ['gateway', 'agent', 'comfy-worker'],
    env: { ATELIER_DOOR_FRONTEND_URL: url },
  });
  db = openDatabase(platform.databaseUrl);
  const people = await Promise.all([createAccountWithToken(db, 'Mei'), createAccountWithToken(db, 'Bo')]);
  [mei, bo] = [people[0].secret, people[1].secret];
});
afterEach(async () => {
  runMs = 0;
  simulator.clearFaults();
  for (const close of open.splice(0).toReversed()) await close();
});
afterAll(async () => {
  await db?.close();
  await platform?.stop();
  await simulator.stop();
});

function workflowOf(seed = 1, prefix = 'door') {
  const workflow = textToImage({ text: 'a red fox in snow', steps: 4, width: 128, height: 96, prefix, seed });
  return Object.fromEntries(
    Object.entries(workflow).map(([id, node]) => [id, { ...node, _meta: { title: node.class_type } }]),
  );
}

function authorized(token: string, given: RequestInit['headers']): Headers {
  const headers = new Headers(given);
  headers.set('authorization', `Bearer ${token}`);
  return headers;
}

const call = (token: string, path: string, init: RequestInit = {}): Promise<Response> =>
  fetch(new URL(path, platform.doorUrl), { ...init, headers: authorized(token, init.headers) });
const post = (token: string, path: string, body: unknown): Promise<Response> =>
  call(token, path, { method: 'POST', body: JSON.stringify(body) });

const queuedSchema = z.object({ prompt_id: z.string(), number: z.number(), node_errors: z.object({}) });
const queueSchema = z.object({
  queue_running: z.array(z.array(z.unknown())),
  queue_pending: z.array(z.array(z.unknown())),
});
const historySchema = z.record(
  z.string(),
  z.object({
    outputs: z.record(
      z.string(),
      z.object({ images: z.array(z.object({ filename: z.string(), subfolder: z.string(), type: z.string() })) }),
    ),
    status: z.object({
      status_str: z.string(),
      completed: z.boolean(),
      messages: z.array(z.tuple([z.string(), z.looseObject({})])),
    }),
  }),
);

const resultSchema = z.object({
  isError: z.boolean().optional(),
  content: z.array(z.object({ type: z.string(), text: z.string().optional() })),
});

/** What a client's socket hears. */
async function listen(token: string, clientId: string) {
  const socket = new WebSocket(`${platform.doorUrl.replace('http', 'ws')}/ws?clientId=${clientId}`, {
    headers: { authorization: `Bearer ${token}` },
  });
  const heard: { type: string; data: Record<string, unknown> }[] = [];
  const frames: Buffer[] = [];
  socket.on('message', (data, isBinary) => {
    const bytes = data as Buffer;
    if (isBinary) frames.push(bytes);
    else heard.push(JSON.parse(bytes.toString()) as (typeof heard)[number]);
  });
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
  open.push(() => socket.close());
  return { socket, heard, frames };
}

const historyOf = (token: string, promptId: string) =>
  untilSeen(async () => historySchema.parse(await (await call(token, `/history/${promptId}`)).json())[promptId]);

describe('public clients with only the address and a token changed', () => {
  it('@saintno/comfyui-sdk makes a picture', async () => {
    const api = new ComfyApi(platform.doorUrl, 'saintno', { credentials: { type: 'bearer_token', token: mei } });
    open.push(() => api.destroy());
    await api.init().waitForReady();
    expect(await api.getCheckpoints()).toContain('sd_xl_base_1.0.safetensors');
    const builder = new PromptBuilder(workflowOf(), ['seed'], ['images'])
      .setRawInputNode('seed', '3.inputs.seed')
      .setOutputNode('images', '9')
      .input('seed', 42);
    const result = await new Promise<{ images?: { images?: { filename: string; subfolder: string }[] } }>(
      (resolve, reject) => {
        new CallWrapper(api, builder)
          .onFinished((data) => resolve(data as never))
          .onFailed(reject)
          .run()
          .catch(reject);
      },
    );
    const [image] = result.images?.images ?? [];
    const file = await api.getImage({
      filename: image?.filename ?? '',
      subfolder: image?.subfolder ?? '',
      type: 'output',
    });
    const { format, width, height } = await sharp(Buffer.from(await file.arrayBuffer())).metadata();
    expect([format, width, height]).toEqual(['png', 128, 96]);
  });

  it('@stable-canvas/comfyui-client makes a picture', async () => {
    const fetchAuthorized: typeof fetch = (input, init) =>
      fetch(input, { ...init, headers: authorized(mei, init?.headers) });
    class AuthorizedSocket extends WebSocket {
      constructor(address: string) {
        super(address, { headers: { authorization: `Bearer ${mei}` } });
      }
    }
    const client = new Client({
      api_host: new URL(platform.doorUrl).host,
      clientId: 'stable-canvas',
      WebSocket: AuthorizedSocket,
      fetch: fetchAuthorized,
    });
    open.push(() => client.close());
    await client.connect();
    expect(await client.getSDModels()).toContain('dreamshaper_8.safetensors');
    const result = await client.enqueue(workflowOf(7));
    const files = result.images.flatMap((image) => (image.type === 'url' ? [image.data] : []));
    expect(files).toHaveLength(1);
    const bytes = Buffer.from(await (await fetchAuthorized(files[0] ?? '')).arrayBuffer());
    expect((await sharp(bytes).metadata()).width).toBe(128);
  });
});

describe('a prompt', () => {
  it('is told from its start to its end, in the order of ComfyUI, to its client alone', async () => {
    runMs = 600;
    const mine = await listen(mei, 'editor');
    const other = await listen(mei, 'another tab');
    const foreign = await listen(bo, 'editor');
    mine.socket.send(JSON.stringify({ type: 'feature_flags', data: { supports_preview_metadata: true } }));
    const answer = queuedSchema.parse(
      await (await post(mei, '/prompt', { prompt: workflowOf(11), client_id: 'editor' })).json(),
    );
    const id = answer.prompt_id;
    const types = () => mine.heard.filter(({ data }) => data['prompt_id'] === id).map(({ type }) => type);
    await untilSeen(() =>
      mine.heard.some(({ type, data }) => type === 'executing' && data['node'] === null) ? true : undefined,
    );
    expect(types().slice(0, 2)).toEqual(['execution_start', 'execution_cached']);
    expect(types().slice(-3)).toEqual(['executed', 'execution_success', 'executing']);
    expect(types()).toContain('progress');
    expect(mine.heard.some(({ type }) => type === 'feature_flags')).toBe(true);
    expect(JSON.stringify([other.heard, foreign.heard])).not.toContain(id);
    const entry = await historyOf(mei, id);
    expect(entry.status).toMatchObject({ status_str: 'success', completed: true });
    expect(entry.status.messages.map(([type]) => type)).toEqual([
      'execution_start',
      'execution_cached',
      'execution_success',
    ]);
    const [image] = entry.outputs['9']?.images ?? [];
    const query = new URLSearchParams(image);
    expect((await call(mei, `/view?${query.toString()}`)).headers.get('content-type')).toBe('image/png');
    expect((await call(bo, `/view?${query.toString()}`)).status).toBe(404);
    expect(await (await call(bo, `/history/${id}`)).json()).toEqual({});
  });

  it('keeps its own id and every digit, and is the same when it is sent again', async () => {
    const promptId = randomUUID();
    const text = JSON.stringify({ prompt: workflowOf(5), prompt_id: promptId }).replace(
      '"seed":5',
      '"seed":18446744073709551615',
    );
    const send = () => call(mei, '/prompt', { method: 'POST', body: text });
    const [first, second] = [
      queuedSchema.parse(await (await send()).json()),
      queuedSchema.parse(await (await send()).json()),
    ];
    expect(first).toEqual(second);
    expect(first.prompt_id).toBe(promptId);
    await historyOf(mei, promptId);
    expect(await (await call(mei, `/history/${promptId}`)).text()).toContain('18446744073709551615');
    const rows = await db.sql`select count(*)::int as n from door_prompts where prompt_id = ${promptId}`;
    expect(rows[0]?.['n']).toBe(1);
  });

  it('that ComfyUI would refuse is refused in its words, and nothing is queued', async () => {
    const workflow = workflowOf();
    const broken = { ...workflow, '3': { ...workflow['3'], inputs: { ...workflow['3']?.inputs, steps: 'many' } } };
    const answer = await post(mei, '/prompt', { prompt: broken });
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({
      error: { type: 'prompt_outputs_failed_validation' },
      node_errors: { '3': { class_type: 'KSampler', errors: [{ type: 'invalid_input_type' }] } },
    });
    const [noPrompt, noJson] = [
      await post(mei, '/prompt', {}),
      await call(mei, '/prompt', { method: 'POST', body: '{' }),
    ];
    expect([noPrompt.status, noJson.status]).toEqual([400, 500]);
  });

  it('of which a part may not run here runs without it; whole, it is refused with the reason', async () => {
    const hostile = {
      '20': { class_type: 'LoadImage', inputs: { image: '../../etc/passwd' } },
      '21': { class_type: 'PreviewImage', inputs: { images: ['20', 0] } },
    };
    expect((await post(mei, '/prompt', { prompt: hostile })).status).toBe(400);
    const answer = await post(mei, '/prompt', { prompt: { ...workflowOf(9), ...hostile } });
    const { prompt_id: id } = z.looseObject({ prompt_id: z.string() }).parse(await answer.json());
    expect(Object.keys((await historyOf(mei, id)).outputs)).toEqual(['9']);
    const closed = {
      '1': { class_type: 'CheckpointLoaderSimple', inputs: { ckpt_name: 'sd_xl_base_1.0.safetensors' } },
      '2': { class_type: 'CLIPSave', inputs: { clip: ['1', 1], filename_prefix: 'x' } },
    };
    const refused = await post(mei, '/prompt', { prompt: closed });
    expect([refused.status, await refused.text()]).toEqual([400, expect.stringContaining('it writes model files')]);
    const rows = await db.sql`select count(*)::int as n from jobs where workflow_text like '%etc/passwd%'`;
    expect(rows[0]?.['n']).toBe(0);
  });

  it('is deleted, or interrupted, by its author alone', async () => {
    simulator.inject({ kind: 'hold' });
    const submit = async (seed: number): Promise<string> => {
      const answer = await post(mei, '/api/prompt', { prompt: workflowOf(seed), client_id: 'stops' });
      return queuedSchema.parse(await answer.json()).prompt_id;
    };
    const queueOf = async (token: string) => queueSchema.parse(await (await call(token, '/queue')).json());
    const running = await submit(21);
    await untilSeen(async () => ((await queueOf(mei)).queue_running[0]?.[1] === running ? true : undefined));
    const waiting = await submit(22);
    expect((await queueOf(bo)).queue_running).toEqual([]);
    const length = z.object({ exec_info: z.object({ queue_remaining: z.number() }) });
    expect(length.parse(await (await call(bo, '/prompt')).json()).exec_info.queue_remaining).toBeGreaterThan(0);
    await post(bo, '/queue', { delete: [waiting] });
    await post(bo, '/interrupt', { prompt_id: running });
    await post(bo, '/interrupt', {});
    expect((await queueOf(mei)).queue_pending[0]?.[1]).toBe(waiting);
    await post(mei, '/queue', { delete: [waiting] });
    await post(mei, '/interrupt', {});
    await untilSeen(async () => {
      const { queue_running: now, queue_pending: next } = await queueOf(mei);
      return now.length + next.length === 0 ? true : undefined;
    });
    const entry = await historyOf(mei, running);
    expect(entry.status.messages.at(-1)?.[0]).toBe('execution_interrupted');
    await post(mei, '/history', { delete: [running] });
    expect(await (await call(mei, `/history/${running}`)).json()).toEqual({});
  });
});

describe('files and parts of a workflow', () => {
  const imageWorkflow = (image: string) => ({
    '1': { class_type: 'LoadImage', inputs: { image } },
    '2': { class_type: 'ImageInvert', inputs: { image: ['1', 0] } },
    '3': { class_type: 'SaveImage', inputs: { images: ['2', 0], filename_prefix: 'inverted' } },
    '4': { class_type: 'PreviewImage', inputs: { images: ['1', 0] } },
  });

  it('an uploaded picture is loaded, and only the outputs that are named run', async () => {
    const white = await sharp({ create: { width: 64, height: 64, channels: 3, background: '#ffffff' } })
      .png()
      .toBuffer();
    const form = new FormData();
    form.set('image', new Blob([new Uint8Array(white)]), 'white.png');
    const { name } = z
      .object({ name: z.string() })
      .parse(await (await call(mei, '/upload/image', { method: 'POST', body: form })).json());
    const body = { prompt: imageWorkflow(name), partial_execution_targets: ['3'] };
    expect((await post(bo, '/prompt', body)).status).toBe(400);
    const { prompt_id: id } = queuedSchema.parse(await (await post(mei, '/prompt', body)).json());
    const entry = await historyOf(mei, id);
    expect(Object.keys(entry.outputs)).toEqual(['3']);
    const query = new URLSearchParams(entry.outputs['3']?.images[0]);
    const result = await call(mei, `/view?${query.toString()}`);
    const { dominant } = await sharp(Buffer.from(await result.arrayBuffer())).stats();
    expect(Math.max(dominant.r, dominant.g, dominant.b)).toBeLessThan(64);
  });

  it('a workflow of which one output is wrong runs without it, and says so', async () => {
    const prompt = {
      ...workflowOf(31),
      '50': { class_type: 'SaveImage', inputs: { images: ['99', 0], filename_prefix: 'x' } },
    };
    const schema = z.object({ prompt_id: z.string(), node_errors: z.record(z.string(), z.unknown()) });
    const answer = schema.parse(await (await post(mei, '/prompt', { prompt })).json());
    expect(Object.keys(answer.node_errors)).toEqual(['50']);
    const entry = await historyOf(mei, answer.prompt_id);
    expect([entry.status.status_str, Object.keys(entry.outputs)]).toEqual(['success', ['9']]);
  });
});

describe('a preview node', () => {
  it('shows what it shows in ComfyUI, to its person alone and only there, for a while', async () => {
    const saved = workflowOf(91, 'shown');
    const [imageNode] = Object.entries(saved).flatMap(([id, node]) => (node.class_type === 'VAEDecode' ? [id] : []));
    const preview = { class_type: 'PreviewImage', inputs: { images: [imageNode, 0] } };
    const { prompt_id: promptId } = queuedSchema.parse(
      await (await post(mei, '/prompt', { prompt: { ...saved, '90': preview } })).json(),
    );
    const { outputs } = await historyOf(mei, promptId);
    expect(Object.values(outputs).flatMap(({ images }) => images.map(({ type }) => type))).toEqual(['output', 'temp']);
    const [shown] = outputs['90']?.images ?? [];
    const view = `/view?${new URLSearchParams({ ...shown }).toString()}`;
    expect((await call(mei, view)).headers.get('content-type')).toBe('image/png');
    expect((await call(bo, view)).status).toBe(404);
    const [request] = await db.sql`select request_id as id from door_prompts where prompt_id = ${promptId}`;
    const job = await fetch(new URL(`/api/v1/jobs/${String(request?.['id'])}`, platform.gatewayUrl), {
      headers: { authorization: `Bearer ${mei}` },
    });
    expect(await job.json()).toMatchObject({ outputs: [{ nodeId: expect.not.stringMatching(/^90$/) }] });
    expect(await forgetOldPreviews(db, 0)).toBeGreaterThan(0);
    expect((await call(mei, view)).status).toBe(404);
    expect(Object.keys((await historyOf(mei, promptId)).outputs)).not.toContain('90');
  });
});

describe('a client that comes back', () => {
  it('under the same id hears the rest of its run, also when its old socket closes later', async () => {
    simulator.inject({ kind: 'hold', nodeClass: 'VAEDecode' });
    const before = await listen(mei, 'returning');
    const { prompt_id: id } = queuedSchema.parse(
      await (await post(mei, '/prompt', { prompt: workflowOf(41), client_id: 'returning' })).json(),
    );
    await untilSeen(() => before.heard.some(({ type }) => type === 'executing') || undefined);
    const after = await listen(mei, 'returning');
    before.socket.close();
    simulator.clearFaults('hold');
    await untilSeen(
      () => after.heard.some(({ type, data }) => type === 'executing' && data['node'] === null) || undefined,
    );
    const types = after.heard.filter(({ data }) => data['prompt_id'] === id).map(({ type }) => type);
    expect(types[0]).toBe('executing');
    expect(types.slice(-3)).toEqual(['executed', 'execution_success', 'executing']);
    expect(after.heard[0]).toEqual({
      type: 'status',
      data: { sid: 'returning', status: { exec_info: { queue_remaining: 1 } } },
    });
  });
});

describe('the tool protocol', () => {
  it('runs the agent’s tools for the person of the token, and the queue treats the work like any', async () => {
    const client = new McpClient({ name: 'test', version: '1' });
    const headers = { authorization: `Bearer ${mei}` };
    const url = new URL('/mcp', platform.gatewayUrl);
    await client.connect(new StreamableHTTPClientTransport(url, { requestInit: { headers } }));
    open.push(() => client.close());
    expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['run', 'draft', 'edit', 'search', 'jobs', 'look', 'server']),
    );
    const use = async (name: string, given: object, key?: string) => {
      const answer = resultSchema.parse(
        await client.callTool({
          name,
          arguments: { ...given },
          ...(key === undefined ? {} : { _meta: { idempotencyKey: key } }),
        }),
      );
      return { ...answer, text: answer.content.flatMap(({ text }) => text ?? []).join('\n') };
    };
    const make = { make: { prompt: 'a red fox in snow', width: 256, height: 256, steps: 4 } };
    const made = await use('run', make, 'one fox');
    expect(made).toMatchObject({ text: expect.stringContaining('Queued as') });
    expect((await use('run', make, 'one fox')).text).toBe(made.text);
    const id = /Queued as ([0-9a-f-]{36})/.exec(made.text)?.[1] ?? '';
    const job = await untilSeen(async () => {
      const answer = await fetch(new URL(`/api/v1/jobs/${id}`, platform.gatewayUrl), { headers });
      const found = z.object({ status: z.string() }).parse(await answer.json());
      return ['succeeded', 'failed'].includes(found.status) ? found : undefined;
    });
    expect(job.status).toBe('succeeded');
    const looked = await use('look', { pictures: [`#${id.slice(0, 8)}.1`] });
    expect(looked.content.map(({ type }) => type)).toContain('image');
    const rows = await db.sql`select place from requests where id = ${id}`;
    expect(rows[0]?.['place']).toMatchObject({ door: 'api', threadId: 'mcp' });
  });
});

describe('what the front end keeps', () => {
  it('belongs to each person alone', async () => {
    const path = `/userdata/${encodeURIComponent('workflows/fox.json')}`;
    expect(await (await post(mei, `${path}?overwrite=false`, { nodes: [] })).json()).toBe('workflows/fox.json');
    expect((await post(mei, `${path}?overwrite=false`, { nodes: [] })).status).toBe(409);
    expect(await (await call(mei, '/userdata?dir=workflows')).json()).toEqual(['fox.json']);
    expect((await call(bo, path)).status).toBe(404);
    expect((await call(bo, '/userdata?dir=workflows')).status).toBe(404);
    await post(mei, '/settings', { 'Comfy.Locale': 'zh' });
    expect(await (await call(mei, '/settings')).json()).toEqual({ 'Comfy.Locale': 'zh' });
    expect(await (await call(bo, '/settings')).json()).toEqual({});
    const moved = `/userdata/${encodeURIComponent('workflows/fox.json')}/move/${encodeURIComponent('workflows/owl.json')}`;
    expect((await post(mei, moved, undefined)).status).toBe(200);
    expect(await (await call(mei, '/userdata?dir=workflows')).json()).toEqual(['owl.json']);
  });

  it.each([
    '/userdata/..%2f..%2fetc%2fpasswd',
    '/userdata/%2e%2e/x',
    '/view?filename=..%2f..%2fx.png',
    '/assets/..%2f..%2finternal/logs',
  ])('%s leads nowhere', async (path) => {
    expect([400, 403, 404]).toContain((await call(mei, path)).status);
  });
});

describe('doors of ComfyUI that are closed', () => {
  it.each(['/internal/logs', '/manager/queue', '/customnode/install', '/free', '/api/internal/logs'])(
    '%s',
    async (path) => {
      expect((await call(mei, path)).status).toBe(403);
    },
  );

  it('need a token, whatever is asked', async () => {
    for (const path of ['/', '/queue', '/object_info', '/view?filename=a.png']) {
      expect((await fetch(new URL(path, platform.doorUrl))).status).toBe(401);
    }
  });
});
