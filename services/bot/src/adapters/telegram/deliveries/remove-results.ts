import type { Logger } from 'pino';
import type { Language } from '@atelier/shared/contracts/identity';
import { type CardFacts, noLiveFacts } from '../../../core/cards/card-facts.ts';
import { renderJobCard } from '../../../core/cards/render-job-card.ts';
import { type ResultRemover, watchDeleted } from '../../../deliveries/watch-deleted.ts';
import type { TelegramCalls } from '../api/telegram-calls.ts';
import { drawJobCard, MAX_TEXT_CHARS } from '../cards/draw-job-card.ts';
import type { ChatPacer } from './chat-pacer.ts';
import type { MessageRef } from './message-ref.ts';
import { waitForRoom } from './wait-for-room.ts';

export interface ResultRemoverOptions {
  calls: Pick<TelegramCalls, 'deleteMessage' | 'editText'>;
  pacer: ChatPacer;
  languageFor: (facts: CardFacts) => Language;
  /** Where its result stands, and where it was shared. */
  findMessages: (requestId: string) => Promise<{ result: MessageRef | undefined; shares: readonly MessageRef[] }>;
  /** Waits, unless the adapter stops. */
  pause: (ms: number) => Promise<void>;
  log: Logger;
}

/**
 * Takes the pictures of a deleted result out of the chats: albums go, the text above them says that they are deleted, and a
 * message that is a picture itself goes as a whole. Telegram lets a bot delete for 48 hours; older messages stay, and
 * their buttons say that the result is deleted. https://core.telegram.org/bots/api#deletemessage
 */
export function createResultRemover(options: ResultRemoverOptions): ResultRemover {
  const { calls, log } = options;

  async function remove(facts: CardFacts): Promise<void> {
    const { result, shares } = await options.findMessages(facts.request.id);
    for (const share of shares) await drop(share.chatId, share.messageId);
    if (facts.request.door !== 'telegram' || result === undefined) return;
    const { chatId, messageId, albumIds = [] } = result;
    for (const albumId of albumIds) await drop(chatId, albumId);
    if (albumIds.length === 0) {
      await drop(chatId, messageId);
      return;
    }
    const card = renderJobCard({ ...facts, delivered: true }, noLiveFacts, options.languageFor(facts));
    await waitForRoom(options, chatId);
    await calls.editText(chatId, messageId, drawJobCard(card, MAX_TEXT_CHARS));
  }

  async function drop(chatId: string, messageId: string): Promise<void> {
    await calls
      .deleteMessage(chatId, messageId)
      .catch((error: unknown) => log.info({ err: error }, 'a message of a deleted result stays'));
  }

  return watchDeleted(remove, log);
}
