import { pino } from 'pino';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { createSimulator } from '@atelier/comfyui-sim/create-simulator';
import { createDatabase } from '@atelier/shared/db/connect-database';
import { createAccount } from '@atelier/shared/db/gateway/api-accounts';
import { createApiToken, usualScopes } from '@atelier/shared/db/gateway/api-tokens';
import { shapeDifferences } from '../conformance/json-shape.ts';
import { loadTranscripts, type HttpCall, type SocketMessage, type Transcript } from '../conformance/transcript.ts';
import { startPlatform, type Platform } from '../support/platform.ts';
import { untilSeen } from '../support/telegram/until-seen.ts';

/**
 * What a client recorded at ComfyUI 0.8.0, sent to the door: settings, users, files of the front end, models, queue,
 * history, jobs, uploads and socket. Answers have the same status and shape, except for what is listed here.
 */
const differences: { call: RegExp; at: RegExp; why: string }[] = [
  { call: /^GET \/system_stats/, at: /^response\.system\./, why: 'several servers may stand behind the door' },
  { call: /^GET \/system_stats/, at: /^response\.devices\.0\.index/, why: 'devices are counted over all servers' },
  { call: /^GET \/features/, at: /^response\.extension/, why: 'the manager is closed' },
  { call: /^GET \/view_metadata/, at: /^status/, why: 'files of the server are closed, whether they are there or not' },
  { call: /^GET \/internal/, at: /^status/, why: 'the log is everybody’s' },
  { call: /^POST \/free/, at: /./, why: 'only operators free everybody’s memory' },
  { call: /^POST \/api\/jobs\/.*\/cancel/, at: /./, why: 'the door cancels as later versions do' },
];

const isFull = process.env['ATELIER_TEST_FULL'] === '1';
const scenarios = [
  'rest-read-only',
  'txt2img-cold',
  // What its looks find depends on how quickly they come.
  ...(isFull ? ['queue-order'] : []),
  'interrupt-running',
  'uploads',
  'bad-bodies',
  'jobs-api',
];
/** Values that mean something; all others may differ. */
const words = new Set(['success', 'error', 'completed', 'pending', 'in_progress', 'input', 'output', 'temp']);

let runMs = 0;
const simulator = createSimulator({ port: 0, speed: 1, inventory: 'recorded', serviceTimeMs: () => runMs });
let platform: Platform;
let token = '';
const used = new Set<RegExp>();

beforeAll(async () => {
  const { url } = await simulator.start();
  platform = await startPlatform({
    comfyuiUrl: url,
    services: ['gateway', 'agent', 'comfy-worker'],
    env: { ATELIER_DOOR_FRONTEND_URL: url },
  });
  const log = pino({ level: 'silent' });
  const db = createDatabase({ url: platform.databaseUrl, poolSize: 1, applicationName: 'test', log });
  const { account } = await createAccount(db, { displayName: 'Mei', language: 'en' });
  token = (await createApiToken(db, { account, name: 'test', scopes: usualScopes, expiresAt: undefined })).secret;
  await db.close();
});
afterAll(async () => {
  await platform?.stop();
  await simulator.stop();
});

async function send(recorded: HttpCall, upload: FormData | undefined): Promise<HttpCall> {
  const { body } = recorded;
  const answer = await fetch(new URL(recorded.path.replaceAll(' ', '%20'), platform.doorUrl), {
    method: recorded.method,
    headers: { authorization: `Bearer ${token}` },
    ...(upload === undefined ? {} : { body: upload }),
    ...(upload !== undefined || body === undefined
      ? {}
      : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const type = answer.headers.get('content-type') ?? '';
  const text = await answer.text();
  const response: unknown = type.startsWith('application/json') ? JSON.parse(text) : text;
  return { method: recorded.method, path: recorded.path, status: answer.status, content_type: type, response };
}

/** Differences that nothing explains, with the calls that they are in. */
function unexplained(recorded: HttpCall, answered: HttpCall): string[] {
  const call = `${recorded.method} ${recorded.path}`;
  const found = [
    ...(recorded.status === answered.status ? [] : [`status: ${recorded.status}, ${answered.status}`]),
    ...(recorded.status === answered.status
      ? shapeDifferences(recorded.response, answered.response, 'response', words)
      : []),
  ];
  return found
    .filter((line) => {
      const known = differences.find((one) => one.call.test(call) && one.at.test(line));
      if (known !== undefined) used.add(known.call);
      return known === undefined;
    })
    .map((line) => `${call}: ${line}`);
}

/** The uploads of the recorder, of which only the answers were kept. */
async function uploads(): Promise<FormData[]> {
  const dot = async (background: string): Promise<Buffer> =>
    sharp({ create: { width: 8, height: 8, channels: 4, background } })
      .png()
      .toBuffer();
  const [red, blue] = [await dot('#ff0000'), await dot('#0000ff')];
  const form = (bytes: Buffer, filename: string, fields: Record<string, string> = {}): FormData => {
    const data = new FormData();
    data.set('image', new Blob([new Uint8Array(bytes)], { type: 'image/png' }), filename);
    for (const [name, value] of Object.entries(fields)) data.set(name, value);
    return data;
  };
  return [
    form(red, 'dot.png'),
    form(red, 'dot.png'),
    form(blue, 'dot.png'),
    form(red, 'dot.png', { subfolder: 'refs' }),
    form(red, 'dot.png', { subfolder: '../..' }),
    form(red, '../../evil.png'),
    form(blue, 'mask.png', { original_ref: JSON.stringify({ filename: 'dot.png', subfolder: '', type: 'input' }) }),
  ];
}

async function socketOf(clientId: string): Promise<{ heard: SocketMessage[]; close: () => void }> {
  const address = `${platform.doorUrl.replace('http', 'ws')}/ws?clientId=${clientId}`;
  const socket = new WebSocket(address, { headers: { authorization: `Bearer ${token}` } });
  const heard: SocketMessage[] = [];
  socket.on('message', (data: Buffer, isBinary: boolean) => {
    if (!isBinary) heard.push(JSON.parse(data.toString('utf8')) as SocketMessage);
  });
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
  socket.send(JSON.stringify({ type: 'feature_flags', data: { supports_preview_metadata: true } }));
  return { heard, close: () => socket.close() };
}

function idOf({ response }: HttpCall): string | undefined {
  if (typeof response !== 'object' || response === null || !('prompt_id' in response)) return undefined;
  return String(response.prompt_id);
}

async function replay(transcript: Transcript): Promise<{ wrong: string[]; heard: SocketMessage[] }> {
  const ids = new Map<string, string>();
  const forms = transcript.name === 'uploads' ? await uploads() : [];
  const wrong: string[] = [];
  const socket = await socketOf('recorder');
  const translated = <T>(value: T): T => {
    let text = JSON.stringify(value);
    for (const [recorded, own] of ids) text = text.replaceAll(recorded, own);
    return JSON.parse(text) as T;
  };
  for (const entry of transcript.entries) {
    if (!('call' in entry)) continue;
    const wanted = translated(entry.call);
    // A stop hits what runs: there must be something.
    if (wanted.path === '/interrupt') await untilRunning();
    const upload = wanted.multipart === true ? forms.shift() : undefined;
    let answered = await send(wanted, upload);
    const [recordedId, ownId] = [idOf(entry.call), idOf(answered)];
    if (recordedId !== undefined && ownId !== undefined) ids.set(recordedId, ownId);
    const expected = translated(entry.call);
    if (expected.method === 'GET') {
      // It is the state of a queue: what was seen at once in the recording may come a moment later here.
      answered = await settled(expected, answered);
    }
    wrong.push(...unexplained(expected, answered));
  }
  if (ids.size > 0) {
    await untilSeen(
      () => socket.heard.some(({ type, data }) => type === 'executing' && data['node'] === null) || undefined,
    );
  }
  socket.close();
  return { wrong, heard: socket.heard };
}

async function settled(expected: HttpCall, first: HttpCall): Promise<HttpCall> {
  const until = performance.now() + 6_000;
  let answered = first;
  while (unexplained(expected, answered).length > 0 && performance.now() < until) {
    await new Promise((resolve) => setTimeout(resolve, 60));
    answered = await send(expected, undefined);
  }
  return answered;
}

async function untilRunning(): Promise<void> {
  const queue: HttpCall = { method: 'GET', path: '/queue', status: 200, content_type: '', response: '' };
  await untilSeen(async () => {
    const { response } = (await send(queue, undefined)) as { response: { queue_running: unknown[] } };
    return response.queue_running.length > 0 || undefined;
  });
}

describe('a session that was recorded at ComfyUI 0.8.0', () => {
  const transcripts = loadTranscripts('0.8.0');
  const recorded = new Map<string, SocketMessage>();
  /** What the socket heard of `txt2img-cold`. */
  const drawing: string[] = [];

  it.each(scenarios)('%s is answered in the same shapes', async (name) => {
    runMs = { 'queue-order': 2_500, 'interrupt-running': 6_000, 'jobs-api': 2_000 }[name] ?? 200;
    const transcript = transcripts.find((one) => one.name === name);
    if (transcript === undefined) throw new Error(`${name} was not recorded`);
    const { wrong, heard } = await replay(transcript);
    expect(wrong).toEqual([]);
    for (const entry of transcript.entries) if ('message' in entry) recorded.set(keyOf(entry.message), entry.message);
    const odd = heard.flatMap((message) => {
      const known = recorded.get(keyOf(message));
      // Other nodes, and other features.
      return known === undefined ? [] : shapeDifferences(withoutNodes(known), withoutNodes(message), message.type);
    });
    expect(odd).toEqual([]);
    if (name === 'txt2img-cold') drawing.push(...heard.map(({ type }) => type));
  });

  it('hears of a picture as ComfyUI tells of it', () => {
    const types = ['status', 'feature_flags', 'execution_start', 'execution_cached', 'executing', 'executed'];
    expect(drawing).toEqual(expect.arrayContaining(types));
    const words = drawing.filter((type) => !type.startsWith('progress'));
    const end = words.indexOf('execution_success');
    expect(words.slice(end, end + 3)).toEqual(['execution_success', 'status', 'executing']);
  });

  it('differs nowhere but where it is listed, and the list is no longer than needed', () => {
    expect(differences.filter(({ call }) => !used.has(call)).map(({ call, why }) => `${call.source}: ${why}`)).toEqual(
      [],
    );
  });
});

/** Messages of one type can have several shapes. */
function keyOf({ type, data }: SocketMessage): string {
  return `${type} ${'sid' in data ? 'first' : ''} ${type === 'executing' && data['node'] === null ? 'none' : ''}`;
}

function withoutNodes(message: SocketMessage | undefined): unknown {
  if (message === undefined) return undefined;
  const { nodes: _nodes, extension: _extension, executed: _executed, ...data } = message.data;
  const { output: _output, ...rest } = data;
  return rest;
}
