import { badRequest, TelegramError } from './telegram-error.ts';

/** A file as it lies on Telegram's servers. */
export interface StoredFile {
  fileId: string;
  name: string;
  bytes: Uint8Array;
}

export interface Button {
  text: string;
  callback_data?: string | undefined;
  url?: string | undefined;
}

/** A message as a person sees it. */
export interface ChatMessage {
  messageId: number;
  chatId: number;
  from: 'bot' | 'person';
  /** Without markup. */
  text: string | undefined;
  caption: string | undefined;
  photo: StoredFile | undefined;
  document: StoredFile | undefined;
  /** What moves or sounds. */
  media: { kind: 'video' | 'animation' | 'audio'; file: StoredFile } | undefined;
  /** It is covered until somebody uncovers it. */
  isCovered: boolean;
  /** Of all rows. */
  buttons: Button[];
  rows: Button[][];
  /** The placeholder of a reply that is opened in the person's app. */
  asksReply: string | undefined;
  /** Addresses behind words. */
  links: string[];
  isPinned: boolean;
  threadId: number | undefined;
  replyTo: number | undefined;
  /** Messages of one album share it. */
  albumId: string | undefined;
  /** Every text or caption that it ever showed. */
  history: string[];
  edits: number;
}

export interface Person {
  id: number;
  first_name: string;
  language_code?: string;
}

export interface Chat {
  id: number;
  type: 'private' | 'group' | 'supergroup';
  messages: ChatMessage[];
  /** How the bot was shut out. */
  closed: 'blocked' | 'kicked' | undefined;
  /** The group is now a supergroup with this id. */
  movedTo: number | undefined;
}

export type Content = Pick<
  ChatMessage,
  'text' | 'caption' | 'photo' | 'document' | 'media' | 'isCovered' | 'rows' | 'asksReply' | 'links'
>;
export const nothing: Content = {
  text: undefined,
  caption: undefined,
  photo: undefined,
  document: undefined,
  media: undefined,
  isCovered: false,
  rows: [],
  asksReply: undefined,
  links: [],
};
export type Placement = Partial<Pick<ChatMessage, 'threadId' | 'replyTo' | 'albumId'>>;

/** The chats that the bot is in. */
export interface TelegramChats {
  add(id: number): Chat;
  /** @throws TelegramError where the bot cannot write. */
  writable(id: number): Chat;
  post(chat: Chat, from: 'bot' | 'person', content: Content, placement: Placement): ChatMessage;
  /** @throws TelegramError where it is not there, is not the bot's, or would stay as it is. */
  edit(chat: Chat, messageId: number, content: Content): ChatMessage;
}

export function createTelegramChats(): TelegramChats {
  const chats = new Map<number, Chat>();

  return {
    add(id) {
      const known = chats.get(id);
      if (known !== undefined) return known;
      const chat: Chat = {
        id,
        type: id < 0 ? 'supergroup' : 'private',
        messages: [],
        closed: undefined,
        movedTo: undefined,
      };
      chats.set(id, chat);
      return chat;
    },
    writable(id) {
      const chat = chats.get(id);
      if (chat === undefined) throw badRequest('chat not found');
      if (chat.closed === 'blocked') throw new TelegramError(403, 'Forbidden: bot was blocked by the user');
      if (chat.closed === 'kicked') throw new TelegramError(403, 'Forbidden: bot was kicked from the supergroup chat');
      if (chat.movedTo !== undefined) {
        throw badRequest('group chat was upgraded to a supergroup chat', { migrate_to_chat_id: chat.movedTo });
      }
      return chat;
    },
    post(chat, from, content, placement) {
      const messageId = (chat.messages.at(-1)?.messageId ?? 100) + 1;
      const message: ChatMessage = {
        messageId,
        chatId: chat.id,
        from,
        ...content,
        buttons: content.rows.flat(),
        isPinned: false,
        threadId: placement.threadId,
        replyTo: placement.replyTo,
        albumId: placement.albumId,
        history: [content.text ?? content.caption ?? ''],
        edits: 0,
      };
      chat.messages.push(message);
      return message;
    },
    edit(chat, messageId, content) {
      const message = chat.messages.find((candidate) => candidate.messageId === messageId);
      if (message === undefined) throw badRequest('message to edit not found');
      if (message.from !== 'bot') throw badRequest("message can't be edited");
      if (content.text !== undefined && message.text === undefined) {
        throw badRequest('there is no text in the message to edit');
      }
      if (sameContent(message, content)) {
        throw badRequest(
          'message is not modified: specified new message content and reply markup are exactly the same as a current content and reply markup of the message',
        );
      }
      Object.assign(message, content, { buttons: content.rows.flat() });
      message.edits += 1;
      message.history.push(content.text ?? content.caption ?? '');
      return message;
    },
  };
}

/** An uploaded file is a new one, whatever its bytes. */
function sameContent(message: ChatMessage, content: Content): boolean {
  const seen = ({ text, caption, photo, document, media, isCovered, rows }: Content): string =>
    JSON.stringify([text, caption, photo?.fileId, document?.fileId, media?.file.fileId, isCovered, rows]);
  return seen(message) === seen(content);
}

/** As it travels. https://core.telegram.org/bots/api#message */
export function wireMessage(message: ChatMessage, chat: Chat, from: object): Record<string, unknown> {
  const files = { photo: message.photo, document: message.document };
  return {
    message_id: message.messageId,
    date: 1_750_000_000,
    chat: { id: chat.id, type: chat.type },
    from,
    ...(message.text === undefined ? {} : { text: message.text }),
    ...(message.caption === undefined || message.caption === '' ? {} : { caption: message.caption }),
    ...(message.threadId === undefined ? {} : { message_thread_id: message.threadId, is_topic_message: true }),
    ...(message.albumId === undefined ? {} : { media_group_id: message.albumId }),
    ...(files.photo === undefined ? {} : { photo: [wireFile(files.photo)] }),
    ...(files.document === undefined
      ? {}
      : { document: { ...wireFile(files.document), file_name: files.document.name } }),
    ...(message.media === undefined ? {} : { [message.media.kind]: wireFile(message.media.file) }),
    ...(message.links.length === 0
      ? {}
      : { entities: message.links.map((url) => ({ type: 'text_link', offset: 0, length: 1, url })) }),
    ...(message.rows.length === 0 ? {} : { reply_markup: { inline_keyboard: message.rows } }),
  };
}

function wireFile(file: StoredFile) {
  return { file_id: file.fileId, file_unique_id: file.fileId, file_size: file.bytes.length, width: 1, height: 1 };
}
