import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { acceptedSchema } from '@atelier/gateway/adapters/http/routes/submission-route';
import { jobViewSchema, type JobView } from '@atelier/gateway/core/jobs/job-view';
import { openSocket, type HeardEvent } from '@atelier/gateway/testing/open-socket';
import { callerOf, type TestPerson } from '@atelier/gateway/testing/start-gateway';
import { convertToFrontend } from '@atelier/comfyui/convert/to-frontend';
import { parseRegistry } from '@atelier/comfyui/registry/parse-registry';
import { createSimulator } from '@atelier/comfyui-sim/create-simulator';
import { textToImage } from '@atelier/comfyui-sim/testing/sample-workflows';
import type { Database } from '@atelier/shared/db/connect-database';
import { createSignInLink } from '@atelier/shared/db/gateway/sign-in';
import { createAccountWithToken, type AccountWithToken } from '../support/account-with-token.ts';
import { openDatabase } from '../support/open-database.ts';
import {
  startScriptedAnthropic,
  textMessage,
  type ScriptedAnthropic,
} from '../support/anthropic/scripted-anthropic.ts';
import { launchBrowser } from '../support/browser.ts';
import { findBrowser } from '../support/find-browser.ts';
import { metricsOf } from '../support/metrics-of.ts';
import { startPlatform, type Platform } from '../support/platform.ts';
import { untilSeen } from '../support/until-seen.ts';

const simulator = createSimulator({ port: 0, speed: 1, serviceTimeMs: () => 200 });
const hasBrowser = findBrowser(process.env) !== undefined;
let comfyuiUrl = '';
let anthropic: ScriptedAnthropic;
let platform: Platform;
let db: Database;
let mei: AccountWithToken;
let caller: Pick<TestPerson, 'token' | 'get' | 'send'>;

beforeAll(async () => {
  const [{ url }, model] = await Promise.all([simulator.start(), startScriptedAnthropic()]);
  comfyuiUrl = url;
  anthropic = model;
  platform = await startPlatform({
    comfyuiUrl: url,
    services: ['agent', 'comfy-worker', 'gateway'],
    env: {
      ATELIER_WEBHOOK_PRIVATE_TARGETS: 'true',
      ATELIER_METRICS_PORT: '0',
      ANTHROPIC_API_KEY: 'test-key',
      ANTHROPIC_BASE_URL: anthropic.url,
    },
  });
  db = openDatabase(platform.databaseUrl);
  mei = await createAccountWithToken(db);
  caller = callerOf(platform.gatewayUrl, mei.secret);
});
afterEach(() => simulator.clearFaults());
afterAll(async () => {
  await db?.close();
  await platform?.stop();
  await Promise.all([simulator.stop(), anthropic?.close()]);
});

async function ask(request: unknown, clientId = 'test'): Promise<string> {
  const answer = await caller.send('POST', '/api/v1/jobs', { client_id: clientId, request });
  expect(answer.status).toBe(202);
  return acceptedSchema.parse(await answer.json()).prompt_id;
}
const listen = (clientId: string, lastEventId?: string) => {
  const query = lastEventId === undefined ? '' : `?last_event_id=${lastEventId}`;
  return openSocket(platform.gatewayUrl, `/api/v1/ws/${clientId}${query}`, { authorization: `Bearer ${caller.token}` });
};
const about = (type: string, id: string) => (event: HeardEvent) =>
  event.type === type && event.data['prompt_id'] === id;
const jobOf = (event: HeardEvent): JobView => jobViewSchema.parse(event.data['job']);
const picture = (prompt: string) => ({ kind: 'imagine', options: { prompt, width: 256, height: 256 } });

async function readAs<T>(schema: z.ZodType<T>, path: string): Promise<T> {
  const answer = await caller.get(path);
  if (!answer.ok) throw new Error(`${path} answered ${answer.status}`);
  return schema.parse(await answer.json());
}

function untilEnded(id: string): Promise<JobView> {
  return untilSeen(async () => {
    const job = await readAs(jobViewSchema, `/api/v1/jobs/${id}`);
    return job.finishedAt === undefined ? undefined : job;
  });
}

const fileSchema = z.object({ filename: z.string(), subfolder: z.string(), type: z.string(), hash: z.string() });
const historySchema = z.looseObject({
  prompt_id: z.string(),
  status: z.object({ status_str: z.string(), completed: z.boolean() }),
  outputs: z.record(z.string(), z.object({ images: z.array(fileSchema) })),
});
const imagesSchema = z.object({ images: z.array(z.looseObject({ hash: z.string(), bytes: z.number() })) });
const listedSchema = z.object({ files: z.array(z.looseObject({ name: z.string() })) });
const workflow = (seed: number) =>
  textToImage({ text: 'a red fox in snow', steps: 4, width: 128, height: 96, prefix: 'rest', seed });

async function inFrontendFormat(seed: number): Promise<unknown> {
  const registry = parseRegistry(await (await fetch(new URL('/object_info', comfyuiUrl))).text());
  return convertToFrontend(workflow(seed), registry).workflow;
}

/** Everything that goes over NATS, as its server sees it. */
async function overhear(nc: NatsConnection): Promise<{ subject: string; traceparent: string }[]> {
  const heard: { subject: string; traceparent: string }[] = [];
  const prefix = `${platform.natsPrefix}.`;
  nc.subscribe(`${prefix}>`, {
    callback(_error, { subject, headers }) {
      heard.push({ subject: subject.slice(prefix.length), traceparent: headers?.get('traceparent') ?? '' });
    },
  });
  await nc.flush();
  return heard;
}

describe('the gateway', () => {
  it('takes a program from its words to its picture, and tells it all on the way', async () => {
    const socket = await listen('studio');
    const id = await ask(picture('a lighthouse'), 'studio');
    const result = jobOf(await socket.until(about('result', id), 40_000));
    expect(result).toMatchObject({ status: 'succeeded', progress: 1 });
    for (const type of ['submit', 'status', 'executing', 'progress', 'executed']) {
      expect(socket.events.filter(about(type, id)).map((event) => event.type)).toContain(type);
    }
    expect(socket.frames.length).toBeGreaterThan(0);
    const [output] = result.outputs;
    const got = await caller.get(output?.url ?? '');
    expect([got.status, got.headers.get('content-type')]).toEqual([200, 'image/png']);
    expect((await got.arrayBuffer()).byteLength).toBe(output?.bytes);
    const named = await caller.get(`/api/v1/images/download?filename=${encodeURIComponent(output?.filename ?? '')}`);
    expect((await named.arrayBuffer()).byteLength).toBe(output?.bytes);
    const history = await caller.get(`/api/v1/workflows/${id}/history`);
    expect(await history.json()).toMatchObject({ status: { status_str: 'success', completed: true } });
    const recipes = z.object({ recipes: z.array(z.looseObject({ id: z.string() })) });
    expect(recipes.parse(await (await caller.get('/api/v1/recipes')).json()).recipes.length).toBeGreaterThan(3);
    const nodes = z.object({ nodes: z.array(z.looseObject({ class: z.string() })) });
    const found = nodes.parse(await (await caller.get('/api/v1/nodes?query=ksampler')).json());
    expect(found.nodes.map((node) => node.class)).toContain('KSampler');
    const models = await (await caller.get('/api/v1/models?folder=checkpoints')).json();
    expect(JSON.stringify(models)).toContain('.safetensors');
    await socket.close();
  });

  it.each([
    ['API format', async () => workflow(5)],
    ['the format of the front end', () => inFrontendFormat(6)],
  ])('runs a workflow in %s to its files, its history and its images', async (_name, made) => {
    const body = { workflow: await made(), client_id: 'flow' };
    const answer = await caller.send('POST', '/api/v1/workflows/submit', body);
    expect(answer.status).toBe(202);
    const accepted = acceptedSchema.parse(await answer.json());
    expect(accepted.number).toBeGreaterThan(0);
    expect(accepted.waiting?.startsInSeconds?.high).toBeGreaterThanOrEqual(0);
    const id = accepted.prompt_id;
    expect(await untilEnded(id)).toMatchObject({ status: 'succeeded', kind: 'workflow' });
    const history = await readAs(historySchema, `/api/v1/workflows/${id}/history`);
    expect(history).toMatchObject({ prompt_id: id, status: { status_str: 'success', completed: true } });
    const files = Object.values(history.outputs).flatMap(({ images }) => images);
    expect(files).toMatchObject([{ subfolder: id, type: 'output' }]);
    const { images } = await readAs(imagesSchema, `/api/v1/workflows/${id}/images`);
    expect(images.map(({ hash }) => hash)).toEqual(files.map(({ hash }) => hash));
    const { filename = '', subfolder = '', type = '' } = files[0] ?? {};
    const query = new URLSearchParams({ filename, subfolder, type });
    const file = await caller.get(`/api/v1/images/download?${query.toString()}`);
    expect((await file.arrayBuffer()).byteLength).toBe(images[0]?.bytes);
    const { files: newest } = await readAs(listedSchema, '/api/v1/images?type=output&limit=1');
    expect(newest).toMatchObject([{ name: filename, subfolder: id, type: 'output', image: { hash: images[0]?.hash } }]);
  });

  it('draws a storyboard, one picture a shot, and one of its shots again', async () => {
    const shots = [
      { shotId: 'one', prompt: 'a fox wakes' },
      { shotId: 'two', prompt: 'a fox runs' },
    ];
    const answer = await caller.send('POST', '/api/v1/shots', { shots, options: { width: 256, height: 256 } });
    expect(answer.status).toBe(202);
    const { prompt_id: id } = acceptedSchema.parse(await answer.json());
    const job = await untilEnded(id);
    expect(job).toMatchObject({ status: 'succeeded', kind: 'shots' });
    expect(job.outputs.map(({ picture: index }) => index)).toEqual([0, 1]);
    const again = await caller.send('POST', `/api/v1/jobs/${id}/retry`, { shotIds: ['two'] });
    expect(again.status).toBe(202);
    const retried = await untilEnded(acceptedSchema.parse(await again.json()).prompt_id);
    expect(retried).toMatchObject({ status: 'succeeded', outputs: [{ picture: 0 }] });
    expect(retried.outputs).toHaveLength(1);
  });

  it('carries the trace of a request through every message about it', async () => {
    const nc = await connect({ servers: platform.natsUrl });
    try {
      const heard = await overhear(nc);
      const answer = await caller.send('POST', '/api/v1/jobs', { request: picture('traced') });
      const { prompt_id: id } = acceptedSchema.parse(await answer.json());
      const trace = id.replaceAll('-', '');
      expect(answer.headers.get('traceparent')).toMatch(new RegExp(`^00-${trace}-[0-9a-f]{16}-01$`));
      await untilEnded(id);
      const ofIt = heard.filter(({ subject, traceparent }) => subject.includes(id) || traceparent.includes(trace));
      expect(ofIt.filter(({ traceparent }) => !traceparent.startsWith(`00-${trace}-`))).toEqual([]);
      for (const kind of ['requests.v1.submitted', 'events.v1.request.', 'events.v1.job.', 'live.v1.progress.']) {
        expect(ofIt.map(({ subject }) => subject).filter((subject) => subject.startsWith(kind))).not.toEqual([]);
      }
    } finally {
      await nc.close();
    }
  });

  it('counts what the language model costs, and the waits that it asks for', async () => {
    anthropic.script(
      { kind: 'error', status: 429, type: 'rate_limit_error', headers: { 'retry-after': '0.05' } },
      textMessage('I draw foxes best.', { usage: { input_tokens: 1_000, output_tokens: 200 } }),
    );
    const id = await ask({ kind: 'words', text: 'how are things going today?' });
    expect(await untilEnded(id)).toMatchObject({ status: 'replied' });
    const [agent, gateway] = await Promise.all([
      metricsOf(platform.service('agent')),
      metricsOf(platform.service('gateway')),
    ]);
    expect(agent.value('atelier_rate_limit_stalls_total', { platform: 'claude' })).toBe(1);
    expect(agent.value('atelier_rate_limit_stall_seconds_total', { platform: 'claude' })).toBeGreaterThan(0);
    expect(agent.value('atelier_model_retries_total', { reason: 'rate_limited' })).toBe(1);
    expect(agent.value('atelier_model_replies_total', { outcome: 'used' })).toBe(1);
    expect(agent.value('atelier_model_tokens_total', { kind: 'input' })).toBe(1_000);
    expect(agent.value('atelier_model_tokens_total', { kind: 'output' })).toBe(200);
    expect(agent.value('atelier_model_dollars_total')).toBeGreaterThan(0);
    expect(gateway.value('atelier_today', { what: 'inputTokens' })).toBe(1_000);
    expect(gateway.value('atelier_today', { what: 'outputTokens' })).toBe(200);
    expect(gateway.value('atelier_today', { what: 'dollars' })).toBe(agent.value('atelier_model_dollars_total'));
  });

  it('stops what runs when it is interrupted, and says where the rest stands', async () => {
    simulator.inject({ kind: 'hold' });
    const socket = await listen('stopper');
    const first = await ask(picture('one'), 'stopper');
    await socket.until(about('executing', first), 20_000);
    const second = await ask(picture('two'), 'stopper');
    const status = z.object({ queue_remaining: z.int(), mine: z.array(z.looseObject({ prompt_id: z.string() })) });
    const queue = status.parse(await (await caller.get('/api/v1/queue/status')).json());
    expect(queue.mine.map(({ prompt_id: id }) => id).toSorted()).toEqual([first, second].toSorted());
    expect((await caller.send('POST', '/api/v1/workflows/interrupt', {})).status).toBe(202);
    expect(jobOf(await socket.until(about('result', first), 20_000)).status).toBe('cancelled');
    simulator.clearFaults('hold');
    expect(jobOf(await socket.until(about('result', second), 20_000)).status).toBe('succeeded');
    await socket.close();
  });

  it('is killed while work goes on: the socket comes back to the result, and the webhook is told', async () => {
    const told: string[] = [];
    const receiver: Server = createServer((request, response) => {
      told.push(String(request.headers['webhook-id']));
      request.resume().on('end', () => response.writeHead(204).end());
    });
    await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
    try {
      const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`;
      expect((await caller.send('POST', '/api/v1/webhooks', { url, events: ['job.succeeded'] })).status).toBe(201);
      const socket = await listen('killed');
      simulator.inject({ kind: 'hold' });
      const id = await ask(picture('three'), 'killed');
      await socket.until(about('executing', id), 20_000);
      const { lastId } = socket;
      await platform.kill('gateway');
      await socket.closed;
      await platform.start('gateway');
      simulator.clearFaults('hold');
      const back = await listen('killed', lastId);
      expect(jobOf(await back.until(about('result', id), 20_000)).status).toBe('succeeded');
      await expect.poll(() => told.length, { timeout: 15_000 }).toBeGreaterThan(0);
      expect(new Set(told).size).toBe(1);
      await back.close();
    } finally {
      await new Promise((resolve) => receiver.close(resolve));
    }
  });

  it.runIf(hasBrowser)(
    'signs a browser in by the link from the chat; its pages need nothing from elsewhere',
    async () => {
      const browser = await launchBrowser();
      if (browser === undefined) throw new Error('a browser was found and does not start');
      try {
        const context = await browser.newContext();
        const page = await context.newPage();
        const faults: string[] = [];
        const foreign: string[] = [];
        page.on('pageerror', (error) => faults.push(error.message));
        page.on('console', (message) => {
          if (message.type() === 'error') faults.push(message.text());
        });
        page.on('request', (request) => {
          const { protocol, origin } = new URL(request.url());
          if (protocol.startsWith('http') && origin !== platform.gatewayUrl) foreign.push(request.url());
        });
        const link = await createSignInLink(db, mei.personId);
        await page.goto(link?.url ?? '');
        expect(page.url()).toBe(`${platform.gatewayUrl}/sign-in`);
        await page.getByRole('button', { name: 'Sign in' }).click();
        await page.getByText('Signed in as Mei').waitFor();
        const me = await page.evaluate(async () => (await fetch('/api/v1/me')).json());
        expect(me).toMatchObject({ personId: mei.personId, kind: 'session' });
        const asked = await page.evaluate(async () => {
          const request = { kind: 'imagine', options: { prompt: 'from the browser' } };
          const body = JSON.stringify({ request });
          const headers = { 'content-type': 'application/json' };
          return (await fetch('/api/v1/jobs', { method: 'POST', headers, body })).status;
        });
        expect(asked).toBe(202);
        await page.goto(`${platform.gatewayUrl}/redoc`);
        await page.getByRole('heading', { name: 'Errors' }).waitFor();
        expect(faults).toEqual([]);
        await page.goto(`${platform.gatewayUrl}/docs/`);
        await page.getByRole('heading', { name: 'Atelier' }).first().waitFor({ timeout: 20_000 });
        // Used once: the same link signs nobody else in.
        const other = await (await browser.newContext()).newPage();
        await other.goto(link?.url ?? '');
        await other.getByRole('button', { name: 'Sign in' }).click();
        await other.getByText('was used or is too old').waitFor();
        expect(foreign).toEqual([]);
      } finally {
        await browser.close();
      }
    },
  );
});
