import type { Logger } from 'pino';
import { type QueueFacts, renderQueueCard } from '../../../core/cards/queue-card.ts';
import type { ChatCore, QueueBoard } from '../../../ports.ts';
import { drawQueueCard } from '../cards/draw-texts.ts';
import { isFailure, toDiscordFailure } from '../messages/discord-failure.ts';
import type { DiscordMessages } from '../messages/discord-messages.ts';
import type { MessageBody } from '../messages/message-body.ts';
import { markerOf } from '../messages/message-marker.ts';
import { parseMessageRef } from '../messages/message-ref.ts';

export interface QueueBoardsDeps {
  chat: Pick<ChatCore, 'watchBoards' | 'keepBoard' | 'readQueue'>;
  messages: Pick<DiscordMessages, 'send' | 'edit' | 'pin' | 'remove'>;
  /** Whether this process answers for the server. */
  owns: (guildId: string | undefined) => boolean;
  log: Logger;
  /** Between two edits of a board. */
  spacingMs?: number;
}

interface Board {
  board: QueueBoard;
  shown: string;
  messageId: string | undefined;
  /** Messages that are replaced: an old one takes few edits. */
  sentAt: number;
  notBefore: number;
  timer: NodeJS.Timeout | undefined;
  working: Promise<void> | undefined;
}

/** Discord allows few edits of a message that is an hour old, so a board is sent anew before. */
const replaceAfterMs = 55 * 60_000;
const retryMs = 60_000;

/** Pinned messages that show the queue and keep themselves up to date: at most one edit per 5 s each. */
export function createQueueBoards(deps: QueueBoardsDeps) {
  const { chat, messages, log } = deps;
  const spacingMs = deps.spacingMs ?? 5_000;
  const boards = new Map<string, Board>();
  let latest: QueueFacts | undefined;
  let unwatch: (() => void) | undefined;
  let stopped = false;

  function take(wanted: readonly QueueBoard[], queue: QueueFacts): void {
    latest = queue;
    const mine = wanted.filter(({ place }) => deps.owns(place.guildId));
    const ids = new Set(mine.map(({ place }) => place.id));
    for (const [id, { timer }] of boards) {
      if (ids.has(id)) continue;
      clearTimeout(timer);
      boards.delete(id);
    }
    for (const board of mine) {
      const known = boards.get(board.place.id);
      if (known !== undefined) known.board = board;
      else boards.set(board.place.id, fresh(board));
    }
    for (const board of boards.values()) schedule(board);
  }

  function fresh(board: QueueBoard): Board {
    const messageId = parseMessageRef(board.messageRef)?.messageId;
    // Of one that an earlier process sent, the age is in its id; it counts as old, so that nothing is refused.
    return { board, shown: '', messageId, sentAt: -Infinity, notBefore: 0, timer: undefined, working: undefined };
  }

  function schedule(one: Board): void {
    if (stopped || one.timer !== undefined || one.working !== undefined) return;
    one.timer = setTimeout(
      () => {
        one.timer = undefined;
        one.working = draw(one).finally(() => {
          one.working = undefined;
        });
      },
      Math.max(0, one.notBefore - performance.now()),
    );
  }

  async function draw(one: Board): Promise<void> {
    const { place, language } = one.board;
    const body = drawQueueCard(
      renderQueueCard(latest ?? (await chat.readQueue()), language),
      markerOf(place.id, 'board'),
    );
    const shown = JSON.stringify(body.components);
    if (shown === one.shown) return;
    try {
      await show(one, body);
      one.shown = shown;
      one.notBefore = performance.now() + spacingMs;
    } catch (error) {
      const failure = toDiscordFailure(error);
      log.info({ reason: failure.message, channel_id: place.id }, 'a queue board could not be drawn');
      one.notBefore = performance.now() + Math.max(retryMs, failure.afterMs);
    }
    // The queue may have moved meanwhile.
    if (boards.get(place.id) === one && latest !== undefined) setImmediate(() => schedule(one));
  }

  async function show(one: Board, body: MessageBody): Promise<void> {
    const { place } = one.board;
    const isOld = performance.now() - one.sentAt > replaceAfterMs;
    if (one.messageId !== undefined && !(isOld && Number.isFinite(one.sentAt))) {
      try {
        await messages.edit(place.id, one.messageId, body);
        return;
      } catch (error) {
        if (!isFailure(error, 'message_gone', 'edited_too_often')) throw error;
        if (isFailure(error, 'message_gone')) one.messageId = undefined;
      }
    }
    const before = one.messageId;
    one.messageId = await messages.send(place.id, body, {});
    one.sentAt = performance.now();
    await chat.keepBoard(place, { channelId: place.id, messageId: one.messageId });
    if (before !== undefined) await messages.remove(place.id, before).catch(() => undefined);
    await messages.pin(place.id, one.messageId).catch((error: unknown) => {
      log.info({ reason: toDiscordFailure(error).message, channel_id: place.id }, 'a queue board is not pinned');
    });
  }

  function pause(): void {
    unwatch?.();
    unwatch = undefined;
    for (const { timer } of boards.values()) clearTimeout(timer);
    boards.clear();
  }

  return {
    start(): void {
      unwatch = chat.watchBoards('discord', take);
    },
    /** Until it is started again: another process draws them. */
    pause,
    async stop(): Promise<void> {
      stopped = true;
      await Promise.all([...boards.values()].flatMap(({ working }) => working ?? []));
      pause();
    },
  };
}
