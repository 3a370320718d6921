import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { jobRecord, requestRecord } from '@atelier/shared/db/testing/record-fixtures';
import { type CardFacts, type LiveFacts, noLiveFacts } from '../../../core/cards/card-facts.ts';
import { TelegramFailure } from '../api/telegram-failure.ts';
import { createChatPacer } from './chat-pacer.ts';
import { createProgressEdits } from './progress-edits.ts';

const request = requestRecord({ state: 'working', door: 'telegram' });
const job = jobRecord(0, { state: 'running' });
const facts: CardFacts = { request, jobs: [job], delivered: false };

function drawn(fraction: number): LiveFacts {
  const progress = { jobId: job.id, requestId: request.id, fraction, classType: 'KSampler', elapsedMs: 1 };
  return { ...noLiveFacts, progress: new Map([[job.id, progress]]) };
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** Progress of one request whose placeholder stands in a chat; `answer` is what Telegram says to each edit. */
function worldOf(answer: () => Promise<void> = () => Promise.resolve()) {
  const pacer = createChatPacer(Date.now);
  const edits: { at: number; percent: string | undefined }[] = [];
  const start = Date.now();
  const progress = createProgressEdits({
    calls: {
      editText(_chatId, _messageId, { html }) {
        edits.push({ at: Date.now() - start, percent: /(\d+) %/.exec(html)?.[1] });
        return answer();
      },
      showAction: () => Promise.resolve(),
    },
    languageFor: () => 'en',
    pacer,
    findCard: () => Promise.resolve({ chatId: '1', messageId: '7' }),
    log: pino({ level: 'silent' }),
    now: Date.now,
  });
  return { pacer, progress, edits };
}

describe('createProgressEdits', () => {
  it('shows the latest of many states, every 3 s', async () => {
    const { progress, edits } = worldOf();
    for (let percent = 1; percent <= 70; percent += 1) {
      progress.show(facts, drawn(percent / 100));
      await vi.advanceTimersByTimeAsync(100);
    }
    expect(edits).toEqual([
      { at: 0, percent: '1' },
      { at: 3_000, percent: '30' },
      { at: 6_000, percent: '60' },
    ]);
  });

  it('does not edit what already reads so', async () => {
    const { progress, edits } = worldOf();
    progress.show(facts, drawn(0.5));
    await vi.advanceTimersByTimeAsync(4_000);
    progress.show(facts, drawn(0.501));
    await vi.advanceTimersByTimeAsync(4_000);
    expect(edits).toHaveLength(1);
  });

  it('says nothing while Telegram wants silence, then the latest', async () => {
    let limited = true;
    const { progress, edits } = worldOf(() => {
      if (!limited) return Promise.resolve();
      limited = false;
      return Promise.reject(new TelegramFailure('rate_limited', 'editMessageText', 'wait', { afterMs: 9_000 }));
    });
    progress.show(facts, drawn(0.1));
    await vi.advanceTimersByTimeAsync(5_000);
    progress.show(facts, drawn(0.6));
    await vi.advanceTimersByTimeAsync(5_000);
    expect(edits).toEqual([
      { at: 0, percent: '10' },
      { at: 9_000, percent: '60' },
    ]);
  });

  it('leaves the chat to what is owed', async () => {
    const { progress, edits, pacer } = worldOf();
    const release = pacer.reserve('1');
    progress.show(facts, drawn(0.1));
    await vi.advanceTimersByTimeAsync(5_000);
    expect(edits).toHaveLength(0);
    release();
    await vi.advanceTimersByTimeAsync(4_000);
    expect(edits).toHaveLength(1);
  });

  it('ends only after the edit that is under way, and nothing follows', async () => {
    const gate = Promise.withResolvers<void>();
    const { progress, edits } = worldOf(() => gate.promise);
    progress.show(facts, drawn(0.1));
    await vi.advanceTimersByTimeAsync(10);
    let ended = false;
    const ending = progress.end(request.id).then(() => {
      ended = true;
    });
    await vi.advanceTimersByTimeAsync(10);
    expect(ended).toBe(false);
    gate.resolve();
    await ending;
    progress.show(facts, drawn(0.9));
    await vi.advanceTimersByTimeAsync(10_000);
    expect(edits).toHaveLength(1);
  });

  it.each(['message_gone', 'place_closed'] as const)('gives up where the card is %s', async (kind) => {
    const { progress, edits } = worldOf(() => Promise.reject(new TelegramFailure(kind, 'editMessageText', 'gone')));
    progress.show(facts, drawn(0.1));
    await vi.advanceTimersByTimeAsync(4_000);
    progress.show(facts, drawn(0.5));
    await vi.advanceTimersByTimeAsync(4_000);
    expect(edits).toHaveLength(1);
  });
});
