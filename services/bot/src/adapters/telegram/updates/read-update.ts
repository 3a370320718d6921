import type { Language, Place, PlatformUser } from '@atelier/shared/contracts/identity';
import type { SourceRef } from '@atelier/shared/contracts/request';
import { type ButtonAction, parseButtonId, type PressedButton } from '../../../core/cards/card-buttons.ts';
import { commandTable } from '../../../core/commands/command-table.ts';
import type { BotAccount } from '../api/telegram-calls.ts';
import { parseMenuId, type MenuPress } from '../cards/button-rows.ts';
import type {
  AnsweredMessage,
  TelegramCallbackQuery,
  TelegramMessage,
  TelegramUpdate,
  TelegramUser,
} from './telegram-update.ts';

/** A picture or a file that came with a message. */
export interface AttachedFile {
  fileId: string;
  name: string | undefined;
  /** Sent as a picture; else whatever a document is. */
  isPhoto: boolean;
}

interface Event {
  /** The same update gives the same id: a repeat is the same request. */
  eventId: string;
  user: PlatformUser;
  place: Place;
  isDirect: boolean;
}

/** Words for the bot, with what came along. */
export interface ReadLine extends Event {
  kind: 'line';
  text: string;
  files: AttachedFile[];
  /** Results of ours that it answers. */
  about: SourceRef[];
  /** Somebody else's words that it answers. */
  quoted?: string;
}

/** What people send and this bot cannot read. */
export type Unreadable = 'voice' | 'video' | 'sticker';

/** What an update asks of us. */
export type ReadUpdate =
  | ReadLine
  | ({ kind: 'unreadable'; what: Unreadable } & Event)
  /** The answer to a question for words; see `formLink`. */
  | ({ kind: 'form'; form: PressedButton; field: string; text: string } & Event)
  | ({ kind: 'press'; queryId: string; button: PressedButton } & Event)
  /** Shows other buttons under a card. */
  | ({ kind: 'menu'; queryId: string; press: MenuPress; messageId: string } & Event)
  /** A person changed a line after it was read. */
  | ({ kind: 'edited'; line: ReadLine } & Event)
  /** The changed line is to be done again: `line` is it, as it stands now. */
  | { kind: 'again'; queryId: string; by: PlatformUser; line: ReadLine | undefined }
  /** A button of nobody, or of a message that is too old to name. */
  | { kind: 'dead press'; queryId: string }
  | { kind: 'moved'; fromId: string; toId: string }
  | { kind: 'ignored' };

const ignored: ReadUpdate = { kind: 'ignored' };
const ownCommands: ReadonlySet<string> = new Set([
  'start',
  ...commandTable.flatMap(({ name, zhName, aliases }) => [name, zhName, ...aliases]),
]);
/** The button under the offer to do a changed line again. */
export const AGAIN_ID = 'again';
const maxQuotedChars = 4_000;

/**
 * Reads an update: in private chats everything is for us; in groups our commands, mentions of us and replies to us.
 * Pure.
 *
 * @param album the other messages of an album, whose first one `update` is.
 */
export function readUpdate(update: TelegramUpdate, bot: BotAccount, album: readonly TelegramUpdate[] = []): ReadUpdate {
  const { message, edited_message: edited, callback_query: query } = update;
  if (message !== undefined) return readMessages(message, album, bot);
  if (edited !== undefined) {
    const line = readMessage(edited, [edited], bot);
    if (line.kind !== 'line') return ignored;
    const { eventId, user, place, isDirect } = line;
    return { kind: 'edited', line: againOf(line, edited), eventId, user, place, isDirect };
  }
  return query === undefined ? ignored : readPress(query, bot);
}

/** Of an album one message carries the words. */
function readMessages(first: TelegramMessage, others: readonly TelegramUpdate[], bot: BotAccount): ReadUpdate {
  const messages = [first, ...others.flatMap(({ message }) => (message === undefined ? [] : [message]))];
  const speaking = messages.find(({ caption }) => caption !== undefined && caption !== '') ?? first;
  return readMessage(speaking, messages, bot);
}

function readMessage(message: TelegramMessage, all: readonly TelegramMessage[], bot: BotAccount): ReadUpdate {
  const { from, chat, migrate_to_chat_id: newId, reply_to_message: answered } = message;
  if (newId !== undefined) return { kind: 'moved', fromId: String(chat.id), toId: String(newId) };
  if (from === undefined || from.is_bot || chat.type === 'channel') return ignored;
  const text = message.text ?? message.caption ?? '';
  const files = all.flatMap((each) => fileOf(each) ?? []);
  const what = message.text === undefined && files.length === 0 ? unreadableOf(message) : undefined;
  if (message.text === undefined && files.length === 0 && what === undefined) return ignored;
  const isDirect = chat.type === 'private';
  const line = isDirect ? text : lineForUs(message, text, bot);
  if (line === undefined) return ignored;
  const event: Event = {
    eventId: `${chat.id}:${message.message_id}`,
    user: userOf(from, text),
    place: placeOf(message, from),
    isDirect,
  };
  if (what !== undefined) return { kind: 'unreadable', what, ...event };
  const isOurs = answered?.from?.id === bot.id;
  // Telegram's apps open the reply by themselves: a command in it is still a command.
  const form = isOurs && !/^[/／]\p{L}/u.test(line) ? formOf(answered) : undefined;
  if (form !== undefined) return { kind: 'form', ...form, text: line, ...event };
  const about = isOurs ? sourcesOf(answered) : [];
  const quoted = isOurs && about.length > 0 ? undefined : (message.quote?.text ?? answered?.text ?? answered?.caption);
  // A picture of somebody else that is answered is what the words are about.
  const theirs = answered === undefined || isOurs ? undefined : fileOf(answered);
  return {
    kind: 'line',
    ...event,
    text: line,
    files: theirs === undefined ? files : [...files, theirs],
    about,
    ...(quoted === undefined || quoted === '' ? {} : { quoted: quoted.slice(0, maxQuotedChars).toWellFormed() }),
  };
}

function unreadableOf({ voice, audio, video, video_note: round, sticker }: TelegramMessage): Unreadable | undefined {
  if (voice !== undefined || audio !== undefined) return 'voice';
  if (video !== undefined || round !== undefined) return 'video';
  return sticker === undefined ? undefined : 'sticker';
}

/** What a group's message says to us; undefined where it speaks to others. */
function lineForUs(message: TelegramMessage, text: string, bot: BotAccount): string | undefined {
  const command = /^[/／]([\p{L}\p{N}_]{1,32})(?:@(\w{1,64}))?(?=\s|$)/u.exec(text);
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

function readPress(query: TelegramCallbackQuery, bot: BotAccount): ReadUpdate {
  const { id, from, data = '', message } = query;
  if (message === undefined) return { kind: 'dead press', queryId: id };
  const event: Event = {
    eventId: id,
    user: userOf(from, ''),
    place: placeOf(message, from),
    isDirect: message.chat.type === 'private',
  };
  if (data === AGAIN_ID) {
    const changed = message.reply_to_message;
    const line = changed === undefined ? undefined : readMessage(changed, [changed], bot);
    return {
      kind: 'again',
      queryId: id,
      by: event.user,
      line: changed === undefined || line?.kind !== 'line' ? undefined : againOf(line, changed),
    };
  }
  const press = parseMenuId(data);
  if (press !== undefined) return { kind: 'menu', queryId: id, press, messageId: String(message.message_id), ...event };
  const button = parseButtonId(data);
  if (button === undefined) return { kind: 'dead press', queryId: id };
  return { kind: 'press', queryId: id, button, ...event };
}

/** A changed line is another request than the one before the change. */
function againOf(line: ReadLine, { edit_date: editDate }: TelegramMessage): ReadLine {
  return { ...line, eventId: `${line.eventId}:${editDate ?? 0}` };
}

/** The request whose card is answered: its buttons name it. */
function sourcesOf(answered: AnsweredMessage): SourceRef[] {
  for (const { callback_data: data } of answered.reply_markup?.inline_keyboard.flat() ?? []) {
    if (data === undefined) continue;
    const menu = parseMenuId(data);
    if (menu !== undefined) return [{ requestId: menu.requestId }];
    const button = parseButtonId(data);
    if (button !== undefined && !namesNoRequest.has(button.action)) return [{ requestId: button.requestId }];
  }
  return [];
}

const namesNoRequest: ReadonlySet<ButtonAction> = new Set(['answer', 'answer_text', 'page', 'run_workflow']);

/**
 * A question for words carries what they are for in a link, so that an answer is understood whenever it comes, also after
 * a restart: Telegram gives the answered message along.
 */
export function formLink(bot: BotAccount, formId: string, field: string): string {
  return `https://t.me/${bot.username}?${new URLSearchParams({ form: formId, field }).toString()}`;
}

function formOf(answered: AnsweredMessage | undefined): { form: PressedButton; field: string } | undefined {
  for (const { url } of answered?.entities ?? []) {
    if (url === undefined || !URL.canParse(url)) continue;
    const { searchParams } = new URL(url);
    const form = parseButtonId(searchParams.get('form') ?? '');
    const field = searchParams.get('field');
    if (form !== undefined && field !== null) return { form, field };
  }
  // Words that answer a card which asks something are the answer, as they are behind its button.
  for (const { callback_data: data } of answered?.reply_markup?.inline_keyboard.flat() ?? []) {
    const button = parseButtonId(data ?? '');
    if (button?.action === 'answer_text') return { form: button, field: 'text' };
  }
  return undefined;
}

function isName(name: string, bot: BotAccount): boolean {
  return name.toLowerCase() === bot.username.toLowerCase();
}

function fileOf({ photo, document }: Pick<TelegramMessage, 'photo' | 'document'>): AttachedFile | undefined {
  const largest = photo?.at(-1);
  if (largest !== undefined) return { fileId: largest.file_id, name: undefined, isPhoto: true };
  return document === undefined ? undefined : { fileId: document.file_id, name: document.file_name, isPhoto: false };
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
