import type { Logger } from 'pino';
import type { Language } from '@atelier/shared/contracts/identity';
import type { CardFacts, LiveFacts } from '../../../core/cards/card-facts.ts';
import { renderJobCard } from '../../../core/cards/render-job-card.ts';
import type { TelegramCalls } from '../api/telegram-calls.ts';
import { isFailure } from '../api/telegram-failure.ts';
import { drawJobCard, MAX_TEXT_CHARS } from '../cards/draw-job-card.ts';
import type { ChatPacer } from './chat-pacer.ts';
import type { MessageRef } from './message-ref.ts';

/**
 * Keeps placeholders up to date: the latest state of each, at most one edit per 3 s a message, only where the chat has
 * room, and never after its result was begun.
 */
export interface ProgressEdits {
  show(facts: CardFacts, live: LiveFacts): void;
  /** Resolves when no edit of this request is under way; none follows. */
  end(requestId: string): Promise<void>;
  stop(): Promise<void>;
}

export interface ProgressEditsOptions {
  calls: Pick<TelegramCalls, 'editText' | 'showAction'>;
  languageFor: (facts: CardFacts) => Language;
  pacer: ChatPacer;
  /** Where the placeholder stands, once it was sent. */
  findCard: (requestId: string) => Promise<MessageRef | undefined>;
  log: Logger;
  now: () => number;
  everyMs?: number;
}

interface Entry {
  facts: CardFacts;
  live: LiveFacts;
  ref: MessageRef | undefined;
  /** What the message shows. */
  shown: string;
  lastEditAt: number;
  /** Something newer than what is shown may be there. */
  stale: boolean;
  timer: NodeJS.Timeout | undefined;
  editing: Promise<void> | undefined;
}

/** Requests that have ended lately; a late event must not begin them again. */
const maxEnded = 2_000;

export function createProgressEdits(options: ProgressEditsOptions): ProgressEdits {
  const { calls, pacer, log, now } = options;
  const everyMs = options.everyMs ?? 3_000;
  const entries = new Map<string, Entry>();
  const ended = new Set<string>();
  let stopped = false;

  function schedule(requestId: string, entry: Entry): void {
    if (stopped || entry.timer !== undefined || entry.editing !== undefined || !entry.stale) return;
    const roomMs = entry.ref === undefined ? 0 : pacer.delayMs(entry.ref.chatId, 'progress');
    const waitMs = Math.max(0, entry.lastEditAt + everyMs - now(), roomMs);
    entry.timer = setTimeout(() => {
      entry.timer = undefined;
      entry.editing = edit(requestId, entry)
        .catch((error: unknown) => log.debug({ err: error, request_id: requestId }, 'progress could not be shown'))
        .finally(() => {
          entry.editing = undefined;
          if (entries.get(requestId) === entry) schedule(requestId, entry);
        });
    }, waitMs);
  }

  async function edit(requestId: string, entry: Entry): Promise<void> {
    entry.stale = false;
    entry.ref ??= await options.findCard(requestId);
    const { ref } = entry;
    // Its sending is followed by a change, which comes here again.
    if (ref === undefined || entries.get(requestId) !== entry) return;
    const card = renderJobCard(entry.facts, entry.live, options.languageFor(entry.facts));
    const text = drawJobCard(card, MAX_TEXT_CHARS);
    const shown = JSON.stringify(text);
    if (shown === entry.shown) return;
    if (pacer.delayMs(ref.chatId, 'progress') > 0) {
      entry.stale = true;
      return;
    }
    pacer.take(ref.chatId);
    entry.lastEditAt = now();
    try {
      await calls.editText(ref.chatId, ref.messageId, text);
      entry.shown = shown;
      if (card.state === 'running') showWork(ref.chatId, entry.facts);
    } catch (error) {
      if (isFailure(error, 'not_modified')) entry.shown = shown;
      else if (isFailure(error, 'rate_limited')) {
        pacer.silence(ref.chatId, error.afterMs);
        entry.stale = true;
      } else if (isFailure(error, 'message_gone', 'place_closed', 'migrated')) forget(requestId);
      else throw error;
    }
  }

  /** The chat's own sign that the bot is at work; it lasts 5 s, and is worth no trouble. */
  function showWork(chatId: string, { request }: CardFacts): void {
    const { threadId } = request.place;
    const target = { chatId, ...(threadId === undefined ? {} : { threadId }) };
    calls.showAction(target, 'upload_photo').catch((error: unknown) => log.trace({ err: error }, 'no sign of work'));
  }

  function forget(requestId: string): void {
    const entry = entries.get(requestId);
    clearTimeout(entry?.timer);
    entries.delete(requestId);
    ended.add(requestId);
    const [oldest] = ended;
    if (ended.size > maxEnded && oldest !== undefined) ended.delete(oldest);
  }

  return {
    show(facts, live) {
      const { id, finishedAt } = facts.request;
      if (stopped || ended.has(id)) return;
      if (finishedAt !== null) {
        // Its result says the rest, whoever sends it.
        if (entries.get(id)?.editing === undefined) forget(id);
        return;
      }
      const entry = entries.get(id) ?? {
        ref: undefined,
        shown: '',
        lastEditAt: 0,
        timer: undefined,
        editing: undefined,
        facts,
        live,
        stale: true,
      };
      Object.assign(entry, { facts, live, stale: true });
      entries.set(id, entry);
      schedule(id, entry);
    },
    async end(requestId) {
      const editing = entries.get(requestId)?.editing;
      forget(requestId);
      await editing;
    },
    async stop() {
      stopped = true;
      for (const entry of entries.values()) clearTimeout(entry.timer);
      await Promise.all([...entries.values()].map((entry) => entry.editing ?? Promise.resolve()));
    },
  };
}
