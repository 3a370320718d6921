import type { Logger } from 'pino';
import type { Place } from '@atelier/shared/contracts/identity';
import type { QueueFacts } from '../../../core/cards/queue-card.ts';
import { renderQueueCard } from '../../../core/cards/queue-card.ts';
import type { QueueBoard } from '../../../ports.ts';
import type { TelegramCalls } from '../api/telegram-calls.ts';
import { isFailure } from '../api/telegram-failure.ts';
import { drawQueueCard } from '../cards/draw-texts.ts';
import type { ChatPacer } from './chat-pacer.ts';
import { type MessageRef, parseMessageRef } from './message-ref.ts';

export interface QueueBoardsOptions {
  calls: Pick<TelegramCalls, 'sendText' | 'editText' | 'pinMessage'>;
  pacer: ChatPacer;
  /** Notes where a board's message stands. */
  keepBoard: (place: Place, messageRef: Record<string, string>) => Promise<void>;
  log: Logger;
  now: () => number;
  /** Least time between two edits of one board. */
  everyMs?: number;
}

export interface QueueBoards {
  show(boards: readonly QueueBoard[], queue: QueueFacts): void;
  stop(): Promise<void>;
}

/** Keeps a pinned message in each chat that wants one at the queue's latest state, where the chat has room. */
export function createQueueBoards(options: QueueBoardsOptions): QueueBoards {
  const { calls, pacer, log, now } = options;
  const everyMs = options.everyMs ?? 15_000;
  /** What each board shows, since when, and where: its note of that may be late, or lost with the database. */
  const shown = new Map<string, { html: string; at: number; ref: MessageRef }>();
  let latest: { boards: readonly QueueBoard[]; queue: QueueFacts } | undefined;
  let timer: NodeJS.Timeout | undefined;
  let working: Promise<void> | undefined;
  /** Something changed while boards were drawn. */
  let again = false;
  let stopped = false;

  function schedule(waitMs: number): void {
    if (stopped || timer !== undefined) return;
    timer = setTimeout(() => {
      timer = undefined;
      if (working !== undefined) {
        again = true;
        return;
      }
      working = update().finally(() => {
        working = undefined;
        if (again) schedule(0);
        again = false;
      });
    }, waitMs);
  }

  async function update(): Promise<void> {
    if (latest === undefined) return;
    const { boards, queue } = latest;
    for (const board of boards) {
      try {
        await draw(board, queue);
      } catch (error) {
        if (isFailure(error, 'rate_limited')) pacer.silence(board.place.id, error.afterMs);
        // The last change of a day has none after it.
        if (isFailure(error, 'rate_limited', 'unreachable')) schedule(everyMs);
        log.debug({ err: error, chat: board.place.id }, 'a queue board could not be drawn; again later');
      }
    }
  }

  async function draw(board: QueueBoard, queue: QueueFacts): Promise<void> {
    const { place, language, messageRef } = board;
    const key = `${place.id}:${place.threadId ?? ''}`;
    const text = drawQueueCard(renderQueueCard(queue, language));
    const before = shown.get(key);
    if (before?.html === text.html) return;
    const waitMs = Math.max(
      pacer.delayMs(place.id, 'progress'),
      before === undefined ? 0 : before.at + everyMs - now(),
    );
    if (waitMs > 0) {
      schedule(waitMs);
      return;
    }
    pacer.take(place.id);
    const ref = before?.ref ?? parseMessageRef(messageRef);
    if (ref !== undefined && (await edited(ref.chatId, ref.messageId, text))) {
      shown.set(key, { html: text.html, at: now(), ref });
      return;
    }
    const target = { chatId: place.id, ...(place.threadId === undefined ? {} : { threadId: place.threadId }) };
    const messageId = await calls.sendText(target, text);
    shown.set(key, { html: text.html, at: now(), ref: { chatId: place.id, messageId } });
    await options.keepBoard(place, { chatId: place.id, messageId });
    await calls
      .pinMessage(place.id, messageId)
      .catch((error: unknown) => log.debug({ err: error }, 'the board is not pinned'));
  }

  /** False where it is no longer there. */
  async function edited(
    chatId: string,
    messageId: string,
    text: Parameters<TelegramCalls['editText']>[2],
  ): Promise<boolean> {
    try {
      await calls.editText(chatId, messageId, text);
      return true;
    } catch (error) {
      if (isFailure(error, 'not_modified')) return true;
      if (isFailure(error, 'message_gone')) return false;
      throw error;
    }
  }

  return {
    show(boards, queue) {
      latest = { boards, queue };
      if (boards.length > 0) schedule(0);
    },
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await working;
    },
  };
}
