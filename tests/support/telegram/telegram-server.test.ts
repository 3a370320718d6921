import { Api, GrammyError, InputFile } from 'grammy';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTelegramServer } from './telegram-server.ts';

const server = createTelegramServer();
let api: Api;
let apiRoot: string;
const chatId = 5;

beforeAll(async () => {
  ({ apiRoot } = await server.start());
  api = new Api(server.token, { apiRoot });
  server.say(chatId, 'hello');
  server.say(-6, 'hello');
});
afterAll(() => server.stop());

/** A refusal, in Telegram's words. */
async function refusal(call: Promise<unknown>): Promise<string> {
  const error: unknown = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof GrammyError)) throw new Error('it was not refused', { cause: error });
  return `${error.error_code} ${error.description}`;
}

async function picture(width: number, height: number): Promise<InputFile> {
  const bytes = await sharp({ create: { width, height, channels: 3, background: 'teal' } })
    .png()
    .toBuffer();
  return new InputFile(bytes, 'picture.png');
}

describe('the Telegram of the tests, through grammY', () => {
  it('hands out updates until they are confirmed, and holds a poll while there is none', async () => {
    const first = await api.getUpdates({ timeout: 5 });
    expect(first.map(({ message }) => message?.text)).toEqual(['hello', 'hello']);
    expect(await api.getUpdates()).toEqual(first);
    const waiting = api.getUpdates({ offset: (first.at(-1)?.update_id ?? 0) + 1, timeout: 5 });
    await api.getMe();
    expect(server.allUpdatesConfirmed).toBe(true);
    server.say(chatId, '/queue@atelier_test_bot');
    const [second] = await waiting;
    expect(second?.message?.entities).toEqual([{ type: 'bot_command', offset: 0, length: 23 }]);
    await api.getUpdates({ offset: (second?.update_id ?? 0) + 1 });
  });

  it('lets one reader wait at a time', async () => {
    const first = refusal(api.getUpdates({ timeout: 5 }));
    await api.getMe();
    await api.getUpdates({ timeout: 0 });
    expect(await first).toMatch(/^409 Conflict/);
  });

  it('knows its bot', async () => {
    expect(await refusal(new Api('1:other', { apiRoot }).getMe())).toBe('401 Unauthorized');
  });

  it('shows HTML as people see it, and refuses what is not well-formed or too long', async () => {
    await api.sendMessage(chatId, '<b>1 &lt; 2</b> &amp; more', { parse_mode: 'HTML' });
    expect(server.replies(chatId).at(-1)?.text).toBe('1 < 2 & more');
    expect(await refusal(api.sendMessage(chatId, '<b>no end', { parse_mode: 'HTML' }))).toMatch(/400 .*parse entities/);
    expect(await refusal(api.sendMessage(chatId, '1 < 2', { parse_mode: 'HTML' }))).toMatch(/400 .*parse entities/);
    expect(await refusal(api.sendMessage(chatId, 'x'.repeat(4_097)))).toMatch(/message is too long/);
    expect(await refusal(api.sendMessage(chatId, ' '))).toMatch(/text is empty/);
  });

  it('refuses callback data of more than 64 bytes', async () => {
    const send = (data: string) =>
      api.sendMessage(chatId, 'x', { reply_markup: { inline_keyboard: [[{ text: 'x', callback_data: data }]] } });
    await send('x'.repeat(64));
    expect(await refusal(send('雪'.repeat(22)))).toMatch(/BUTTON_DATA_INVALID/);
  });

  it('turns text into a picture, and says when nothing changes', async () => {
    const { message_id: id } = await api.sendMessage(chatId, 'soon');
    expect(await refusal(api.editMessageText(chatId, id, 'soon'))).toMatch(/message is not modified/);
    await api.editMessageMedia(chatId, id, { type: 'photo', media: await picture(30, 20), caption: 'done' });
    expect(server.replies(chatId).at(-1)).toMatchObject({ messageId: id, text: undefined, caption: 'done', edits: 1 });
    expect(await refusal(api.editMessageText(chatId, id, 'late'))).toMatch(/no text in the message/);
    expect(await refusal(api.editMessageText(chatId, 99_999, 'x'))).toMatch(/message to edit not found/);
  });

  it('takes photos, documents and albums within their limits', async () => {
    const album = async (count: number) =>
      Promise.all(Array.from({ length: count }, async () => ({ type: 'photo' as const, media: await picture(9, 9) })));
    await api.sendMediaGroup(chatId, await album(3));
    const sent = server.replies(chatId).slice(-3);
    expect(sent.every(({ photo }) => photo !== undefined)).toBe(true);
    expect(new Set(sent.map(({ albumId }) => albumId)).size).toBe(1);
    expect(await refusal(api.sendMediaGroup(chatId, await album(1)))).toMatch(/^400/);
    expect(await refusal(api.sendMediaGroup(chatId, await album(11)))).toMatch(/^400/);
    expect(await refusal(api.sendPhoto(chatId, await picture(2_100, 100)))).toMatch(/PHOTO_INVALID_DIMENSIONS/);
    expect(await refusal(api.sendPhoto(chatId, new InputFile(Buffer.alloc(10_000_001))))).toMatch(
      /too big for a photo/,
    );
    expect(await refusal(api.sendPhoto(chatId, new InputFile(Buffer.from('x'))))).toMatch(/IMAGE_PROCESS_FAILED/);
    const long = { caption: 'x'.repeat(1_025) };
    expect(await refusal(api.sendDocument(chatId, new InputFile(Buffer.from('x')), long))).toMatch(
      /caption is too long/,
    );
  });

  it('answers a pressed button once', async () => {
    await api.sendMessage(chatId, 'x', { reply_markup: { inline_keyboard: [[{ text: 'Go', callback_data: 'go' }]] } });
    const press = server.press(server.replies(chatId).at(-1)!, 'Go');
    await api.answerCallbackQuery(press, { text: 'going' });
    expect(server.pressAnswers.get(press)).toBe('going');
    expect(await refusal(api.answerCallbackQuery(press))).toMatch(/query is too old/);
  });

  it('limits, holds and shuts out as it is told', async () => {
    server.limit('sendMessage', 1);
    expect(await refusal(api.sendMessage(chatId, 'x'))).toBe('429 Too Many Requests: retry after 1');
    const held = server.hold('sendChatAction');
    const action = api.sendChatAction(chatId, 'upload_photo');
    await held.arrived;
    held.release();
    expect(await action).toBe(true);
    server.close(-6, 'kicked');
    expect(await refusal(api.sendChatAction(-6, 'typing'))).toMatch(/^403 Forbidden: bot was kicked/);
    expect(await refusal(api.sendChatAction(404, 'typing'))).toMatch(/chat not found/);
  });
});
