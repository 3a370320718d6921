import { Api, InputFile } from 'grammy';
import type { InlineKeyboardMarkup, InputMediaDocument, InputMediaPhoto } from 'grammy/types';
import { z } from 'zod';
import type { Language } from '@atelier/shared/contracts/identity';
import { AppError } from '@atelier/shared/errors/app-error';
import { TelegramFailure, toTelegramFailure } from './telegram-failure.ts';

/** Where a message goes, and what it answers. */
export interface MessageTarget {
  chatId: string;
  /** Topic of a forum group. */
  threadId?: string;
  /** The message that is answered; it may be gone. */
  replyTo?: string;
}

export interface Button {
  label: string;
  /** At most 64 bytes. */
  data: string;
}

/** HTML as Telegram takes it, with at most one row of buttons. */
export interface DrawnText {
  html: string;
  buttons: readonly Button[];
}

/** A picture or a file that goes up. */
export interface Upload {
  kind: 'photo' | 'document';
  bytes: Uint8Array;
  name: string;
}

export interface CommandMenu {
  language: Language | undefined;
  commands: readonly { command: string; description: string }[];
}

/** The calls that this bot makes. Every one throws {@link TelegramFailure}; none waits or repeats by itself. */
export interface TelegramCalls {
  getMe(): Promise<BotAccount>;
  /** Waits up to `waitSeconds` for updates from this one on; all before it count as taken in. As they came. */
  getUpdates(offset: number | undefined, waitSeconds: number, signal: AbortSignal): Promise<unknown[]>;
  /** Updates go to who asks for them, not to an address; none is dropped. */
  deleteWebhook(): Promise<void>;
  setCommands(menu: CommandMenu): Promise<void>;
  /** @returns the message's id. */
  sendText(target: MessageTarget, text: DrawnText): Promise<string>;
  sendFile(target: MessageTarget, file: Upload, caption: DrawnText): Promise<string>;
  /** 2 to 10 files, all of one kind. @returns the ids of its messages. */
  sendAlbum(target: MessageTarget, files: readonly Upload[]): Promise<string[]>;
  editText(chatId: string, messageId: string, text: DrawnText): Promise<void>;
  /** Turns a message, also one of text, into the file. */
  editToFile(chatId: string, messageId: string, file: Upload, caption: DrawnText): Promise<void>;
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
  /** Under the lease of a delivery, so that nobody sends it again while this one still may. */
  callTimeoutMs?: number;
}

/** The library's own type, of a stand-in for what Node has; it uses what both have. */
type CallSignal = Parameters<Api['getUpdates']>[1];

const maxAnswerChars = 200;

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
      throw toTelegramFailure(method, error);
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
        allowed_updates: ['message', 'callback_query'] as const,
      };
      return await calling('getUpdates', raw.getUpdates(query, signal as CallSignal));
    },
    async deleteWebhook() {
      await calling('deleteWebhook', raw.deleteWebhook({ drop_pending_updates: false }));
    },
    async setCommands({ language, commands }) {
      const menu = { commands: [...commands], ...(language === undefined ? {} : { language_code: language }) };
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
          reply_markup: keyboard(text.buttons),
        }),
      );
      return String(message.message_id);
    },
    async sendFile(target, file, caption) {
      const input = inputFile(file);
      const common = {
        ...destination(target),
        caption: caption.html,
        parse_mode: 'HTML',
        reply_markup: keyboard(caption.buttons),
      } as const;
      const message =
        file.kind === 'photo'
          ? await calling('sendPhoto', raw.sendPhoto({ ...common, photo: input }))
          : await calling('sendDocument', raw.sendDocument({ ...common, document: input }));
      return String(message.message_id);
    },
    async sendAlbum(target, files) {
      const media = files.map((file) => inputMedia(file));
      const messages = await calling(
        'sendMediaGroup',
        raw.sendMediaGroup({
          ...destination(target),
          media: media as InputMediaPhoto[] | InputMediaDocument[],
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
          reply_markup: keyboard(text.buttons),
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
          reply_markup: keyboard(caption.buttons),
        }),
      );
    },
    async answerButton(queryId, text) {
      const answer = text === undefined ? {} : { text: text.slice(0, maxAnswerChars).toWellFormed() };
      await calling('answerCallbackQuery', raw.answerCallbackQuery({ callback_query_id: queryId, ...answer }));
    },
    async download(fileId, maxBytes) {
      const file = await calling('getFile', raw.getFile({ file_id: fileId }));
      if (file.file_path === undefined || (file.file_size ?? 0) > maxBytes) throw tooLarge();
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

function tooLarge(): AppError {
  return new AppError('too_large', 'a file in a chat is too large', {
    publicMessage: {
      en: 'This picture is too large: send one of at most 20 MB.',
      zh: '图片太大，请发送不超过 20 MB 的图片。',
    },
  });
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
function keyboard(buttons: readonly Button[]): InlineKeyboardMarkup {
  const row = buttons.map(({ label, data }) => ({ text: label, callback_data: data }));
  return { inline_keyboard: row.length === 0 ? [] : [row] };
}

function inputFile(file: Upload): InputFile {
  return new InputFile(file.bytes, file.name);
}

function inputMedia(file: Upload): InputMediaPhoto | InputMediaDocument {
  return file.kind === 'photo'
    ? { type: 'photo', media: inputFile(file) }
    : { type: 'document', media: inputFile(file), disable_content_type_detection: true };
}
