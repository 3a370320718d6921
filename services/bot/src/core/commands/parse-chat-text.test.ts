import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { requestBodySchema } from '@atelier/shared/contracts/request';
import { AppError } from '@atelier/shared/errors/app-error';
import { parseChatText } from './parse-chat-text.ts';

/** The sentence that a refused text gets, in both languages. */
function refusal(text: string): { en: string; zh: string } {
  try {
    parseChatText({ text });
  } catch (error) {
    if (error instanceof AppError && error.code === 'invalid_input') return error.publicMessage;
    throw error;
  }
  throw new Error(`accepted: ${text}`);
}

/** Throws where the parser breaks, or makes what its contract does not allow. */
function verdictOf(text: string): string {
  try {
    const command = parseChatText({ text });
    if (command.kind === 'request') requestBodySchema.parse(command.body);
    return 'fits';
  } catch (error) {
    if (error instanceof AppError && error.code === 'invalid_input') return 'refused';
    throw error;
  }
}

describe('parseChatText', () => {
  it('hands plain words to the agent', () => {
    expect(parseChatText({ text: '  a red fox in snow, portrait, 2 images ' })).toEqual({
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
    expect(parseChatText({ text })).toEqual({
      kind: 'request',
      body: {
        kind: 'imagine',
        options: { prompt: 'a red fox', aspect: '3:4', seed: '7', count: 4, negative: 'text, watermark' },
      },
    });
  });

  it('takes options beside plain words, and lets them win over a form', () => {
    const command = parseChatText({ text: 'a fox --ar 竖', options: { width: 512, height: 512, count: 2 } });
    expect(command).toEqual({
      kind: 'request',
      body: { kind: 'words', text: 'a fox', options: { aspect: '3:4', count: 2 } },
    });
  });

  it('leaves dashes of ordinary writing alone', () => {
    const text = 'a fox — wild, 3—4 years old —very calm, e-mail';
    expect(parseChatText({ text })).toMatchObject({ body: { text } });
  });

  it.each([
    ['/queue', 'queue'],
    ['/队列', 'queue'],
    ['／取消', 'cancel'],
    ['/cancel', 'cancel'],
    ['/help me', 'help'],
    ['/start', 'help'],
  ])('%s is %s', (text, kind) => {
    expect(parseChatText({ text })).toEqual({ kind });
  });

  it('does not take a path or a fraction for a command', () => {
    expect(parseChatText({ text: '1/2 of an apple' })).toMatchObject({ body: { kind: 'words' } });
    expect(parseChatText({ text: '/home/fox as a sign' })).toMatchObject({ body: { text: '/home/fox as a sign' } });
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
    expect(parseChatText({ text: '/imagine a fox --seed 18446744073709551615' })).toMatchObject({
      body: { options: { seed: '18446744073709551615' } },
    });
    expect(parseChatText({ text: '/imagine a fox --seed random' })).toMatchObject({
      body: { options: { seed: '-1' } },
    });
  });

  it('gives a body that fits its contract, or a sentence, for any text', () => {
    const piece = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 12 }),
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
        expect(parseChatText({ text })).toEqual({
          kind: 'request',
          body: { kind: 'imagine', options: { prompt: 'a red fox', ...options } },
        });
      }),
      { numRuns: 200, seed: 7 },
    );
  });
});
