import { pino } from 'pino';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { requestRecord } from '@atelier/shared/db/testing/record-fixtures';
import type { QueueFacts } from '../../../core/cards/queue-card.ts';
import type { QueueBoard } from '../../../ports.ts';
import { TelegramFailure } from '../api/telegram-failure.ts';
import { createChatPacer } from './chat-pacer.ts';
import { createQueueBoards } from './queue-boards.ts';

const board: QueueBoard = { place: { door: 'telegram', id: '-5' }, language: 'en' };
const empty: QueueFacts = { open: [], forecasts: new Map() };
const busy: QueueFacts = { open: [requestRecord({ state: 'accepted' })], forecasts: new Map() };

const queueIn = (html: string): string => (html.includes('Nothing waits') ? 'empty' : 'busy');

function worldOf(options: { gate?: Promise<void>; refuse?: Error[]; keepFails?: boolean } = {}) {
  const asked: string[] = [];
  const refusals = [...(options.refuse ?? [])];
  const boards = createQueueBoards({
    calls: {
      async sendText(_target, { html }) {
        asked.push(`send ${queueIn(html)}`);
        await options.gate;
        return '70';
      },
      editText(_chatId, messageId, { html }) {
        asked.push(`edit ${messageId} ${queueIn(html)}`);
        const refusal = refusals.shift();
        return refusal === undefined ? Promise.resolve() : Promise.reject(refusal);
      },
      pinMessage: () => Promise.resolve(),
    },
    pacer: createChatPacer(() => Date.now()),
    keepBoard: () =>
      options.keepFails === true ? Promise.reject(new Error('the database is away')) : Promise.resolve(),
    log: pino({ level: 'silent' }),
    now: () => Date.now(),
    everyMs: 1_000,
  });
  return { boards, asked };
}

describe('createQueueBoards', () => {
  afterEach(() => void vi.useRealTimers());

  it('shows what changed while a board was being drawn', async () => {
    vi.useFakeTimers();
    const gate = Promise.withResolvers<void>();
    const { boards, asked } = worldOf({ gate: gate.promise });
    boards.show([board], busy);
    await vi.advanceTimersByTimeAsync(10);
    boards.show([board], empty);
    await vi.advanceTimersByTimeAsync(10);
    gate.resolve();
    await vi.advanceTimersByTimeAsync(3_000);
    expect(asked).toEqual(['send busy', 'edit 70 empty']);
    await boards.stop();
  });

  it('tries again by itself after Telegram wanted silence', async () => {
    vi.useFakeTimers();
    const refuse = [new TelegramFailure('rate_limited', 'x', 'x', { afterMs: 5_000 })];
    const { boards, asked } = worldOf({ refuse });
    boards.show([{ ...board, messageRef: { chatId: '-5', messageId: '9' } }], empty);
    await vi.advanceTimersByTimeAsync(4_900);
    expect(asked).toEqual(['edit 9 empty']);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(asked).toEqual(['edit 9 empty', 'edit 9 empty']);
    await boards.stop();
  });

  it('sends no second board where the first could not be noted', async () => {
    vi.useFakeTimers();
    const { boards, asked } = worldOf({ keepFails: true });
    boards.show([board], busy);
    await vi.advanceTimersByTimeAsync(10);
    boards.show([board], empty);
    await vi.advanceTimersByTimeAsync(3_000);
    expect(asked).toEqual(['send busy', 'edit 70 empty']);
    await boards.stop();
  });
});
