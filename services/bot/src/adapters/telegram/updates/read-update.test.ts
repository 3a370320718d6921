import { describe, expect, it } from 'vitest';
import { formatButtonId } from '../../../core/cards/card-buttons.ts';
import { readUpdate } from './read-update.ts';
import { telegramUpdateSchema } from './telegram-update.ts';

const bot = { id: 777, username: 'Atelier_bot' };
const mei = { id: 4_711, is_bot: false, first_name: 'Mei', last_name: 'Lin', language_code: 'en' };
const privateChat = { id: 4_711, type: 'private' };
const group = { id: -100_200, type: 'supergroup' };

function read(message: object, from: object = mei) {
  return readUpdate(telegramUpdateSchema.parse({ update_id: 1, message: { message_id: 5, from, ...message } }), bot);
}

function mention(text: string, name: string): object {
  return { text, entities: [{ type: 'mention', offset: text.indexOf(name), length: name.length }] };
}

describe('readUpdate', () => {
  it('takes everything that a person writes in a private chat', () => {
    expect(read({ chat: privateChat, text: 'a red fox' })).toEqual({
      kind: 'line',
      eventId: '4711:5',
      user: { door: 'telegram', id: '4711', displayName: 'Mei Lin', language: 'en' },
      place: { door: 'telegram', id: '4711', replyTo: '5', userId: '4711' },
      text: 'a red fox',
    });
  });

  it.each([
    ['/imagine a fox', true],
    ['/imagine@atelier_BOT a fox', true],
    ['/imagine@another_bot a fox', false],
    ['/ban a fox', false],
    ['a fox', false],
    ['画一只狐狸', false],
  ])('in a group %s is for the bot: %s', (text, ours) => {
    expect(read({ chat: group, text }).kind).toBe(ours ? 'line' : 'ignored');
  });

  it.each([
    ['@atelier_bot a fox', 'a fox'],
    ['@atelier_bot, a fox', 'a fox'],
    ['@atelier_bot：雪地里的狐狸', '雪地里的狐狸'],
    ['a fox, @atelier_bot please', 'a fox, please'],
  ])('takes the mention out of %s', (text, words) => {
    expect(read({ chat: group, ...mention(text, '@atelier_bot') })).toMatchObject({ kind: 'line', text: words });
  });

  it('reads what answers the bot, not what answers others', () => {
    const answering = (id: number) => ({ reply_to_message: { from: { id, is_bot: true, first_name: 'x' } } });
    expect(read({ chat: group, text: 'darker', ...answering(bot.id) })).toMatchObject({ kind: 'line', text: 'darker' });
    expect(read({ chat: group, text: 'darker', ...answering(3) }).kind).toBe('ignored');
  });

  it('keeps a topic, and no mere chain of replies', () => {
    const inTopic = { message_thread_id: 9, is_topic_message: true };
    expect(read({ chat: group, text: '/queue', ...inTopic })).toMatchObject({ place: { threadId: '9' } });
    expect(read({ chat: group, text: '/queue', message_thread_id: 9 })).not.toHaveProperty('place.threadId');
  });

  it('takes the largest size of a photo and the name of a document', () => {
    const photo = [{ file_id: 'small' }, { file_id: 'large' }];
    expect(read({ chat: privateChat, caption: 'darker', photo })).toMatchObject({
      text: 'darker',
      file: { fileId: 'large' },
    });
    const document = { file_id: 'd', file_name: 'fox.png' };
    expect(read({ chat: privateChat, document })).toMatchObject({ text: '', file: { fileId: 'd', name: 'fox.png' } });
  });

  it('passes over bots, channels, and what has no words', () => {
    expect(read({ chat: privateChat, text: 'hi' }, { ...mei, is_bot: true }).kind).toBe('ignored');
    expect(read({ chat: { id: -1, type: 'channel' }, text: 'hi' }).kind).toBe('ignored');
    expect(read({ chat: privateChat, sticker: {} }).kind).toBe('ignored');
    expect(readUpdate(telegramUpdateSchema.parse({ update_id: 1, poll: {} }), bot).kind).toBe('ignored');
  });

  it.each([
    ['zh-hans', 'a fox', 'zh'],
    ['de', '狐狸', 'en'],
    [undefined, '雪地里的狐狸', 'zh'],
    [undefined, 'a fox', 'en'],
  ])('with the app in %s answers "%s" in %s', (code, text, language) => {
    const from = { ...mei, language_code: code };
    expect(read({ chat: privateChat, text }, from)).toMatchObject({ user: { language } });
  });

  it('names a person without a usable name by what there is', () => {
    const nameless = { id: 9, is_bot: false, first_name: ' ' };
    expect(read({ chat: privateChat, text: 'x' }, nameless)).toMatchObject({ user: { displayName: '9' } });
    const named = { ...nameless, username: 'mei' };
    expect(read({ chat: privateChat, text: 'x' }, named)).toMatchObject({ user: { displayName: 'mei' } });
  });

  it('knows its buttons, and answers others all the same', () => {
    const requestId = '11111111-1111-4111-8111-111111111111';
    const press = (data: string) =>
      readUpdate(
        telegramUpdateSchema.parse({
          update_id: 1,
          callback_query: { id: 'q', from: mei, data, message: { message_id: 8, chat: group, date: 0 } },
        }),
        bot,
      );
    expect(press(formatButtonId('retry', requestId))).toMatchObject({
      kind: 'press',
      queryId: 'q',
      eventId: 'q',
      button: { action: 'retry', requestId },
      place: { id: '-100200', replyTo: '8' },
    });
    expect(press('x:1')).toEqual({ kind: 'dead press', queryId: 'q' });
  });
});
