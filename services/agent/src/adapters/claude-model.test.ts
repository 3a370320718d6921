import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createLogger } from '@atelier/shared/log/create-logger';
import {
  startScriptedAnthropic,
  textMessage,
  type ScriptedAnthropic,
  type ScriptedStep,
} from '../../../../tests/support/anthropic/scripted-anthropic.ts';
import { toolMessage } from '../../../../tests/support/anthropic/tool-steps.ts';
import { ModelUnavailable, type ModelCall, type ModelPort, type ModelUsage } from '../loop/model-port.ts';
import { createClaudeModel, type ClaudeModelOptions } from './claude-model.ts';

const call: ModelCall = {
  system: 'You are a test.',
  tools: [{ name: 'look', description: 'looks', inputSchema: { type: 'object', properties: {} } }],
  messages: [{ role: 'user', content: [{ type: 'text', text: 'hello' }] }],
  maxOutputTokens: 100,
  mayUseTools: true,
};
const good = textMessage('Good morning.');
const error = (
  status: number,
  type: string,
  more: Partial<Extract<ScriptedStep, { kind: 'error' }>> = {},
): ScriptedStep => ({
  kind: 'error',
  status,
  type,
  ...more,
});

let server: ScriptedAnthropic;
let waits: number[];
let texts: string[];
let lost: ModelUsage[];

function create(options: Partial<ClaudeModelOptions> = {}): ModelPort {
  let clock = Date.parse('2026-11-21T12:00:00Z');
  return createClaudeModel({
    apiKey: 'key-of-a-test',
    baseUrl: server.url,
    model: 'claude-test',
    effort: 'low',
    timeoutMs: 30_000,
    log: createLogger('agent-test', 'silent'),
    now: () => clock,
    delay: (ms) => {
      waits.push(ms);
      clock += ms;
      return Promise.resolve();
    },
    random: () => 0.5,
    ...options,
  });
}

function nested(depth: number): Record<string, unknown> {
  let value: Record<string, unknown> = {};
  for (let level = 0; level < depth; level++) value = { a: value };
  return value;
}

function ask(port = create(), changes: Partial<ModelCall> = {}, signal = new AbortController().signal) {
  const hooks = {
    onText: (text: string) => void texts.push(text),
    onLost: (usage: ModelUsage) => {
      lost.push(usage);
      return Promise.resolve();
    },
  };
  return port.reply({ ...call, ...changes }, hooks, signal);
}

async function reasonOf(port = create()): Promise<string> {
  const failure: unknown = await ask(port).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  return failure instanceof ModelUnavailable ? failure.reason : `no failure: ${String(failure)}`;
}

beforeAll(async () => {
  server = await startScriptedAnthropic();
});
afterAll(() => server.close());
beforeEach(() => {
  server.reset();
  [waits, texts, lost] = [[], [], []];
});

describe('a reply', () => {
  test('is asked for as the API wants it', async () => {
    server.script(good);
    expect(await ask()).toEqual({
      content: [{ type: 'text', text: 'Good morning.' }],
      stopReason: 'end_turn',
      usage: { inputTokens: 100, outputTokens: 50, cacheReadTokens: 0, cacheWriteTokens: 0 },
    });
    expect(server.requests[0]).toMatchObject({
      model: 'claude-test',
      max_tokens: 100,
      stream: true,
      output_config: { effort: 'low' },
      tool_choice: { type: 'auto' },
      tools: [{ name: 'look', input_schema: { type: 'object' } }],
    });
  });

  test('leaves effort out for models that do not know it, and tools where there are none', async () => {
    server.script(good, good);
    await ask(create({ effort: 'none' }), { mayUseTools: false });
    await ask(create(), { tools: [] });
    expect(server.requests[0]).not.toHaveProperty('output_config');
    expect(server.requests[0]).toMatchObject({ tool_choice: { type: 'none' } });
    expect(server.requests[1]).not.toHaveProperty('tools');
  });

  test('streams its text, whole each time', async () => {
    server.script(textMessage('Good morning.', { chunkSize: 1 }));
    await ask();
    expect(texts.at(0)).toBe('G');
    expect(texts.at(-1)).toBe('Good morning.');
  });

  test('that takes longer than the limit of silence is heard to its end', async () => {
    server.script(textMessage('Good morning.', { chunkSize: 2, eventDelayMs: 40 }));
    expect(await ask(create({ timeoutMs: 300 }))).toMatchObject({ stopReason: 'end_turn' });
  });

  test('uses several tools, each with its arguments', async () => {
    server.script(
      toolMessage(
        [
          ['look', { at: 'a' }],
          ['look', { at: 'b' }],
        ],
        { chunkSize: 3 },
      ),
    );
    const { content, stopReason } = await ask();
    expect(stopReason).toBe('tool_use');
    expect(content).toMatchObject([
      { name: 'look', input: { at: 'a' } },
      { name: 'look', input: { at: 'b' } },
    ]);
  });

  test('without words is one after tools, and none at the beginning', async () => {
    server.script(textMessage(''));
    const messages: ModelCall['messages'] = [
      ...call.messages,
      { role: 'assistant', content: [{ type: 'tool_use', id: 't', name: 'look', input: {} }] },
      {
        role: 'user',
        content: [{ type: 'tool_result', toolUseId: 't', isError: false, content: [{ type: 'text', text: 'x' }] }],
      },
    ];
    expect(await ask(create(), { messages })).toMatchObject({ content: [] });
    server.script(textMessage(''), textMessage(''));
    expect(await reasonOf()).toBe('malformed');
  });
});

describe('what passes is tried again', () => {
  test.each([
    ['7', 7_000],
    ['Sat, 21 Nov 2026 12:00:04 GMT', 4_000],
  ])('429 with retry-after %s', async (retryAfter, waited) => {
    server.script(error(429, 'rate_limit_error', { headers: { 'retry-after': retryAfter } }), good);
    await ask();
    expect(waits).toEqual([waited]);
  });

  test('529, twice as long each time', async () => {
    server.script(error(529, 'overloaded_error'), error(529, 'overloaded_error'), good);
    await ask();
    expect(waits).toEqual([500, 1_000]);
  });

  test('a cut stream, and an error inside one; what they cost is told', async () => {
    const content = [{ type: 'text' as const, text: 'Good evening' }];
    server.script(
      { kind: 'cut', afterEvents: 4, content },
      { kind: 'stream_error', afterEvents: 3, type: 'overloaded_error', content },
      good,
    );
    expect(await ask()).toMatchObject({ content: [{ text: 'Good morning.' }] });
    expect(lost.map(({ inputTokens }) => inputTokens)).toEqual([100, 100]);
  });

  test.each([
    ['an id that nobody keeps', { id: 'a\u0000b' }],
    ['an id twice', { id: 'other' }],
    ['a name that is none', { name: 'look; drop' }],
    ['arguments without end', { input: nested(200) }],
  ])('a use of a tool with %s', async (_what, broken) => {
    const use = { type: 'tool_use' as const, id: 'one', name: 'look', input: {} };
    server.script(
      {
        kind: 'message',
        content: [
          { ...use, ...broken },
          { ...use, id: 'other' },
        ],
      },
      good,
    );
    expect(await ask()).toMatchObject({ stopReason: 'end_turn' });
    expect(lost).toHaveLength(1);
  });

  test('a stream that is no stream', async () => {
    server.script(
      { kind: 'raw', status: 200, contentType: 'text/event-stream', body: 'event: message_start\ndata: {nonsense\n\n' },
      good,
    );
    expect(await ask()).toMatchObject({ stopReason: 'end_turn' });
  });

  test('a page of a proxy, four times', async () => {
    server.script(
      ...Array.from({ length: 4 }, (): ScriptedStep => ({
        kind: 'raw',
        status: 502,
        contentType: 'text/html',
        body: '<h1>Bad gateway</h1>',
      })),
    );
    expect(await reasonOf()).toBe('unreachable');
    expect(server.left).toBe(0);
  });

  test('silence, each time for as long as is allowed', async () => {
    server.script(...Array.from({ length: 4 }, (): ScriptedStep => ({ kind: 'hang' })));
    expect(await reasonOf(create({ timeoutMs: 60 }))).toBe('unreachable');
  });
});

describe('what does not pass is not', () => {
  test.each([
    ['429 without retry-after', error(429, 'rate_limit_error'), 'spend_cap'],
    [
      'a spend limit by its code, even with retry-after',
      error(429, 'rate_limit_error', { errorCode: 'enforced_spend_limit_reached', headers: { 'retry-after': '1' } }),
      'spend_cap',
    ],
    ['402', error(402, 'billing_error'), 'spend_cap'],
    [
      'a wait that nobody waits for',
      error(429, 'rate_limit_error', { headers: { 'retry-after': '3600' } }),
      'rate_limited',
    ],
    ['a key that is refused', error(401, 'authentication_error'), 'misconfigured'],
    ['a model that declines', textMessage('', { stopReason: 'refusal' }), 'declined'],
  ])('%s', async (_name, step, reason) => {
    server.script(step);
    expect(await reasonOf()).toBe(reason);
    expect(server.requests).toHaveLength(1);
    expect(waits).toEqual([]);
  });

  test('no server at all', async () => {
    expect(await reasonOf(create({ baseUrl: 'http://127.0.0.1:9' }))).toBe('unreachable');
    expect(waits).toHaveLength(3);
  });
});

test('an abort ends it, and is no failure of the model', async () => {
  const stop = new AbortController();
  server.script({ kind: 'hang' });
  const reading = ask(create(), {}, stop.signal);
  while (server.requests.length === 0) await new Promise((resolve) => setImmediate(resolve));
  stop.abort();
  await expect(reading).rejects.toMatchObject({ code: 'unavailable' });
});
