import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createChatPacer, type Urgency } from './chat-pacer.ts';

function pacerAt(start = 1_000_000) {
  const clock = { now: start };
  return { clock, pacer: createChatPacer(() => clock.now) };
}

describe('createChatPacer', () => {
  it('lets a chat have a message a second, and other chats theirs meanwhile', () => {
    const { clock, pacer } = pacerAt();
    expect(pacer.delayMs('1', 'owed')).toBe(0);
    pacer.take('1');
    expect(pacer.delayMs('1', 'owed')).toBe(1_000);
    expect(pacer.delayMs('2', 'owed')).toBe(0);
    clock.now += 1_000;
    expect(pacer.delayMs('1', 'owed')).toBe(0);
  });

  it('is silent in a chat as long as Telegram asked, and not shorter for a second, smaller wish', () => {
    const { clock, pacer } = pacerAt();
    pacer.silence('1', 30_000);
    pacer.silence('1', 2_000);
    expect(pacer.delayMs('1', 'owed')).toBe(30_000);
    clock.now += 30_000;
    expect(pacer.delayMs('1', 'owed')).toBe(0);
  });

  it('goes on obeying what an earlier process was told and did', () => {
    const told: [string, number][] = [];
    const clock = { now: 1_000_000 };
    const pacer = createChatPacer(() => clock.now, { onSilence: (chatId, ms) => told.push([chatId, ms]) });
    const sent = Array.from({ length: 20 }, (_, index) => ({ chatId: '-7', agoMs: 2_000 + index * 1_000 }));
    pacer.remember({ silences: [{ chatId: '1', leftMs: 9_000 }], sent });
    expect(pacer.delayMs('1', 'owed')).toBe(9_000);
    // The group's oldest message of the minute is 21 s old.
    expect(pacer.delayMs('-7', 'owed')).toBe(39_000);
    expect(told).toEqual([]);
    pacer.silence('2', 5_000);
    expect(told).toEqual([['2', 5_000]]);
  });

  it('lets an album wait until all of it fits into the minute of a group', () => {
    const { clock, pacer } = pacerAt();
    for (let sent = 0; sent < 12; sent += 1) {
      pacer.take('-1');
      clock.now += 1_000;
    }
    expect(pacer.delayMs('-1', 'owed')).toBe(0);
    expect(pacer.delayMs('-1', 'owed', 8)).toBe(0);
    // The first two of the minute must be over.
    expect(pacer.delayMs('-1', 'owed', 10)).toBe(49_000);
  });

  it('keeps progress out where something is owed', () => {
    const { pacer } = pacerAt();
    const release = pacer.reserve('1');
    const releaseOther = pacer.reserve('1');
    expect(pacer.delayMs('1', 'progress')).toBeGreaterThan(0);
    expect(pacer.delayMs('1', 'owed')).toBe(0);
    release();
    expect(pacer.delayMs('1', 'progress')).toBeGreaterThan(0);
    releaseOther();
    expect(pacer.delayMs('1', 'progress')).toBe(0);
  });

  it('never goes over a limit, whatever is sent when, and leaves a group room for results', () => {
    const step = fc.record({
      chat: fc.constantFrom('1', '-1', '-2'),
      urgency: fc.constantFrom<Urgency>('owed', 'progress'),
      waitMs: fc.integer({ min: 0, max: 1_500 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const { clock, pacer } = pacerAt();
        const sent: { chat: string; urgency: Urgency; at: number }[] = [];
        for (const { chat, urgency, waitMs } of steps) {
          clock.now += waitMs;
          if (pacer.delayMs(chat, urgency) > 0) continue;
          pacer.take(chat);
          sent.push({ chat, urgency, at: clock.now });
        }
        for (const { chat, urgency, at } of sent) {
          const minute = sent.filter((other) => other.chat === chat && other.at > at - 60_000 && other.at <= at);
          expect(minute.filter((other) => other.at > at - 1_000)).toHaveLength(1);
          // A private chat has no limit for the minute but the one for the second.
          const most = chat.startsWith('-') ? { owed: 20, progress: 12 }[urgency] : 60;
          expect(minute.length).toBeLessThanOrEqual(most);
        }
      }),
      { numRuns: 100, seed: 11 },
    );
  });

  it('sends at the promised time', () => {
    const { clock, pacer } = pacerAt();
    for (let sent = 0; sent < 45; sent += 1) {
      clock.now += pacer.delayMs('-1', 'owed');
      expect(pacer.delayMs('-1', 'owed')).toBe(0);
      pacer.take('-1');
    }
    expect(clock.now - 1_000_000).toBeGreaterThanOrEqual(120_000);
  });

  it('goes no faster than 30 a second over all chats', () => {
    const { clock, pacer } = pacerAt();
    for (let chat = 1; chat <= 30; chat += 1) pacer.take(String(chat));
    expect(pacer.delayMs('99', 'owed')).toBe(1_000);
    clock.now += 1_000;
    expect(pacer.delayMs('99', 'owed')).toBe(0);
  });
});
