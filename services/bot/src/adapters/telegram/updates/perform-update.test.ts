import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { formatButtonId } from '../../../core/cards/card-buttons.ts';
import { AppError } from '@atelier/shared/errors/app-error';
import type { ChatCore, ChatOutcome } from '../../../ports.ts';
import { TelegramFailure } from '../api/telegram-failure.ts';
import { uploadLimits } from '../api/upload-limits.ts';
import type { Speaker } from '../deliveries/speak.ts';
import { createUpdatePerformer } from './perform-update.ts';
import { AGAIN_ID } from './read-update.ts';
import { type TelegramUpdate, telegramUpdateSchema } from './telegram-update.ts';

const requestId = '11111111-1111-4111-8111-111111111111';
const mei = { id: 7, is_bot: false, first_name: 'Mei', language_code: 'en' };
const chat = { id: 7, type: 'private' };

const photo = telegramUpdateSchema.parse({
  update_id: 1,
  message: { message_id: 1, from: mei, chat, caption: 'darker', photo: [{ file_id: 'f' }] },
});
const pressed = telegramUpdateSchema.parse({
  update_id: 2,
  callback_query: { id: 'q', from: mei, data: formatButtonId('cancel', requestId), message: { message_id: 1, chat } },
});

interface World {
  download?: Error;
  press?: Error;
  language?: 'zh';
  isWaiting?: true;
  now?: () => number;
  /** What cannot be said. */
  say?: () => Error | undefined;
}

/** Does one update; whatever the person is told comes back. */
async function perform(update: TelegramUpdate, world: World): Promise<string[]> {
  const { work, told } = performer(world);
  await work(update);
  return told;
}

function performer(world: World) {
  const told: string[] = [];
  const speaker: Partial<Speaker> = {
    async say(_target, { html }) {
      const failure = world.say?.();
      if (failure !== undefined) throw failure;
      return String(told.push(html));
    },
  };
  const core: Partial<ChatCore> = {
    press: () => Promise.reject(world.press ?? new Error('not pressed')),
    languageOf: () => Promise.resolve(world.language ?? 'en'),
    takeInImage: () => Promise.resolve({ hash: 'a'.repeat(64), mediaType: 'image/png' }),
    submit: () => Promise.resolve<ChatOutcome>({ outcome: 'said', text: 'done' }),
  };
  const work = createUpdatePerformer({
    chat: core as ChatCore,
    calls: {
      download: () =>
        world.download === undefined ? Promise.resolve(new Uint8Array()) : Promise.reject(world.download),
    },
    speaker: speaker as Speaker,
    tell: (outcome) => Promise.resolve(void told.push(outcome.outcome)),
    answers: {
      expect: () => undefined,
      answer(_queryId, text) {
        if (world.isWaiting === true && text !== undefined) told.push(`over the button: ${text}`);
        return world.isWaiting === true;
      },
      stop: () => Promise.resolve(),
    },
    limits: uploadLimits(false),
    bot: () => ({ id: 777, username: 'Atelier_bot' }),
    isChatAdmin: () => Promise.resolve(false),
    log: pino({ level: 'silent' }),
    now: world.now ?? (() => 0),
  });
  return { work, told };
}

describe('createUpdatePerformer', () => {
  it('says what Telegram refuses for good, and goes on with the chat', async () => {
    const gone = new TelegramFailure('refused', 'getFile', 'wrong file_id');
    expect(await perform(photo, { download: gone })).toHaveLength(1);
    const large = new AppError('too_large', 'x', { publicMessage: { en: 'too large', zh: '太大' } });
    expect(await perform(photo, { download: large })).toEqual(['too large']);
    expect(await perform(photo, {})).toEqual(['said']);
  });

  it('explains in the language that the person chose, whatever their app is set to', async () => {
    const large = new AppError('too_large', 'x', { publicMessage: { en: 'too large', zh: '太大' } });
    expect(await perform(photo, { download: large, language: 'zh' })).toEqual(['太大']);
    expect(await perform(pressed, { press: large, language: 'zh' })).toEqual(['太大']);
  });

  it('answers a button over it, or in the chat where the words are too long for that', async () => {
    const sentence = (en: string) => new AppError('forbidden', 'x', { publicMessage: { en, zh: en } });
    const short = await perform(pressed, { press: sentence('not yours'), isWaiting: true });
    expect(short).toEqual(['over the button: not yours']);
    const long = 'x'.repeat(201);
    expect(await perform(pressed, { press: sentence(long), isWaiting: true })).toEqual([long]);
    expect(await perform(pressed, { press: sentence('not yours') })).toEqual(['not yours']);
  });

  it('says what to send instead of a voice message or a sticker, once in ten minutes a chat', async () => {
    const sent = (what: 'voice' | 'sticker', chatId: number) =>
      telegramUpdateSchema.parse({
        update_id: 4,
        message: { message_id: 1, from: mei, chat: { id: chatId, type: 'private' }, [what]: { file_id: 'f' } },
      });
    let now = 0;
    let failure: Error | undefined = new TelegramFailure('unreachable', 'sendMessage', 'x');
    const { work, told } = performer({ language: 'zh', now: () => now, say: () => failure });
    // What was not said is said when it is done again.
    await expect(work(sent('voice', 7))).rejects.toBe(failure);
    failure = undefined;
    for (const what of ['voice', 'sticker', 'voice'] as const) await work(sent(what, 7));
    expect(told).toEqual([expect.stringContaining('听不懂语音')]);
    await work(sent('sticker', 8));
    expect(told).toEqual([expect.anything(), expect.stringContaining('贴纸')]);
    now += 10 * 60_000;
    await work(sent('sticker', 7));
    expect(told).toHaveLength(3);
  });

  it('draws a changed message again for who wrote it, and for nobody else', async () => {
    const again = (from: object) =>
      telegramUpdateSchema.parse({
        update_id: 3,
        callback_query: {
          id: 'q',
          from,
          data: AGAIN_ID,
          message: { message_id: 2, chat, reply_to_message: { message_id: 1, from: mei, chat, text: 'a fox' } },
        },
      });
    expect(await perform(again(mei), {})).toEqual(['said']);
    expect(await perform(again({ ...mei, id: 8 }), {})).toEqual([]);
  });

  it.each([new TelegramFailure('unreachable', 'getFile', 'x'), new AppError('unavailable', 'the database is away')])(
    'is tried again where trying again may help: %s',
    async (error) => {
      await expect(perform(photo, { download: error })).rejects.toBe(error);
      await expect(perform(pressed, { press: error })).rejects.toBe(error);
    },
  );
});
