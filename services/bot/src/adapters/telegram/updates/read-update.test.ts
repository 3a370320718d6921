import { describe, expect, it } from 'vitest';
import { formatButtonId } from '../../../core/cards/card-buttons.ts';
import { AGAIN_ID, formLink, readUpdate } from './read-update.ts';
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
      isDirect: true,
      files: [],
      about: [],
    });
  });

  it.each([
    ['/imagine a fox', true],
    ['/imagine@atelier_BOT a fox', true],
    ['/imagine@another_bot a fox', false],
    ['/画图 狐狸', true],
    ['／画图 狐狸', true],
    ['/ban a fox', false],
    ['a fox', false],
    ['画一只狐狸', false],
  ])('in a group %s is for the bot: %s', (text, ours) => {
    expect(read({ chat: group, text }).kind).toBe(ours ? 'line' : 'ignored');
  });

  it('takes an answer to a question as one, and a command as a command', () => {
    const question = '22222222-2222-4222-8222-222222222222';
    const answered = {
      message_id: 4,
      from: { id: bot.id, is_bot: true, first_name: 'Atelier' },
      text: 'Which fox?',
      reply_markup: { inline_keyboard: [[{ callback_data: formatButtonId('answer_text', question) }]] },
    };
    const reply = (text: string) => read({ chat: privateChat, text, reply_to_message: answered });
    expect(reply('the red one')).toMatchObject({
      kind: 'form',
      form: { action: 'answer_text', requestId: question },
      field: 'text',
      text: 'the red one',
    });
    expect(reply('/help')).toMatchObject({ kind: 'line', text: '/help' });
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
    const answering = (id: number) => ({
      reply_to_message: { message_id: 4, from: { id, is_bot: true, first_name: 'x' } },
    });
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
      files: [{ fileId: 'large' }],
    });
    const document = { file_id: 'd', file_name: 'fox.png' };
    expect(read({ chat: privateChat, document })).toMatchObject({
      text: '',
      files: [{ fileId: 'd', name: 'fox.png' }],
    });
  });

  it('passes over bots, channels, and what has no words', () => {
    expect(read({ chat: privateChat, text: 'hi' }, { ...mei, is_bot: true }).kind).toBe('ignored');
    expect(read({ chat: { id: -1, type: 'channel' }, text: 'hi' }).kind).toBe('ignored');
    expect(read({ chat: privateChat, contact: {} }).kind).toBe('ignored');
    expect(readUpdate(telegramUpdateSchema.parse({ update_id: 1, poll: {} }), bot).kind).toBe('ignored');
  });

  it.each([
    ['voice', 'voice'],
    ['audio', 'voice'],
    ['video', 'video'],
    ['video_note', 'video'],
    ['sticker', 'sticker'],
  ])('knows a %s for what it cannot read, in a group where it is for the bot', (field, what) => {
    const sent = { [field]: { file_id: 'f' } };
    const answer = { reply_to_message: { message_id: 4, from: { id: bot.id, is_bot: true, first_name: 'x' } } };
    expect(read({ chat: privateChat, ...sent })).toMatchObject({ kind: 'unreadable', what, isDirect: true });
    expect(read({ chat: group, ...sent }).kind).toBe('ignored');
    expect(read({ chat: group, ...sent, ...answer })).toMatchObject({ kind: 'unreadable', what, isDirect: false });
    const caption = '@Atelier_bot listen';
    const mentioned = { caption, caption_entities: [{ type: 'mention', offset: 0, length: 12 }] };
    expect(read({ chat: group, ...sent, ...mentioned })).toMatchObject({ kind: 'unreadable', what });
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

  const requestId = '11111111-1111-4111-8111-111111111111';
  const ourCard = (data: string) => ({
    message_id: 4,
    from: { id: bot.id, is_bot: true, first_name: 'Atelier' },
    caption: 'Done',
    reply_markup: { inline_keyboard: [[{ callback_data: data }]] },
  });

  it('knows which result a reply is about', () => {
    const button = formatButtonId('vary_subtle', requestId, { picture: 1 });
    for (const data of [button, `m:${requestId}:0`]) {
      const read1 = read({ chat: group, text: 'darker', reply_to_message: ourCard(data) });
      expect(read1).toMatchObject({ kind: 'line', text: 'darker', about: [{ requestId }] });
      expect(read1).not.toHaveProperty('quoted');
    }
  });

  it('takes along what somebody else showed and said', () => {
    const ana = { id: 9, is_bot: false, first_name: 'Ana' };
    const theirs = { message_id: 4, from: ana, caption: 'my dog', photo: [{ file_id: 'small' }, { file_id: 'dog' }] };
    const text = '/edit as a watercolour';
    expect(read({ chat: group, text, reply_to_message: theirs })).toMatchObject({
      files: [{ fileId: 'dog' }],
      quoted: 'my dog',
    });
  });

  it('reads an album as one message with all its pictures', () => {
    const picture = (id: number, caption?: string) =>
      telegramUpdateSchema.parse({
        update_id: id,
        message: {
          message_id: id,
          from: mei,
          chat: privateChat,
          media_group_id: 'a',
          photo: [{ file_id: `f${id}` }],
          ...(caption === undefined ? {} : { caption }),
        },
      });
    expect(readUpdate(picture(1), bot, [picture(2, 'blend these'), picture(3)])).toMatchObject({
      kind: 'line',
      text: 'blend these',
      files: [{ fileId: 'f1' }, { fileId: 'f2' }, { fileId: 'f3' }],
    });
  });

  it('recognises the answer to a question for words, whatever was restarted since', () => {
    const id = formatButtonId('edit', requestId, { picture: 2 });
    const question = {
      message_id: 4,
      from: { id: bot.id, is_bot: true, first_name: 'Atelier' },
      text: '✎ Edit',
      entities: [{ type: 'text_link', offset: 0, length: 1, url: formLink(bot, id, 'change') }],
    };
    expect(read({ chat: group, text: 'make it night', reply_to_message: question })).toMatchObject({
      kind: 'form',
      form: { action: 'edit', requestId, picture: 2 },
      field: 'change',
      text: 'make it night',
    });
  });

  it('offers to do a changed line again, as another request', () => {
    const edited = { message_id: 5, from: mei, chat: privateChat, text: 'a blue fox', edit_date: 1_750_000_123 };
    const offered = readUpdate(telegramUpdateSchema.parse({ update_id: 1, edited_message: edited }), bot);
    expect(offered).toMatchObject({ kind: 'edited', eventId: '4711:5', line: { eventId: '4711:5:1750000123' } });
    const message = { message_id: 8, chat: privateChat, reply_to_message: edited };
    const pressed = { id: 'q', from: mei, data: AGAIN_ID, message };
    expect(readUpdate(telegramUpdateSchema.parse({ update_id: 2, callback_query: pressed }), bot)).toMatchObject({
      kind: 'again',
      line: { eventId: '4711:5:1750000123', text: 'a blue fox' },
    });
  });

  it('tells where a group has moved', () => {
    expect(read({ chat: group, migrate_to_chat_id: -100_999 })).toEqual({
      kind: 'moved',
      fromId: '-100200',
      toId: '-100999',
    });
  });
});
