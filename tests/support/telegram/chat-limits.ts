import { TelegramError } from './telegram-error.ts';

/**
 * Telegram's limits as its documentation states them: about a message a second in a chat (short bursts pass), 20 a minute
 * in a group, 30 a second in all. Who goes over is told when to come back, and is counted when they come earlier.
 * https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this
 */
export interface ChatLimits {
  /** @throws TelegramError 429 where a message to this chat is one too many. */
  take(chatId: number, messages: number): void;
  /** Answers with 429. */
  readonly refused: number;
  /** Messages that came before the time that a refusal had named. */
  readonly early: number;
}

const burst = 3;
const perGroupMinute = 20;
const perSecond = 30;

/** @param timeScale by which a second and a minute are divided. */
export function createChatLimits(timeScale: number, now: () => number): ChatLimits {
  const secondMs = 1_000 / timeScale;
  const minuteMs = 60_000 / timeScale;
  const byChat = new Map<number, number[]>();
  const closedUntil = new Map<number, number>();
  let all: number[] = [];
  let refused = 0;
  let early = 0;

  function refuse(chatId: number, at: number): never {
    refused += 1;
    const seconds = 1;
    closedUntil.set(chatId, at + seconds * 1_000);
    throw new TelegramError(429, `Too Many Requests: retry after ${seconds}`, { retry_after: seconds });
  }

  return {
    take(chatId, messages) {
      const at = now();
      if ((closedUntil.get(chatId) ?? 0) > at) {
        early += 1;
        refuse(chatId, at);
      }
      const lately = (byChat.get(chatId) ?? []).filter((time) => time > at - minuteMs);
      all = all.filter((time) => time > at - secondMs);
      const lastSeconds = lately.filter((time) => time > at - burst * secondMs).length;
      const isGroupFull = chatId < 0 && lately.length + messages > perGroupMinute;
      // An album counts as its messages, and comes at once.
      const isChatFull = lastSeconds >= burst && messages === 1;
      if (isChatFull || isGroupFull || all.length + messages > perSecond) refuse(chatId, at);
      const times = Array.from({ length: messages }, () => at);
      byChat.set(chatId, [...lately, ...times]);
      all.push(...times);
    },
    get refused() {
      return refused;
    },
    get early() {
      return early;
    },
  };
}
