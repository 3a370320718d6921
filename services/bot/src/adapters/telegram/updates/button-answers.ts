import type { Logger } from 'pino';
import type { TelegramCalls } from '../api/telegram-calls.ts';

/**
 * Ends the waiting of pressed buttons: with what came of it where that is known in time, else without words. Telegram's
 * apps show a spinner until then.
 */
export interface ButtonAnswers {
  /** The button was pressed: it is answered soon, whatever happens. */
  expect(queryId: string): void;
  /** False: it was answered without these words; say them otherwise. */
  answer(queryId: string, text?: string): boolean;
  /** Answers what still waits. */
  stop(): Promise<void>;
}

const patienceMs = 700;

export function createButtonAnswers(calls: Pick<TelegramCalls, 'answerButton'>, log: Logger): ButtonAnswers {
  const waiting = new Map<string, NodeJS.Timeout>();
  const underway = new Set<Promise<void>>();

  function answer(queryId: string, text?: string): boolean {
    const timer = waiting.get(queryId);
    // After a restart nobody waits for it any more.
    if (timer === undefined) return false;
    clearTimeout(timer);
    waiting.delete(queryId);
    const call = calls
      .answerButton(queryId, text)
      .catch((error: unknown) => log.debug({ err: error }, 'a pressed button could not be answered'))
      .finally(() => underway.delete(call));
    underway.add(call);
    return true;
  }

  return {
    expect(queryId) {
      if (waiting.has(queryId)) return;
      waiting.set(
        queryId,
        setTimeout(() => answer(queryId), patienceMs),
      );
    },
    answer,
    async stop() {
      for (const queryId of waiting.keys()) answer(queryId);
      await Promise.all(underway);
    },
  };
}
