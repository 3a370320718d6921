import { request } from 'node:http';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSimulator } from '../create-simulator.ts';
import type { Simulator } from '../create-simulator.ts';

let simulator: Simulator;
let url: string;
const errors: unknown[] = [];

beforeAll(async () => {
  simulator = createSimulator({ version: '0.38.0', controls: true, onError: (error) => errors.push(error) });
  url = (await simulator.start()).url;
});

afterAll(() => simulator.stop());

/** Sends a request as it stands: `fetch` would tidy the path. */
function send(method: string, path: string, body: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = request(
      url,
      { method, path, headers: { 'content-type': 'multipart/form-data; boundary=x' } },
      (answer) => {
        answer.resume();
        answer.on('end', () => resolve(answer.statusCode ?? 0));
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });
}

/** Asks for an upgrade and gives the status with which it is refused. */
function upgrade(path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { path, headers: { connection: 'Upgrade', upgrade: 'websocket' } }, (answer) => {
      answer.resume();
      resolve(answer.statusCode ?? 0);
    });
    sent.on('error', reject);
    sent.end();
  });
}

it.each(['//', '//?clientId=x', '/%zz', 'http://[', '/ws2', '*'])('refuses an upgrade at %s', async (path) => {
  expect(await upgrade(path)).toBe(404);
  expect(errors).toEqual([]);
});

it.each([
  ['"12abc"', 500],
  ['null', 500],
  ['" 1_0.5 "', 400],
  ['true', 400],
])('reads the number %s as Python does', async (number, status) => {
  expect(await send('POST', '/prompt', `{"number": ${number}}`)).toBe(status);
});

const postPaths = [
  '/prompt',
  '/queue',
  '/history',
  '/interrupt',
  '/free',
  '/upload/image',
  '/upload/mask',
  '/api/jobs/cancel',
  '/sim/faults',
  '/nope',
];
const keys = fc.constantFrom(
  'prompt',
  'delete',
  'clear',
  'prompt_id',
  'number',
  'front',
  'client_id',
  'extra_data',
  'job_ids',
  'partial_execution_targets',
  '__proto__',
  'unload_models',
  '1',
);
const { value: body } = fc.letrec<{ value: unknown; node: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom(null, true, 0, -1.5, '', 'x', '../../etc', 1e308),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(keys, fc.oneof(tie('value'), tie('node')), { maxKeys: 4 }),
  ),
  node: fc.record({ class_type: fc.constantFrom('SaveImage', 'KSampler', 'nope', '__proto__'), inputs: tie('value') }),
}));

describe('hostile requests', () => {
  it('get an answer of the protocol, whatever the body', async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...postPaths), body, fc.boolean(), async (path, value, isCut) => {
        const text = JSON.stringify(value) ?? 'NaN';
        const status = await send('POST', path, isCut ? text.slice(0, -1) : text);
        expect([200, 400, 404, 405, 500]).toContain(status);
      }),
      { seed: 6, numRuns: 250 },
    );
    expect(errors).toEqual([]);
    expect(await send('GET', '/queue', '')).toBe(200);
  });

  it('read no file outside the folders', async () => {
    const part = fc.constantFrom(
      '..',
      '%2e%2e',
      '/',
      '%2f',
      '\\',
      '%5c',
      'etc',
      'passwd',
      '%00',
      'a.png',
      '[output]',
      ' ',
      '.',
    );
    await fc.assert(
      fc.asyncProperty(fc.array(part, { maxLength: 6 }), fc.array(part, { maxLength: 4 }), async (name, subfolder) => {
        const status = await send(
          'GET',
          `/view?filename=${encodeURI(name.join(''))}&subfolder=${encodeURI(subfolder.join(''))}&type=input`,
          '',
        );
        expect([400, 403, 404]).toContain(status);
      }),
      { seed: 7, numRuns: 200 },
    );
    expect(await send('GET', '/%zz', '')).toBe(400);
    expect(errors).toEqual([]);
  });
});
