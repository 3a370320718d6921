import type { ChatPace } from '@atelier/shared/db/deliveries/chat-pace';

/** `owed`: what somebody waits for. `progress`: what may be left out. */
export type Urgency = 'owed' | 'progress';

/**
 * Keeps this bot under Telegram's limits: about 1 message a second in a chat, 20 a minute in a group, 30 a second in
 * all, and silence where Telegram asked for it. Edits count as messages do. Progress leaves part of a group's minute to
 * results. https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this
 */
export interface ChatPacer {
  /** Milliseconds until so many messages, one unless told, may go to this chat together; 0 is now. */
  delayMs(chatId: string, urgency: Urgency, messages?: number): number;
  /** Counts messages that are sent now. */
  take(chatId: string, messages?: number): void;
  /** Somebody waits to send what is owed: progress stays out of the chat until the returned function is called. */
  reserve(chatId: string): () => void;
  /** Telegram asked for silence in this chat. */
  silence(chatId: string, ms: number): void;
  /** What an earlier process still has to obey: silences, and messages of the last minute. */
  remember(pace: ChatPace): void;
}

export interface ChatPacerOptions {
  /** Called with every silence that Telegram asked for, so that it outlives this process. */
  onSilence?: (chatId: string, ms: number) => void;
  /** A second and a minute are divided by it: for a fake whose are, too. */
  timeScale?: number;
}

const secondMs = 1_000;
const fullMinuteMs = 60_000;
const perGroupMinute: Record<Urgency, number> = { owed: 20, progress: 12 };
const perSecond: Record<Urgency, number> = { owed: 30, progress: 20 };
/** Chats whose last minute is remembered. */
const maxChats = 5_000;

export function createChatPacer(now: () => number, options: ChatPacerOptions = {}): ChatPacer {
  const perChatMs = secondMs / (options.timeScale ?? 1);
  const minuteMs = fullMinuteMs / (options.timeScale ?? 1);
  /** Times of the last minute, by chat, oldest first. */
  const byChat = new Map<string, number[]>();
  /** How many wait, by chat. */
  const reserved = new Map<string, number>();
  const silentUntil = new Map<string, number>();
  let lastSecond: number[] = [];

  function recent(chatId: string, at: number): number[] {
    return (byChat.get(chatId) ?? []).filter((time) => time > at - minuteMs);
  }

  function keepSilence(chatId: string, ms: number): void {
    const at = now();
    for (const [chat, until] of silentUntil) if (until <= at) silentUntil.delete(chat);
    silentUntil.set(chatId, Math.max(silentUntil.get(chatId) ?? 0, at + ms));
  }

  return {
    delayMs(chatId, urgency, messages = 1) {
      const at = now();
      const times = recent(chatId, at);
      lastSecond = lastSecond.filter((time) => time > at - perChatMs);
      const waits = [0, (silentUntil.get(chatId) ?? 0) - at];
      if (urgency === 'progress' && reserved.has(chatId)) waits.push(perChatMs);
      const last = times.at(-1);
      if (last !== undefined) waits.push(last + perChatMs - at);
      const oldest = isGroup(chatId) ? times.at(messages - 1 - perGroupMinute[urgency]) : undefined;
      if (oldest !== undefined) waits.push(oldest + minuteMs - at);
      const oldestOfAll = lastSecond.at(messages - 1 - perSecond[urgency]);
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
      keepSilence(chatId, ms);
      options.onSilence?.(chatId, ms);
    },
    remember({ silences, sent }) {
      for (const { chatId, leftMs } of silences) keepSilence(chatId, leftMs);
      const at = now();
      for (const { chatId, agoMs } of sent) {
        byChat.set(
          chatId,
          [...(byChat.get(chatId) ?? []), at - agoMs].toSorted((a, b) => a - b),
        );
      }
    },
  };
}

/** Groups have negative ids. */
function isGroup(chatId: string): boolean {
  return chatId.startsWith('-');
}
