import { TelegramFailure } from '../api/telegram-failure.ts';
import type { ChatPacer } from './chat-pacer.ts';

export interface RoomDeps {
  pacer: ChatPacer;
  /** Waits, unless the adapter stops. */
  pause: (ms: number) => Promise<void>;
}

/**
 * Waits until messages that are owed may go to a chat, and counts them as sent.
 *
 * @throws TelegramFailure `rate_limited` where it would take longer than `longestWaitMs`: nothing was sent.
 */
export async function waitForRoom(
  { pacer, pause }: RoomDeps,
  chatId: string,
  { messages = 1, longestWaitMs = Number.POSITIVE_INFINITY }: { messages?: number; longestWaitMs?: number } = {},
): Promise<void> {
  const release = pacer.reserve(chatId);
  try {
    for (;;) {
      const delayMs = pacer.delayMs(chatId, 'owed', messages);
      if (delayMs <= 0) break;
      if (delayMs > longestWaitMs) {
        throw new TelegramFailure('rate_limited', 'none', 'the chat has no room yet', { afterMs: delayMs });
      }
      await pause(delayMs);
    }
    pacer.take(chatId, messages);
  } finally {
    release();
  }
}
