import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anyCharacter } from '@atelier/comfyui/testing/any-character';
import { requestBodySchema, type RequestBody } from '@atelier/shared/contracts/request';
import { AppError } from '@atelier/shared/errors/app-error';
import { checkCall } from './check-call.ts';
import { parseChatText } from './parse-chat-text.ts';
import { mergeOptions, readDrawingOptions } from './read-drawing-options.ts';
import { validatePrompt } from './validate-prompt.ts';

/** A line as the request that it makes; of other commands, the call. */
function read(line: string): { kind: 'request'; body: RequestBody } | { kind: string } {
  const parsed = parseChatText(line);
  if (parsed.kind === 'words') {
    const { text, options } = parsed;
    const body: RequestBody = { kind: 'words', text, ...(Object.keys(options).length === 0 ? {} : { options }) };
    return { kind: 'request', body };
  }
  const checked = checkCall(parsed.call);
  if (checked.command !== 'imagine') return { kind: checked.command };
  const prompt = validatePrompt(checked.text('prompt') ?? '');
  return { kind: 'request', body: { kind: 'imagine', options: { prompt, ...readDrawingOptions(checked.values) } } };
}

/** The sentence that a refused text gets, in both languages. */
function refusal(text: string): { en: string; zh: string } {
  try {
    read(text);
  } catch (error) {
    if (error instanceof AppError && error.code === 'invalid_input') return error.publicMessage;
    throw error;
  }
  throw new Error(`accepted: ${text}`);
}

/** Throws where the parser breaks, or makes what its contract does not allow. */
function verdictOf(text: string): string {
  try {
    const command = read(text);
    if ('body' in command) requestBodySchema.parse(command.body);
    return 'fits';
  } catch (error) {
    if (error instanceof AppError && error.code === 'invalid_input') return 'refused';
    throw error;
  }
}

describe('parseChatText', () => {
  it('hands plain words to the agent', () => {
    expect(read('  a red fox in snow, portrait, 2 images ')).toEqual({
      kind: 'request',
      body: { kind: 'words', text: 'a red fox in snow, portrait, 2 images' },
    });
  });

  it.each([
    '/imagine a red fox --ar 3:4 --seed 7 --n 4 --no text, watermark',
    '／imagine a red fox —ar 3：4 ——seed ７ --n=4 --no text, watermark',
    '/画 a red fox --比例 3比4 --种子 7 --数量：4 --不要 text, watermark',
    '/imagine@atelier_bot a red fox --AR 3x4 －－seed 7 --count 4 --negative text, watermark',
    '/imagine --ar 3:4 a red --n 4 fox --seed 07 --no text, watermark',
  ])('reads every form of the options: %s', (text) => {
    expect(read(text)).toEqual({
      kind: 'request',
      body: {
        kind: 'imagine',
        options: { prompt: 'a red fox', aspect: '3:4', seed: '7', count: 4, negative: 'text, watermark' },
      },
    });
  });

  it('takes options beside plain words, and lets them win over a form', () => {
    const parsed = parseChatText('a fox --ar 竖');
    const options = parsed.kind === 'words' ? mergeOptions({ width: 512, height: 512, count: 2 }, parsed.options) : {};
    expect(parsed).toMatchObject({ kind: 'words', text: 'a fox' });
    expect(options).toEqual({ aspect: '3:4', count: 2 });
  });

  it('leaves dashes of ordinary writing alone', () => {
    const text = 'a fox — wild, 3—4 years old —very calm, e-mail';
    expect(read(text)).toMatchObject({ body: { text } });
  });

  it.each([
    ['/queue', 'queue'],
    ['/队列', 'queue'],
    ['／取消', 'cancel'],
    ['/cancel', 'cancel'],
    ['/help me', 'help'],
    ['/start', 'help'],
  ])('%s is %s', (text, kind) => {
    expect(read(text)).toEqual({ kind });
  });

  it.each([
    [
      '/workflow run portrait --set steps=30; prompt=a fox, in snow',
      'workflow',
      'run',
      { name: 'portrait', set: 'steps=30; prompt=a fox, in snow' },
    ],
    ['/工作流 设置 portrait steps=30', 'workflow', 'set', { name: 'portrait', set: 'steps=30' }],
    [
      '/prefer set cine, cinematic light --ar 16:9',
      'prefer',
      'set',
      { name: 'cine', words: 'cinematic light --ar 16:9' },
    ],
    ['/偏好 保存 电影 电影感光线 --比例 16:9', 'prefer', 'set', { name: '电影', words: '电影感光线 --比例 16:9' }],
    ['/prefer', 'prefer', 'list', {}],
    ['/settings --language zh --private', 'settings', 'mine', { language: 'zh', private: true }],
    ['/admin priority 1f6c2a9b 5', 'admin', 'priority', { job: '1f6c2a9b', level: '5' }],
    ['/admin', 'admin', 'status', {}],
    [
      '/edit make it night --job #1f6c2a9b --picture ２',
      'edit',
      undefined,
      { prompt: 'make it night', job: '#1f6c2a9b', picture: '2' },
    ],
    ['/history a fox', 'history', undefined, { search: 'a fox' }],
    ['/history', 'history', undefined, {}],
    ['/link abcd-efgh', 'link', undefined, { code: 'abcd-efgh' }],
    [
      '/imagine a fox --model "my model.safetensors" --private 否',
      'imagine',
      undefined,
      { prompt: 'a fox', model: 'my model.safetensors', private: false },
    ],
  ])('reads %j', (text, command, subcommand, values) => {
    expect(parseChatText(text)).toEqual({
      kind: 'call',
      call: { command, values, ...(subcommand === undefined ? {} : { subcommand }) },
    });
  });

  it.each([
    ['/workflow fly', /run, add, list/],
    ['/queue please', /takes no words/],
    ['/usage --weeks 3', /no option --weeks/],
  ])('refuses %j', (text, sentence) => {
    expect(refusal(text).en).toMatch(sentence);
  });

  it('does not take a path or a fraction for a command', () => {
    expect(read('1/2 of an apple')).toMatchObject({ body: { kind: 'words' } });
    expect(read('/home/fox as a sign')).toMatchObject({ body: { text: '/home/fox as a sign' } });
  });

  it.each([
    ['', /Say what you want to see/],
    [' \n ', /Say what you want to see/],
    ['/imagine', /Say what you want to see/],
    ['/imagine --ar 3:4', /Say what you want to see/],
    ['x'.repeat(4_001), /4001 characters/],
    ['x'.repeat(20_000), /20000 characters/],
    ['a fox\u0000', /control characters/],
    ['a fox\u009b1m', /control characters/],
    ['a fox \ud800', /control characters/],
    ['/imagine a fox --n 0', /1 to 8 pictures/],
    ['/imagine a fox --n 1000', /1 to 8 pictures/],
    ['/imagine a fox --n two', /1 to 8 pictures/],
    ['/imagine a fox --ar 0:1', /aspect/],
    ['/imagine a fox --ar 90:1', /aspect/],
    ['/imagine a fox --size 1x1', /size/],
    ['/imagine a fox --size 99999x99999', /size/],
    ['/imagine a fox --size 512x512 --ar 1:1', /either an aspect or a size/],
    ['/imagine a fox --seed 18446744073709551616', /seed/],
    ['/imagine a fox --seed -5', /seed/],
    ['/imagine a fox --steps 0', /steps/],
    ['/imagine a fox --steps 2.5', /steps/],
    ['/imagine a fox --cfg NaN', /cfg/],
    ['/imagine a fox --no', /--no/],
    ['/imagine a fox --model', /--model/],
    ['/imagine a fox --v 6', /no option --v/],
    ['/draww a fox', /no command \/draww/],
    ['/constructor', /no command \/constructor/],
  ])('refuses %j with one sentence', (text, sentence) => {
    const { en, zh } = refusal(text);
    expect(en).toMatch(sentence);
    expect(zh).toMatch(/\p{Script=Han}/u);
  });

  it('keeps seeds that no JavaScript number can hold', () => {
    expect(read('/imagine a fox --seed 18446744073709551615')).toMatchObject({
      body: { options: { seed: '18446744073709551615' } },
    });
    expect(read('/imagine a fox --seed random')).toMatchObject({
      body: { options: { seed: '-1' } },
    });
  });

  it('gives a body that fits its contract, or a sentence, for any text', () => {
    const piece = fc.oneof(
      fc.string({ unit: anyCharacter, maxLength: 12 }),
      fc.constantFrom(
        '/imagine ',
        '--ar',
        ' 3:4 ',
        '--n',
        ' 2',
        '--no ',
        ' --',
        '—seed ',
        '／',
        '：',
        'fox ',
        '竖',
        '--size 512x512 ',
      ),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        expect(['fits', 'refused']).toContain(verdictOf(pieces.join('')));
      }),
      { numRuns: 500, seed: 7 },
    );
  });

  it('finds every option again that it was given, in any order', () => {
    const part = fc.record(
      {
        aspect: fc.constantFrom('1:1', '3:4', '16:9'),
        seed: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(String),
        count: fc.integer({ min: 1, max: 8 }),
        steps: fc.integer({ min: 1, max: 200 }),
        negative: fc.constantFrom('text', 'text, watermark', '文字'),
      },
      { requiredKeys: [] },
    );
    const names = { aspect: 'ar', seed: 'seed', count: 'n', steps: 'steps', negative: 'no' } as const;
    fc.assert(
      fc.property(part, fc.boolean(), (options, reverse) => {
        const parts = Object.entries(options).map(([key, value]) => `--${names[key as keyof typeof names]} ${value}`);
        if (reverse) parts.reverse();
        const text = `/imagine a red fox ${parts.join(' ')}`;
        expect(read(text)).toEqual({
          kind: 'request',
          body: { kind: 'imagine', options: { prompt: 'a red fox', ...options } },
        });
      }),
      { numRuns: 200, seed: 7 },
    );
  });
});
