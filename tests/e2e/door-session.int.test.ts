import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createSimulator } from '@atelier/comfyui-sim/create-simulator';
import { shapeDifferences } from '../conformance/json-shape.ts';
import {
  promptIdOf,
  sendRecorded,
  translateIds,
  uploadsOf,
  type RecordedUpload,
} from '../conformance/recorded-call.ts';
import { connectRecordingSocket } from '../conformance/recording-socket.ts';
import { loadTranscripts, type HttpCall, type SocketMessage, type Transcript } from '../conformance/transcript.ts';
import { createAccountWithToken } from '../support/account-with-token.ts';
import { openDatabase } from '../support/open-database.ts';
import { startPlatform, type Platform } from '../support/platform.ts';
import { untilSeen } from '../support/until-seen.ts';

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

const scenarios = [
  'rest-read-only',
  'txt2img-cold',
  'queue-order',
  'interrupt-running',
  'uploads',
  'bad-bodies',
  'jobs-api',
];
/** Values that mean something; all others may differ. */
const words = new Set(['success', 'error', 'completed', 'pending', 'in_progress', 'input', 'output', 'temp']);

const queueSchema = z.object({ queue_running: z.array(z.unknown()) });
/** What a scenario may wait for, in all: less than a test may take, so that it says what it waited for in vain. */
const scenarioMs = 20_000;

const simulator = createSimulator({ port: 0, speed: 1, inventory: 'recorded', serviceTimeMs: () => 200 });
let platform: Platform;
let token = '';
const used = new Set<RegExp>();

beforeAll(async () => {
  const { url } = await simulator.start();
  platform = await startPlatform({
    comfyuiUrl: url,
    services: ['gateway', 'agent', 'comfy-worker'],
    // A run that is held gives no sign of life.
    env: { ATELIER_DOOR_FRONTEND_URL: url, WORKER_SILENCE_SECONDS: '3600' },
  });
  const db = openDatabase(platform.databaseUrl);
  token = (await createAccountWithToken(db)).secret;
  await db.close();
});
afterAll(async () => {
  await platform?.stop();
  await simulator.stop();
});

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

/** Sends the calls of a recording. @returns what was answered otherwise, and what the socket heard. */
async function replay(transcript: Transcript): Promise<{ wrong: string[]; heard: SocketMessage[] }> {
  const deadline = performance.now() + scenarioMs;
  const headers = { authorization: `Bearer ${token}` };
  const send = (call: HttpCall, upload?: RecordedUpload): Promise<HttpCall> =>
    sendRecorded(platform.doorUrl, call, upload, headers);
  const ids = new Map<string, string>();
  const uploads = transcript.name === 'uploads' ? await uploadsOf(transcript.name) : [];
  const wrong: string[] = [];
  const socket = await connectRecordingSocket(platform.doorUrl, 'recorder', true, headers);
  // What ran at a call in the recording runs at that call here too, however long the calls take.
  simulator.inject({ kind: 'hold' });
  try {
    for (const entry of transcript.entries) {
      if (!('call' in entry)) {
        if ('message' in entry && entry.message.type === 'execution_success') simulator.clearFaults('hold');
        continue;
      }
      const wanted = translateIds(entry.call, ids);
      let answered = await send(wanted, wanted.multipart === true ? uploads.shift() : undefined);
      const [recordedId, ownId] = [promptIdOf(entry.call), promptIdOf(answered)];
      if (recordedId !== undefined && ownId !== undefined) {
        ids.set(recordedId, ownId);
        // ComfyUI starts the first prompt at once; here another that comes meanwhile could be picked before it.
        await untilRunning(send, deadline);
      }
      const expected = translateIds(entry.call, ids);
      // It is the state of a queue: what was seen at once in the recording may come a moment later here.
      while (expected.method === 'GET' && unexplained(expected, answered).length > 0 && performance.now() < deadline) {
        await new Promise((resolve) => setTimeout(resolve, 60));
        answered = await send(expected);
      }
      wrong.push(...unexplained(expected, answered));
    }
    const heard = (): SocketMessage[] => socket.events.flatMap((event) => ('message' in event ? [event.message] : []));
    if (ids.size > 0 && wrong.length === 0) {
      await socket.until(
        () => heard().some(({ type, data }) => type === 'executing' && data['node'] === null),
        'the end of a run',
        deadline - performance.now(),
      );
    }
    return { wrong, heard: heard() };
  } finally {
    simulator.clearFaults('hold');
    await socket.close();
  }
}

async function untilRunning(send: (call: HttpCall) => Promise<HttpCall>, deadline: number): Promise<void> {
  const queue: HttpCall = { method: 'GET', path: '/queue', status: 200, content_type: '', response: '' };
  let seen: HttpCall = queue;
  await untilSeen(
    async () => {
      seen = await send(queue);
      return queueSchema.parse(seen.response).queue_running.length > 0 || undefined;
    },
    { what: 'a run', state: () => JSON.stringify(seen.response), withinMs: deadline - performance.now() },
  );
}

describe('a session that was recorded at ComfyUI 0.8.0', () => {
  const transcripts = loadTranscripts('0.8.0');
  const recorded = new Map<string, SocketMessage>();
  /** What the socket heard of `txt2img-cold`. */
  const drawing: string[] = [];

  it.each(scenarios)('%s is answered in the same shapes', async (name) => {
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
