import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createLogger } from '@atelier/shared/log/create-logger';
import {
  startScriptedAnthropic,
  textMessage,
  type ScriptedAnthropic,
  type ScriptedStep,
} from '../../../../tests/support/anthropic/scripted-anthropic.ts';
import { createOfflineWordsPlanner } from '../core/read-words-offline.ts';
import type { WordsInput, WordsPlanner } from '../ports.ts';
import { createClaudeWordsPlanner, type ClaudeWordsPlannerOptions } from './claude-words-planner.ts';

const input: WordsInput = {
  text: '雪地里的红狐狸，竖图，两张',
  language: 'zh',
  pictures: [],
  vocabulary: { recipes: ['text-to-image-sdxl'], families: ['sdxl'], models: ['sd_xl_base_1.0.safetensors'] },
  promptLanguages: ['en'],
};
const goodAnswer = JSON.stringify({ kind: 'picture', prompt: 'a red fox in the snow', aspect: '3:4', count: 2 });
const good = textMessage(goodAnswer);
const signal = (): AbortSignal => new AbortController().signal;
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
let planner: WordsPlanner;

function create(options: Partial<ClaudeWordsPlannerOptions> = {}): WordsPlanner {
  let clock = Date.parse('2026-11-21T12:00:00Z');
  return createClaudeWordsPlanner({
    apiKey: 'key-of-a-test',
    baseUrl: server.url,
    model: 'claude-test',
    effort: 'low',
    timeoutMs: 30_000,
    offline: createOfflineWordsPlanner(),
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

beforeAll(async () => {
  server = await startScriptedAnthropic();
});
beforeEach(() => {
  server.reset();
  waits = [];
  planner = create();
});
afterAll(() => server.close());

/** What the offline planner makes of the same words. */
const offlineWish = { prompt: '雪地里的红狐狸', aspect: '3:4', count: 2 };

/** Reads the words, checks that the offline planner did, and gives what the plan says about it. */
async function fallbackNote(): Promise<string> {
  const reading = await planner.read(input, signal());
  const [note] = reading.notes;
  expect(reading).toEqual({ plan: { kind: 'picture', wish: offlineWish }, written: false, notes: [note] });
  expect(note?.zh).toContain('提示词未翻译');
  return note?.en ?? '';
}

/** What becomes of the good answer. */
const written = {
  plan: { kind: 'picture', wish: { prompt: 'a red fox in the snow', aspect: '3:4', count: 2 } },
  notes: [],
  written: true,
};

describe('an answer', () => {
  test('is translated into a wish; the words travel as data, the instructions are cached', async () => {
    server.script(good);
    expect(await planner.read(input, signal())).toEqual(written);
    const [request] = server.requests;
    expect([request?.headers.authorization, request?.headers['x-api-key']].join(' ')).toContain('key-of-a-test');
    expect(request?.system).toEqual([expect.objectContaining({ cache_control: { type: 'ephemeral' } })]);
    expect(request?.messages).toHaveLength(1);
    expect(JSON.parse(String(request?.messages[0]?.content))).toEqual({
      words: input.text,
      attachments: 0,
      prompt_language: 'English',
      recipes: ['text-to-image-sdxl'],
      models: ['sd_xl_base_1.0.safetensors'],
    });
    expect(JSON.stringify(request?.system)).not.toContain(input.text);
  });

  test('is asked for in Chinese where the model that draws understands it', async () => {
    server.script(textMessage(JSON.stringify({ kind: 'picture', prompt: '雪地里的红狐狸' })));
    await planner.read({ ...input, promptLanguages: ['en', 'zh'] }, signal());
    expect(String(server.requests[0]?.messages[0]?.content)).toContain('"prompt_language":"Chinese"');
  });

  test('may be words', async () => {
    server.script(textMessage(JSON.stringify({ kind: 'reply', reply: '我可以画画。' })));
    expect(await planner.read({ ...input, text: '你觉得什么好看' }, signal())).toMatchObject({
      plan: { kind: 'reply', text: '我可以画画。' },
    });
  });

  test('beyond what is possible is refused with a sentence', async () => {
    server.script(textMessage(JSON.stringify({ kind: 'picture', prompt: 'cats', count: 100 })));
    expect(await planner.read(input, signal())).toMatchObject({
      plan: { kind: 'refused', message: { en: expect.stringContaining('1 to 8') } },
    });
  });

  test('names an operation only beside a picture', async () => {
    const answer = textMessage(JSON.stringify({ kind: 'picture', prompt: 'a fox', operation: 'upscale' }));
    server.script(answer, answer);
    expect((await planner.read(input, signal())).plan).toEqual({ kind: 'picture', wish: { prompt: 'a fox' } });
    const pictures = [{ hash: 'a'.repeat(64), mediaType: 'image/png' }];
    expect((await planner.read({ ...input, pictures }, signal())).plan).toMatchObject({
      wish: { operation: 'upscale' },
    });
  });

  test('arrives in small pieces', async () => {
    server.script(textMessage(goodAnswer, { chunkSize: 1 }));
    expect(await planner.read(input, signal())).toEqual(written);
  });

  test('is not asked for where nothing is to be drawn', async () => {
    expect(await planner.read({ ...input, text: '你好' }, signal())).toMatchObject({
      plan: { kind: 'topic', topic: 'greeting' },
    });
    expect(server.requests).toHaveLength(0);
  });
});

describe('what passes is tried again', () => {
  test('429 with retry-after in seconds waits that long', async () => {
    server.script(error(429, 'rate_limit_error', { headers: { 'retry-after': '7' } }), good);
    expect(await planner.read(input, signal())).toEqual(written);
    expect(waits).toEqual([7_000]);
  });

  test('429 with a date waits until then', async () => {
    server.script(
      error(429, 'rate_limit_error', { headers: { 'retry-after': 'Sat, 21 Nov 2026 12:00:04 GMT' } }),
      good,
    );
    expect(await planner.read(input, signal())).toEqual(written);
    expect(waits).toEqual([4_000]);
  });

  test('529 backs off, twice as long each time', async () => {
    server.script(error(529, 'overloaded_error'), error(529, 'overloaded_error'), good);
    expect(await planner.read(input, signal())).toEqual(written);
    expect(waits).toEqual([500, 1_000]);
  });

  test('a cut stream is asked again', async () => {
    server.script({ kind: 'cut', afterEvents: 4, content: [{ type: 'text', text: goodAnswer }] }, good);
    expect(await planner.read(input, signal())).toEqual(written);
    expect(server.requests).toHaveLength(2);
  });

  test('an overload inside the stream is asked again', async () => {
    server.script(
      { kind: 'stream_error', afterEvents: 3, type: 'overloaded_error', content: [{ type: 'text', text: goodAnswer }] },
      good,
    );
    expect(await planner.read(input, signal())).toEqual(written);
  });

  test('one answer that is no JSON, or does not fit, is asked again', async () => {
    server.script(textMessage('{"kind": "picture", "prompt": "a fo'), good);
    expect(await planner.read(input, signal())).toEqual(written);
    server.script(textMessage('{"kind": "painting"}'), good);
    expect(await planner.read(input, signal())).toEqual(written);
  });
});

describe('what does not pass is read offline, and the plan says why', () => {
  test('429 without retry-after is a limit of money: asked once', async () => {
    server.script(error(429, 'rate_limit_error'));
    expect(await fallbackNote()).toContain('spending limit');
    expect(server.requests).toHaveLength(1);
    expect(waits).toEqual([]);
  });

  test('a spend limit named by its code is not retried, even with retry-after', async () => {
    server.script(
      error(429, 'rate_limit_error', { errorCode: 'enforced_spend_limit_reached', headers: { 'retry-after': '1' } }),
    );
    expect(await fallbackNote()).toContain('spending limit');
    expect(server.requests).toHaveLength(1);
  });

  test('retry-after beyond the time there is', async () => {
    server.script(error(429, 'rate_limit_error', { headers: { 'retry-after': '3600' } }));
    expect(await fallbackNote()).toContain('busy');
    expect(waits).toEqual([]);
  });

  test('529 again and again', async () => {
    server.script(...Array.from({ length: 4 }, () => error(529, 'overloaded_error')));
    expect(await fallbackNote()).toContain('overloaded');
    expect(server.left).toBe(0);
  });

  test('a key that is refused', async () => {
    server.script(error(401, 'authentication_error'));
    expect(await fallbackNote()).toContain('not set up correctly');
    expect(server.requests).toHaveLength(1);
  });

  test('an answer that the model declines', async () => {
    server.script(textMessage('', { stopReason: 'refusal' }));
    expect(await fallbackNote()).toContain('declined');
    expect(server.requests).toHaveLength(1);
  });

  test('nonsense twice', async () => {
    server.script(textMessage('I would rather not.'), textMessage('{}'));
    expect(await fallbackNote()).toContain('no usable answer');
    expect(server.left).toBe(0);
  });

  test('an answer that is cut short by its length', async () => {
    const short = textMessage('{"kind":"picture","prompt":"a red', { stopReason: 'max_tokens' });
    server.script(short, short);
    expect(await fallbackNote()).toContain('no usable answer');
  });

  test('a page of a proxy instead of the API', async () => {
    server.script(
      ...Array.from({ length: 4 }, (): ScriptedStep => ({
        kind: 'raw',
        status: 502,
        contentType: 'text/html',
        body: '<h1>Bad gateway</h1>',
      })),
    );
    expect(await fallbackNote()).toContain('did not answer');
  });

  test('silence', async () => {
    planner = create({ timeoutMs: 150 });
    server.script({ kind: 'hang' });
    expect(await fallbackNote()).toContain('did not answer');
  });

  test('no server at all', async () => {
    planner = create({ baseUrl: 'http://127.0.0.1:9' });
    expect(await fallbackNote()).toContain('did not answer');
    expect(waits).toHaveLength(3);
  });
});

test('an abort ends it, and nothing is read offline', async () => {
  const stop = new AbortController();
  server.script({ kind: 'hang' });
  const reading = planner.read(input, stop.signal);
  while (server.requests.length === 0) await new Promise((resolve) => setImmediate(resolve));
  stop.abort();
  await expect(reading).rejects.toMatchObject({ code: 'unavailable' });
});
