import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  createTelegramChats,
  nothing,
  wireMessage,
  type ChatMessage,
  type Person,
  type StoredFile,
} from './telegram-chats.ts';
import { createChatLimits } from './chat-limits.ts';
import { TelegramError } from './telegram-error.ts';
import { telegramMethods, type MethodCall, type MethodWorld } from './telegram-methods.ts';
import { createUpdateLine } from './update-line.ts';

/** A call as it arrived, for assertions about what the bot does and when. */
export interface RecordedCall {
  method: string;
  chatId: number | undefined;
  /** Monotonic. */
  atMs: number;
  /** 200, or the status it was refused with. */
  status: number;
}

export interface SayOptions {
  from?: Person;
  threadId?: number;
  /** A message of the bot that is answered. */
  replyTo?: ChatMessage;
  /** A picture, with the text as its caption. */
  photo?: Uint8Array;
  /** A file, with the text as its caption. */
  document?: { name: string; bytes: Uint8Array };
  /** Sent together with others of the same name. */
  album?: string;
}

/** An answer that is withheld: what was asked has been done, but the bot does not know. */
export interface HeldAnswer {
  /** The call arrived and was done. */
  arrived: Promise<void>;
  release(): void;
}

/** Telegram, as far as a chat bot and its people see it: the Bot API over HTTP, and what people do in their app. */
export interface TelegramServer {
  readonly token: string;
  readonly username: string;
  /** @param port a free one unless given. */
  start(port?: number): Promise<{ apiRoot: string }>;
  stop(): Promise<void>;
  /** A person writes. Chats with negative ids are groups. @returns the message's id. */
  say(chatId: number, text: string, options?: SayOptions): number;
  /** A person changes what they wrote. */
  change(chatId: number, messageId: number, text: string, from?: Person): void;
  /** A person presses a button, named by its words. @returns the id of the press. */
  press(message: ChatMessage, label: string, from?: Person): string;
  messages(chatId: number): readonly ChatMessage[];
  /** The bot's messages. */
  replies(chatId: number): ChatMessage[];
  /** The texts that pressed buttons were answered with. */
  readonly pressAnswers: ReadonlyMap<string, string>;
  readonly menus: ReadonlyMap<string, { command: string; description: string }[]>;
  readonly calls: readonly RecordedCall[];
  /** Telegram was told to forget all updates so far, because the bot has them. */
  readonly allUpdatesConfirmed: boolean;
  /** The next calls of this method are refused with 429 for so long. */
  limit(method: string, retryAfterSeconds: number): void;
  /** Withholds the answer to the next call of this method. */
  hold(method: string): HeldAnswer;
  /** The bot is shut out of a chat. */
  close(chatId: number, how: 'blocked' | 'kicked'): void;
  /** The group becomes a supergroup; the bot is told unless it is not there. */
  move(chatId: number, newChatId: number): void;
  /** Refusals for going over the limits, and messages that came before the time that a refusal had named. */
  readonly limited: { refused: number; early: number };
  /** Where updates are posted to, if not asked for. */
  readonly webhook: { url: string; secret: string } | undefined;
}

const somebody: Person = { id: 4_711, first_name: 'Mei', language_code: 'en' };
const botId = 777_000_111;

export interface TelegramServerOptions {
  /** Holds the bot to Telegram's limits, whose second and minute are divided by this; without it to none. */
  limitScale?: number;
}

/** Calls that count as messages. */
const counted: ReadonlySet<string> = new Set([
  'sendMessage',
  'sendPhoto',
  'sendDocument',
  'sendVideo',
  'sendAnimation',
  'sendAudio',
  'sendMediaGroup',
  'editMessageText',
  'editMessageMedia',
]);

export function createTelegramServer(options: TelegramServerOptions = {}): TelegramServer {
  const limits =
    options.limitScale === undefined ? undefined : createChatLimits(options.limitScale, () => performance.now());
  const token = `${botId}:fake_token_of_a_fake_bot_000000000`;
  const username = 'atelier_test_bot';
  const botUser = { id: botId, is_bot: true, first_name: 'Atelier', username };
  const chats = createTelegramChats();
  const updates = createUpdateLine();
  const files = new Map<string, StoredFile>();
  const menus = new Map<string, { command: string; description: string }[]>();
  const calls: RecordedCall[] = [];
  const limitedUntil = new Map<string, number>();
  const held = new Map<string, { arrive: () => void; released: Promise<void> }>();
  const openPresses = new Set<string>();
  /** Messages of people as they stand after a change, by chat and message. */
  const changed = new Map<string, object>();
  const pressAnswers = new Map<string, string>();
  const closing = new AbortController();
  let lastId = 1_000;
  const nextId = (): number => (lastId += 1);
  const world: MethodWorld = {
    chats,
    botUser,
    files,
    nextId,
    answerPress(queryId, text) {
      if (!openPresses.delete(queryId)) return false;
      pressAnswers.set(queryId, text ?? '');
      return true;
    },
    setMenu: ({ language, scope }, commands) => menus.set(scope === '' ? language : `${scope} ${language}`, commands),
    setWebhook(given) {
      webhook = given;
    },
  };
  let webhook: { url: string; secret: string } | undefined;
  const server = createServer((request, response) => {
    serve(request, response).catch(() => response.destroy());
  });

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method, fileId } = readPath(request.url ?? '', token);
    if (fileId !== undefined) {
      const file = files.get(fileId);
      response.writeHead(file === undefined ? 404 : 200).end(file?.bytes);
      return;
    }
    if (method === undefined) {
      answer(response, 401, { ok: false, error_code: 401, description: 'Unauthorized' });
      return;
    }
    const call = await readCall(request);
    const recorded: RecordedCall = {
      method,
      chatId: call.parameters['chat_id'] === undefined ? undefined : Number(call.parameters['chat_id']),
      atMs: performance.now(),
      status: 200,
    };
    calls.push(recorded);
    try {
      const result = await perform(method, call, request);
      await untilReleased(method);
      answer(response, 200, { ok: true, result });
    } catch (thrown) {
      const error = thrown instanceof TelegramError ? thrown : new TelegramError(500, `Internal: ${String(thrown)}`);
      recorded.status = error.status;
      answer(response, error.status, {
        ok: false,
        error_code: error.status,
        description: error.message,
        ...(Object.keys(error.parameters).length === 0 ? {} : { parameters: error.parameters }),
      });
    }
  }

  async function perform(method: string, call: MethodCall, request: IncomingMessage): Promise<unknown> {
    if (method === 'getUpdates') return updates.take(call.parameters, request);
    refuseWhileLimited(method);
    if (limits !== undefined && counted.has(method)) {
      const media = call.parameters['media'];
      const isAlbum = method === 'sendMediaGroup' && typeof media === 'string';
      limits.take(Number(call.parameters['chat_id']), isAlbum ? (JSON.parse(media) as unknown[]).length : 1);
    }
    const perform = Object.hasOwn(telegramMethods, method) ? telegramMethods[method] : undefined;
    if (perform === undefined) throw new TelegramError(404, 'Not Found: method not found');
    return perform(call, world);
  }

  function refuseWhileLimited(method: string): void {
    const leftMs = (limitedUntil.get(method) ?? 0) - performance.now();
    if (leftMs <= 0) return;
    const seconds = Math.ceil(leftMs / 1_000);
    throw new TelegramError(429, `Too Many Requests: retry after ${seconds}`, { retry_after: seconds });
  }

  async function untilReleased(method: string): Promise<void> {
    const hold = held.get(method);
    if (hold === undefined) return;
    held.delete(method);
    hold.arrive();
    await Promise.race([
      hold.released,
      sleep(60_000, undefined, { signal: closing.signal, ref: false }).catch(() => undefined),
    ]);
  }

  /** To who asks, or posted until it is taken. */
  function hand(update: object): void {
    if (webhook === undefined) updates.add(update);
    else void postUntilTaken(webhook, { update_id: nextId(), ...update });
  }

  async function postUntilTaken({ url, secret }: { url: string; secret: string }, update: object): Promise<void> {
    const headers = { 'content-type': 'application/json', 'x-telegram-bot-api-secret-token': secret };
    for (let tries = 0; tries < 50 && !closing.signal.aborted; tries += 1) {
      const request = { method: 'POST', body: JSON.stringify(update), headers, signal: closing.signal };
      const response = await fetch(url, request).catch(() => undefined);
      if (response?.ok === true) return;
      await sleep(100, undefined, { signal: closing.signal }).catch(() => undefined);
    }
  }

  function personUser(person: Person): object {
    return { is_bot: false, ...person };
  }

  return {
    token,
    username,
    pressAnswers,
    menus,
    calls,
    get allUpdatesConfirmed() {
      return updates.empty;
    },
    async start(port = 0) {
      server.listen(port, '127.0.0.1');
      await once(server, 'listening');
      return { apiRoot: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
    },
    async stop() {
      closing.abort();
      updates.stop();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
    say(chatId, text, options = {}) {
      const chat = chats.add(chatId);
      const from = options.from ?? somebody;
      const photo = options.photo && { fileId: `file${nextId()}`, name: 'photo.jpg', bytes: options.photo };
      const document = options.document && { fileId: `file${nextId()}`, ...options.document };
      for (const file of [photo, document]) if (file !== undefined) files.set(file.fileId, file);
      const isCaption = photo !== undefined || document !== undefined;
      const words = isCaption ? { text: undefined, caption: text } : { text, caption: undefined };
      const message = chats.post(
        chat,
        'person',
        { ...nothing, ...words, photo, document },
        {
          threadId: options.threadId,
          replyTo: options.replyTo?.messageId,
          albumId: options.album,
        },
      );
      const entities = entitiesOf(text);
      hand({
        message: {
          ...wireMessage(message, chat, personUser(from)),
          ...(entities.length === 0 ? {} : { [isCaption ? 'caption_entities' : 'entities']: entities }),
          ...(options.replyTo === undefined
            ? {}
            : {
                reply_to_message: wireMessage(
                  options.replyTo,
                  chat,
                  options.replyTo.from === 'bot' ? botUser : personUser(from),
                ),
              }),
        },
      });
      return message.messageId;
    },
    change(chatId, messageId, text, from = somebody) {
      const chat = chats.add(chatId);
      const message = chat.messages.find((candidate) => candidate.messageId === messageId);
      if (message === undefined) throw new Error('there is no such message');
      message.text = text;
      message.edits += 1;
      const edited = { ...wireMessage(message, chat, personUser(from)), edit_date: 1_750_000_000 + message.edits };
      changed.set(`${chatId}:${messageId}`, edited);
      hand({ edited_message: edited });
    },
    press(message, label, from = somebody) {
      const button = message.buttons.find(({ text }) => text === label);
      if (button === undefined) {
        throw new Error(`there is no button "${label}", only: ${message.buttons.map(({ text }) => text).join(', ')}`);
      }
      const id = String(nextId());
      openPresses.add(id);
      const chat = chats.add(message.chatId);
      const answered = changed.get(`${message.chatId}:${message.replyTo ?? 0}`);
      hand({
        callback_query: {
          id,
          from: personUser(from),
          chat_instance: '1',
          data: button.callback_data,
          message: {
            ...wireMessage(message, chat, botUser),
            ...(answered === undefined ? {} : { reply_to_message: answered }),
          },
        },
      });
      return id;
    },
    messages: (chatId) => chats.add(chatId).messages,
    replies: (chatId) => chats.add(chatId).messages.filter((message) => message.from === 'bot'),
    limit: (method, retryAfterSeconds) => {
      limitedUntil.set(method, performance.now() + retryAfterSeconds * 1_000);
    },
    hold(method) {
      const arrival = Promise.withResolvers<void>();
      const release = Promise.withResolvers<void>();
      held.set(method, { arrive: arrival.resolve, released: release.promise });
      return { arrived: arrival.promise, release: release.resolve };
    },
    close(chatId, how) {
      chats.add(chatId).closed = how;
    },
    move(chatId, newChatId) {
      const chat = chats.add(chatId);
      chats.add(newChatId);
      chat.movedTo = newChatId;
      const { id, type } = chat;
      hand({ message: { message_id: nextId(), date: 0, chat: { id, type }, migrate_to_chat_id: newChatId } });
    },
    get limited() {
      return { refused: limits?.refused ?? 0, early: limits?.early ?? 0 };
    },
    get webhook() {
      return webhook;
    },
  };
}

/** What an address asks for; nothing where the token is not this bot's. */
function readPath(url: string, token: string): { method?: string; fileId?: string } {
  const [, given, method, fileId] = /^(?:\/file)?\/bot([^/]+)\/(?:(\w+)|files\/(\w+))$/.exec(url) ?? [];
  if (given !== token) return {};
  return { ...(method === undefined ? {} : { method }), ...(fileId === undefined ? {} : { fileId }) };
}

async function readCall(request: IncomingMessage): Promise<MethodCall> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks);
  const type = request.headers['content-type'] ?? '';
  if (!type.startsWith('multipart/form-data')) {
    const parameters = body.length === 0 ? {} : (JSON.parse(body.toString()) as Record<string, unknown>);
    return { parameters, uploads: new Map() };
  }
  const form = await new Response(body, { headers: { 'content-type': type } }).formData();
  const parameters: Record<string, unknown> = {};
  const uploads = new Map<string, { name: string; bytes: Uint8Array }>();
  for (const [name, value] of form) {
    if (typeof value === 'string') parameters[name] = value;
    else uploads.set(name, { name: value.name, bytes: new Uint8Array(await value.arrayBuffer()) });
  }
  return { parameters, uploads };
}

function answer(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

/** Commands and mentions, as Telegram marks them. */
function entitiesOf(text: string): { type: string; offset: number; length: number }[] {
  const command = /^\/\w+(?:@\w+)?/.exec(text);
  return [
    ...(command === null ? [] : [{ type: 'bot_command', offset: 0, length: command[0].length }]),
    ...[...text.matchAll(/(?<=^|\s)@\w+/g)].map((match) => ({
      type: 'mention',
      offset: match.index,
      length: match[0].length,
    })),
  ];
}
