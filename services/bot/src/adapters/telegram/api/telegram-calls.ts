import { readFile, stat } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import { Api, InputFile } from 'grammy';
import type {
  InlineKeyboardMarkup,
  InputMediaAnimation,
  InputMediaAudio,
  InputMediaDocument,
  InputMediaPhoto,
  InputMediaVideo,
} from 'grammy/types';
import { z } from 'zod';
import type { Language } from '@atelier/shared/contracts/identity';
import { AppError, invalidInput } from '@atelier/shared/errors/app-error';
import { shorten } from '@atelier/shared/text/shorten';
import { isFailure, TelegramFailure, toTelegramFailure } from './telegram-failure.ts';

/** Where a message goes, and what it answers. */
export interface MessageTarget {
  chatId: string;
  /** Topic of a forum group. */
  threadId?: string;
  /** The message that is answered; it may be gone. */
  replyTo?: string;
}

/** A button with data of at most 64 bytes, or with a link. */
export type Button = { label: string; data: string } | { label: string; url: string };

/** HTML as Telegram takes it, with rows of buttons. */
export interface DrawnText {
  html: string;
  rows: readonly (readonly Button[])[];
}

/** A picture or a file that goes up. */
export interface Upload {
  kind: 'photo' | 'video' | 'animation' | 'audio' | 'document';
  bytes: Uint8Array;
  name: string;
  /** Covered until somebody uncovers it: of what is shown in the chat. */
  isCovered?: boolean;
}

export interface CommandMenu {
  language: Language | undefined;
  /** Who sees it; absent: everybody for whom there is no narrower one. */
  scope?: 'all_private_chats' | 'all_group_chats' | 'all_chat_administrators';
  commands: readonly { command: string; description: string }[];
}

/** The calls that this bot makes. Every one throws {@link TelegramFailure}; none waits or repeats by itself. */
export interface TelegramCalls {
  getMe(): Promise<BotAccount>;
  /** Waits up to `waitSeconds` for updates from this one on; all before it count as taken in. As they came. */
  getUpdates(offset: number | undefined, waitSeconds: number, signal: AbortSignal): Promise<unknown[]>;
  /** Updates go to who asks for them, not to an address; none is dropped. */
  deleteWebhook(): Promise<void>;
  /** Updates are posted to this address, with the secret in a header; none is dropped. */
  setWebhook(url: string, secret: string): Promise<void>;
  setCommands(menu: CommandMenu): Promise<void>;
  /** @returns the message's id. */
  sendText(target: MessageTarget, text: DrawnText): Promise<string>;
  /** Opens a reply to this text in the apps of the person that `target.replyTo` is from. */
  askForReply(target: MessageTarget, html: string, placeholder: string): Promise<string>;
  sendFile(target: MessageTarget, file: Upload, caption: DrawnText): Promise<string>;
  /** 2 to 10 files, all of one kind. @returns the ids of its messages. */
  sendAlbum(target: MessageTarget, files: readonly Upload[]): Promise<string[]>;
  editText(chatId: string, messageId: string, text: DrawnText): Promise<void>;
  /** Turns a message, also one of text, into the file. */
  editToFile(chatId: string, messageId: string, file: Upload, caption: DrawnText): Promise<void>;
  /** Changes the buttons under a message, nothing else. */
  editButtons(chatId: string, messageId: string, rows: DrawnText['rows']): Promise<void>;
  deleteMessage(chatId: string, messageId: string): Promise<void>;
  /** Silently. */
  pinMessage(chatId: string, messageId: string): Promise<void>;
  /** Shows for 5 s that the bot is at work. */
  showAction(target: MessageTarget, action: 'typing' | 'upload_photo' | 'upload_video'): Promise<void>;
  /** Whether somebody runs this group. */
  isChatAdmin(chatId: string, userId: string): Promise<boolean>;
  /** Ends a pressed button's waiting; the text is shown for a moment. */
  answerButton(queryId: string, text?: string): Promise<void>;
  /** @throws AppError `too_large`, `unavailable`. */
  download(fileId: string, maxBytes: number): Promise<Uint8Array>;
}

const botAccountSchema = z.object({ id: z.number(), username: z.string() });
export type BotAccount = z.infer<typeof botAccountSchema>;

export interface TelegramCallsOptions {
  token: string;
  /** Such as `https://api.telegram.org`, without a slash at its end. */
  apiRoot: string;
  /** A Bot API server of one's own in local mode: files are read from its disk, without Telegram's limits. */
  isLocal?: boolean;
  /** Under the lease of a delivery, so that nobody sends it again while this one still may. */
  callTimeoutMs?: number;
  /** A call was refused because of Telegram's limits, for this time. */
  onStall?: ((waitMs: number) => void) | undefined;
}

/** The library's own type, of a stand-in for what Node has; it uses what both have. */
type CallSignal = Parameters<Api['getUpdates']>[1];

/** Shown over a pressed button. https://core.telegram.org/bots/api#answercallbackquery */
export const MAX_ANSWER_CHARS = 200;
const wantedUpdates = ['message', 'edited_message', 'callback_query'] as const;

export function createTelegramCalls(options: TelegramCallsOptions): TelegramCalls {
  const callTimeoutMs = options.callTimeoutMs ?? 45_000;
  const { raw } = new Api(options.token, {
    apiRoot: options.apiRoot,
    timeoutSeconds: callTimeoutMs / 1_000,
    sensitiveLogs: false,
  });

  async function calling<T>(method: string, call: Promise<T>): Promise<T> {
    try {
      return await call;
    } catch (error) {
      const failure = toTelegramFailure(method, error);
      if (failure.kind === 'rate_limited') options.onStall?.(failure.afterMs);
      throw failure;
    }
  }

  return {
    async getMe() {
      return botAccountSchema.parse(await calling('getMe', raw.getMe()));
    },
    async getUpdates(offset, waitSeconds, signal) {
      const query = {
        ...(offset === undefined ? {} : { offset }),
        timeout: waitSeconds,
        limit: 100,
        allowed_updates: wantedUpdates,
      };
      return await calling('getUpdates', raw.getUpdates(query, signal as CallSignal));
    },
    async deleteWebhook() {
      await calling('deleteWebhook', raw.deleteWebhook({ drop_pending_updates: false }));
    },
    async setWebhook(url, secret) {
      const webhook = { url, secret_token: secret, allowed_updates: wantedUpdates, drop_pending_updates: false };
      await calling('setWebhook', raw.setWebhook(webhook));
    },
    async setCommands({ language, scope, commands }) {
      const menu = {
        commands: [...commands],
        ...(language === undefined ? {} : { language_code: language }),
        ...(scope === undefined ? {} : { scope: { type: scope } }),
      };
      await calling('setMyCommands', raw.setMyCommands(menu));
    },
    async sendText(target, text) {
      const message = await calling(
        'sendMessage',
        raw.sendMessage({
          ...destination(target),
          text: text.html,
          parse_mode: 'HTML',
          link_preview_options: { is_disabled: true },
          reply_markup: keyboard(text.rows),
        }),
      );
      return String(message.message_id);
    },
    async askForReply(target, html, placeholder) {
      const message = await calling(
        'sendMessage',
        raw.sendMessage({
          ...destination(target),
          text: html,
          parse_mode: 'HTML',
          link_preview_options: { is_disabled: true },
          reply_markup: { force_reply: true, selective: true, input_field_placeholder: shorten(placeholder, 64) },
        }),
      );
      return String(message.message_id);
    },
    async sendFile(target, file, caption) {
      const input = inputFile(file);
      const cover = coverOf(file);
      const common = {
        ...destination(target),
        caption: caption.html,
        parse_mode: 'HTML',
        reply_markup: keyboard(caption.rows),
      } as const;
      const sent = {
        photo: () => calling('sendPhoto', raw.sendPhoto({ ...common, ...cover, photo: input })),
        video: () =>
          calling('sendVideo', raw.sendVideo({ ...common, ...cover, video: input, supports_streaming: true })),
        animation: () => calling('sendAnimation', raw.sendAnimation({ ...common, ...cover, animation: input })),
        audio: () => calling('sendAudio', raw.sendAudio({ ...common, audio: input })),
        document: () =>
          calling(
            'sendDocument',
            raw.sendDocument({ ...common, document: input, disable_content_type_detection: true }),
          ),
      };
      return String((await sent[file.kind]()).message_id);
    },
    async sendAlbum(target, files) {
      const media = files.map((file) => inputMedia(file));
      const messages = await calling(
        'sendMediaGroup',
        raw.sendMediaGroup({
          ...destination(target),
          media: media as InputMediaPhoto[],
        }),
      );
      return messages.map((message) => String(message.message_id));
    },
    async editText(chatId, messageId, text) {
      await calling(
        'editMessageText',
        raw.editMessageText({
          chat_id: chatId,
          message_id: Number(messageId),
          text: text.html,
          parse_mode: 'HTML',
          link_preview_options: { is_disabled: true },
          reply_markup: keyboard(text.rows),
        }),
      );
    },
    async editToFile(chatId, messageId, file, caption) {
      await calling(
        'editMessageMedia',
        raw.editMessageMedia({
          chat_id: chatId,
          message_id: Number(messageId),
          media: { ...inputMedia(file), caption: caption.html, parse_mode: 'HTML' },
          reply_markup: keyboard(caption.rows),
        }),
      );
    },
    async editButtons(chatId, messageId, rows) {
      const edit = { chat_id: chatId, message_id: Number(messageId), reply_markup: keyboard(rows) };
      await calling('editMessageReplyMarkup', raw.editMessageReplyMarkup(edit));
    },
    async deleteMessage(chatId, messageId) {
      await calling('deleteMessage', raw.deleteMessage({ chat_id: chatId, message_id: Number(messageId) }));
    },
    async pinMessage(chatId, messageId) {
      const message = { chat_id: chatId, message_id: Number(messageId), disable_notification: true };
      await calling('pinChatMessage', raw.pinChatMessage(message));
    },
    async showAction({ chatId, threadId }, action) {
      const topic = threadId === undefined ? {} : { message_thread_id: Number(threadId) };
      await calling('sendChatAction', raw.sendChatAction({ chat_id: chatId, action, ...topic }));
    },
    async isChatAdmin(chatId, userId) {
      const member = await calling('getChatMember', raw.getChatMember({ chat_id: chatId, user_id: Number(userId) }));
      return member.status === 'creator' || member.status === 'administrator';
    },
    async answerButton(queryId, text) {
      const answer = text === undefined ? {} : { text: text.slice(0, MAX_ANSWER_CHARS).toWellFormed() };
      await calling('answerCallbackQuery', raw.answerCallbackQuery({ callback_query_id: queryId, ...answer }));
    },
    async download(fileId, maxBytes) {
      const file = await calling('getFile', raw.getFile({ file_id: fileId })).catch((error: unknown) => {
        if (isFailure(error, 'too_large')) throw tooLarge();
        if (isFailure(error, 'refused')) throw fileGone();
        throw error;
      });
      if (file.file_path === undefined || (file.file_size ?? 0) > maxBytes) throw tooLarge();
      if (options.isLocal === true && isAbsolute(file.file_path)) return readLocalFile(file.file_path, maxBytes);
      return downloadFile(`${options.apiRoot}/file/bot${options.token}/${file.file_path}`, maxBytes, callTimeoutMs);
    },
  };
}

/** The address holds the bot's token: it goes into no error, no log and to nobody. */
async function downloadFile(address: string, maxBytes: number, timeoutMs: number): Promise<Uint8Array> {
  try {
    const response = await fetch(address, { signal: AbortSignal.timeout(timeoutMs), redirect: 'error' });
    if (!response.ok || response.body === null) {
      await response.body?.cancel();
      throw new TelegramFailure('unreachable', 'file', `status ${response.status}`);
    }
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    for await (const chunk of response.body) {
      bytes += chunk.length;
      if (bytes > maxBytes) throw tooLarge();
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw new TelegramFailure('unreachable', 'file', 'the download broke off');
  }
}

/** A local Bot API server names the file where it lies on this machine. */
async function readLocalFile(path: string, maxBytes: number): Promise<Uint8Array> {
  try {
    if ((await stat(path)).size > maxBytes) throw tooLarge();
    return await readFile(path);
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw new TelegramFailure('unreachable', 'file', 'the local Bot API server keeps its files elsewhere');
  }
}

function tooLarge(): AppError {
  return new AppError('too_large', 'a file in a chat is too large', {
    publicMessage: {
      en: 'This file is too large: send one of at most 20 MB.',
      zh: '文件太大，请发送不超过 20 MB 的文件。',
    },
  });
}

function fileGone(): AppError {
  return invalidInput('Telegram no longer has this file: send it again.', 'Telegram 已没有该文件，请重新发送。');
}

function destination({ chatId, threadId, replyTo }: MessageTarget) {
  return {
    chat_id: chatId,
    ...(threadId === undefined ? {} : { message_thread_id: Number(threadId) }),
    ...(replyTo === undefined
      ? {}
      : { reply_parameters: { message_id: Number(replyTo), allow_sending_without_reply: true } }),
  };
}

/** An empty keyboard takes away the one that was there. */
function keyboard(rows: readonly (readonly Button[])[]): InlineKeyboardMarkup {
  return {
    inline_keyboard: rows.flatMap((row) =>
      row.length === 0
        ? []
        : [row.map((button) => ('url' in button ? link(button) : { text: button.label, callback_data: button.data }))],
    ),
  };
}

function link({ label, url }: { label: string; url: string }) {
  return { text: label, url };
}

function inputFile(file: Upload): InputFile {
  return new InputFile(file.bytes, file.name);
}

type InputMedia = InputMediaPhoto | InputMediaVideo | InputMediaAnimation | InputMediaAudio | InputMediaDocument;

function inputMedia(file: Upload): InputMedia {
  const media = inputFile(file);
  if (file.kind === 'document') return { type: 'document', media, disable_content_type_detection: true };
  if (file.kind === 'audio') return { type: 'audio', media };
  return { type: file.kind, media, ...coverOf(file) };
}

function coverOf({ isCovered }: Upload): { has_spoiler?: true } {
  return isCovered === true ? { has_spoiler: true } : {};
}
