/** `owed`: what somebody waits for. `progress`: what may be left out. */
export type Urgency = 'owed' | 'progress';

/**
 * Keeps this bot under Telegram's limits: about 1 message a second in a chat, 20 a minute in a group, 30 a second in
 * all, and silence where Telegram asked for it. Edits count as messages do. Progress leaves part of a group's minute to
 * results. https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this
 */
export interface ChatPacer {
  /** Milliseconds until a message may go to this chat; 0 is now. */
  delayMs(chatId: string, urgency: Urgency): number;
  /** Counts messages that are sent now. */
  take(chatId: string, messages?: number): void;
  /** Somebody waits to send what is owed: progress stays out of the chat until the returned function is called. */
  reserve(chatId: string): () => void;
  /** Telegram asked for silence in this chat. */
  silence(chatId: string, ms: number): void;
}

const perChatMs = 1_000;
const minuteMs = 60_000;
const perGroupMinute: Record<Urgency, number> = { owed: 20, progress: 12 };
const perSecond: Record<Urgency, number> = { owed: 30, progress: 20 };
/** Chats whose last minute is remembered. */
const maxChats = 5_000;

export function createChatPacer(now: () => number): ChatPacer {
  /** Times of the last minute, by chat, oldest first. */
  const byChat = new Map<string, number[]>();
  /** How many wait, by chat. */
  const reserved = new Map<string, number>();
  const silentUntil = new Map<string, number>();
  let lastSecond: number[] = [];

  function recent(chatId: string, at: number): number[] {
    return (byChat.get(chatId) ?? []).filter((time) => time > at - minuteMs);
  }

  return {
    delayMs(chatId, urgency) {
      const at = now();
      const times = recent(chatId, at);
      lastSecond = lastSecond.filter((time) => time > at - perChatMs);
      const waits = [0, (silentUntil.get(chatId) ?? 0) - at];
      if (urgency === 'progress' && reserved.has(chatId)) waits.push(perChatMs);
      const last = times.at(-1);
      if (last !== undefined) waits.push(last + perChatMs - at);
      const oldest = isGroup(chatId) ? times.at(-perGroupMinute[urgency]) : undefined;
      if (oldest !== undefined) waits.push(oldest + minuteMs - at);
      const oldestOfAll = lastSecond.at(-perSecond[urgency]);
      if (oldestOfAll !== undefined) waits.push(oldestOfAll + perChatMs - at);
      return Math.max(...waits);
    },
    take(chatId, messages = 1) {
      const at = now();
      const sent = Array.from({ length: messages }, () => at);
      const times = [...recent(chatId, at), ...sent];
      byChat.delete(chatId);
      byChat.set(chatId, times);
      lastSecond.push(...sent);
      const [quietest] = byChat.keys();
      if (byChat.size > maxChats && quietest !== undefined) byChat.delete(quietest);
    },
    reserve(chatId) {
      reserved.set(chatId, (reserved.get(chatId) ?? 0) + 1);
      return () => {
        const others = (reserved.get(chatId) ?? 1) - 1;
        if (others > 0) reserved.set(chatId, others);
        else reserved.delete(chatId);
      };
    },
    silence(chatId, ms) {
      const at = now();
      for (const [chat, until] of silentUntil) if (until <= at) silentUntil.delete(chat);
      silentUntil.set(chatId, Math.max(silentUntil.get(chatId) ?? 0, at + ms));
    },
  };
}

/** Groups have negative ids. */
function isGroup(chatId: string): boolean {
  return chatId.startsWith('-');
}
