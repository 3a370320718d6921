import type { Language, Place, PlatformUser } from '@atelier/shared/contracts/identity';
import { parseButtonId, type PressedButton } from '../../../core/cards/card-buttons.ts';
import type { BotAccount } from '../api/telegram-calls.ts';
import { commandMenus } from '../command-menu.ts';
import type { TelegramCallbackQuery, TelegramMessage, TelegramUpdate, TelegramUser } from './telegram-update.ts';

/** A picture that came with a message. */
export interface AttachedFile {
  fileId: string;
  name: string | undefined;
}

interface Event {
  /** The same update gives the same id: a repeat is the same request. */
  eventId: string;
  user: PlatformUser;
  place: Place;
}

/** What an update asks of us. */
export type ReadUpdate =
  | ({ kind: 'line'; text: string; file?: AttachedFile } & Event)
  | ({ kind: 'press'; queryId: string; button: PressedButton } & Event)
  /** A button of nobody, or of a message that is too old to name. */
  | { kind: 'dead press'; queryId: string }
  | { kind: 'ignored' };

const ignored: ReadUpdate = { kind: 'ignored' };
const ownCommands: ReadonlySet<string> = new Set([
  'start',
  ...commandMenus.flatMap((menu) => menu.commands.map(({ command }) => command)),
]);

/**
 * Reads an update: in private chats everything is for us; in groups our commands, mentions of us and replies to us.
 * Pure.
 */
export function readUpdate(update: TelegramUpdate, bot: BotAccount): ReadUpdate {
  if (update.message !== undefined) return readMessage(update.message, bot);
  if (update.callback_query !== undefined) return readPress(update.callback_query);
  return ignored;
}

function readMessage(message: TelegramMessage, bot: BotAccount): ReadUpdate {
  const { from, chat } = message;
  if (from === undefined || from.is_bot || chat.type === 'channel') return ignored;
  const text = message.text ?? message.caption ?? '';
  const file = fileOf(message);
  if (message.text === undefined && file === undefined) return ignored;
  const line = chat.type === 'private' ? text : lineForUs(message, text, bot);
  if (line === undefined) return ignored;
  return {
    kind: 'line',
    eventId: `${chat.id}:${message.message_id}`,
    user: userOf(from, text),
    place: placeOf(message, from),
    text: line,
    ...(file === undefined ? {} : { file }),
  };
}

/** What a group's message says to us; undefined where it speaks to others. */
function lineForUs(message: TelegramMessage, text: string, bot: BotAccount): string | undefined {
  const command = /^\/(\w{1,32})(?:@(\w{1,64}))?(?=\s|$)/.exec(text);
  if (command !== null) {
    const [, name = '', addressee] = command;
    const forUs = addressee === undefined ? ownCommands.has(name.toLowerCase()) : isName(addressee, bot);
    return forUs ? text : undefined;
  }
  const entities = message.entities ?? message.caption_entities ?? [];
  const mention = entities.find(({ type, offset, length, user }) => {
    if (type === 'text_mention') return user?.id === bot.id;
    return type === 'mention' && isName(text.slice(offset + 1, offset + length), bot);
  });
  if (mention !== undefined) {
    const before = text.slice(0, mention.offset).trimEnd();
    const after = text.slice(mention.offset + mention.length).replace(/^\s*[,:，：]?\s*/u, '');
    return [before, after].filter((part) => part !== '').join(' ');
  }
  return message.reply_to_message?.from?.id === bot.id ? text : undefined;
}

function readPress(query: TelegramCallbackQuery): ReadUpdate {
  const { id, from, data, message } = query;
  const button = data === undefined ? undefined : parseButtonId(data);
  if (button === undefined || message === undefined) return { kind: 'dead press', queryId: id };
  return { kind: 'press', queryId: id, button, eventId: id, user: userOf(from, ''), place: placeOf(message, from) };
}

function isName(name: string, bot: BotAccount): boolean {
  return name.toLowerCase() === bot.username.toLowerCase();
}

function fileOf({ photo, document }: TelegramMessage): AttachedFile | undefined {
  const largest = photo?.at(-1);
  if (largest !== undefined) return { fileId: largest.file_id, name: undefined };
  return document === undefined ? undefined : { fileId: document.file_id, name: document.file_name };
}

function userOf(from: TelegramUser, text: string): PlatformUser {
  const fullName = [from.first_name, from.last_name ?? '']
    .join(' ')
    .replaceAll(/\p{Cc}/gu, '')
    .trim();
  return {
    door: 'telegram',
    id: String(from.id),
    displayName: (fullName || from.username || String(from.id)).slice(0, 100).toWellFormed(),
    language: languageOf(from.language_code, text),
  };
}

/** As the person's Telegram is set, such as `zh-hans`; where it does not say, as they write. */
export function languageOf(languageCode: string | undefined, text: string): Language {
  if (languageCode !== undefined) return languageCode.toLowerCase().startsWith('zh') ? 'zh' : 'en';
  return /\p{Script=Han}/u.test(text) ? 'zh' : 'en';
}

function placeOf(
  message: Pick<TelegramMessage, 'chat' | 'message_id' | 'message_thread_id' | 'is_topic_message'>,
  from: TelegramUser,
): Place {
  // Outside of topics the thread is only a chain of replies, which cannot be written into.
  const inTopic = message.is_topic_message === true && message.message_thread_id !== undefined;
  return {
    door: 'telegram',
    id: String(message.chat.id),
    ...(inTopic ? { threadId: String(message.message_thread_id) } : {}),
    replyTo: String(message.message_id),
    userId: String(from.id),
  };
}
