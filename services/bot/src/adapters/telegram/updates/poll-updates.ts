import type { Logger } from 'pino';
import { z } from 'zod';
import type { InboxItem } from '@atelier/shared/db/inbox';
import type { TelegramCalls } from '../api/telegram-calls.ts';
import { isFailure } from '../api/telegram-failure.ts';
import { numberedUpdateSchema, toInboxItem } from './storable-update.ts';

export interface UpdatePollOptions {
  calls: Pick<TelegramCalls, 'getUpdates'>;
  /** Commits a batch; what was committed before is not committed again. */
  takeIn: (items: InboxItem[]) => Promise<void>;
  /** After each commit. */
  onTaken: (updates: readonly unknown[]) => void;
  /** Waits, unless it is stopped. */
  pause: (ms: number) => Promise<void>;
  signal: AbortSignal;
  log: Logger;
  /** How long Telegram holds an answer back while there is nothing. */
  waitSeconds?: number;
}

const longestPauseMs = 30_000;
const quickAnswerMs = 250;

/**
 * Asks for updates until it is stopped. Asking for the next ones tells Telegram to forget those before, so that comes
 * only after they were committed. After a crash Telegram gives again what it was not told to forget.
 */
export async function pollUpdates(options: UpdatePollOptions): Promise<void> {
  const { calls, log, signal } = options;
  let offset: number | undefined;
  let failures = 0;
  while (!signal.aborted) {
    const askedAt = performance.now();
    try {
      const updates = z
        .array(numberedUpdateSchema)
        .parse(await calls.getUpdates(offset, options.waitSeconds ?? 25, signal));
      await options.takeIn(updates.map(toInboxItem));
      if (updates.length > 0) options.onTaken(updates);
      offset = updates.reduce((next, { update_id: id }) => Math.max(next ?? 0, id + 1), offset);
      if (failures > 0) log.info('Telegram answers again');
      failures = 0;
      // Some servers answer at once instead of waiting.
      const isQuick = performance.now() - askedAt < quickAnswerMs;
      if (updates.length === 0 && isQuick && !signal.aborted) await options.pause(quickAnswerMs);
    } catch (error) {
      if (signal.aborted) return;
      failures += 1;
      const pauseMs = isFailure(error, 'rate_limited')
        ? error.afterMs
        : Math.min(500 * 2 ** Math.min(failures, 10), longestPauseMs);
      if (failures === 1) log.warn({ err: error, pauseMs }, explain(error));
      else log.debug({ err: error, pauseMs }, 'updates could not be fetched');
      await options.pause(pauseMs);
    }
  }
}

function explain(error: unknown): string {
  if (isFailure(error, 'conflict')) {
    return "another process reads this bot's updates: give each installation a bot of its own, or stop the other one";
  }
  if (isFailure(error, 'unauthorized')) return 'Telegram refuses TELEGRAM_TOKEN: take the present one from BotFather';
  return 'updates could not be fetched from Telegram; trying again';
}
