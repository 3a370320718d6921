import type { ChatMessage, Person } from './telegram-chats.ts';
import type { SayOptions, TelegramServer } from './telegram-server.ts';
import { untilSeen } from '../until-seen.ts';

/** People who write to the bot, each in a chat of their own, so that none sees another's messages. */
export interface ChatVisitor {
  /** A private chat; its negative is a group. */
  newChat(): number;
  say(chatId: number, text: string, options?: SayOptions): number;
  press(message: ChatMessage, label: string, from?: Person): string;
  change(chatId: number, messageId: number, text: string): void;
  /** The first answer in a chat that is as `seen` says. */
  untilCard(chatId: number, seen: (card: ChatMessage) => boolean): Promise<ChatMessage>;
  /** The answers with a picture. */
  photos(chatId: number): ChatMessage[];
  /** The answers, as far as a failed test should show them. */
  shown(chatId: number): unknown[];
}

/** @param log what is shown beside the chat where nothing is seen in time. */
export function createChatVisitor(telegram: TelegramServer, log: () => string): ChatVisitor {
  let lastChatId = 50_000;

  /** Somebody else in each chat, because nobody may ask too often. */
  function meiOf(chatId: number): Person {
    return { id: Math.abs(chatId), first_name: 'Mei', language_code: 'en' };
  }

  function shown(chatId: number): unknown[] {
    return telegram.replies(chatId).map(({ text, caption, photo, document, buttons, history }) => ({
      text,
      caption,
      photo: photo?.name,
      document: document?.name,
      buttons: buttons.map((button) => button.text),
      history,
    }));
  }

  return {
    newChat: () => (lastChatId += 1),
    say: (chatId, text, options = {}) => telegram.say(chatId, text, { from: meiOf(chatId), ...options }),
    press: (message, label, from = meiOf(message.chatId)) => telegram.press(message, label, from),
    change: (chatId, messageId, text) => telegram.change(chatId, messageId, text, meiOf(chatId)),
    untilCard: (chatId, seen) =>
      untilSeen(() => telegram.replies(chatId).find(seen), {
        what: 'the card',
        state: () => `${JSON.stringify(shown(chatId))}\n${log()}`,
      }),
    photos: (chatId) => telegram.replies(chatId).filter(({ photo }) => photo !== undefined),
    shown,
  };
}
