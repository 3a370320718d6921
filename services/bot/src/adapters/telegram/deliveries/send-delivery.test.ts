import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import type { ClaimedDelivery } from '@atelier/shared/db/deliveries/delivery-store';
import { finishedJob, plan, requestRecord } from '@atelier/shared/db/testing/record-fixtures';
import { noLiveFacts } from '../../../core/cards/card-facts.ts';
import type { TelegramCalls, Upload } from '../api/telegram-calls.ts';
import { TelegramFailure, type TelegramFailureKind } from '../api/telegram-failure.ts';
import { uploadLimits } from '../api/upload-limits.ts';
import { createChatPacer } from './chat-pacer.ts';
import { parseMessageRef } from './message-ref.ts';
import { createDeliverySender } from './send-delivery.ts';

const request = requestRecord({ state: 'succeeded', plan, finishedAt: new Date() });
const result: ClaimedDelivery = {
  id: '44444444-4444-4444-8444-444444444444',
  requestId: request.id,
  door: 'telegram',
  place: { door: 'telegram', id: '-5', threadId: '9', replyTo: '3' },
  kind: 'result',
  epoch: 1,
  attempts: 1,
  triedBefore: false,
  sendingAt: new Date(),
  cardRef: { chatId: '-5', messageId: '70' },
};

interface World {
  pictures?: number;
  isPrivate?: boolean;
  isCovered?: boolean;
  /** What Telegram refuses, by method and place in its calls. */
  refuse?: Partial<Record<string, TelegramFailure[]>>;
  parts?: Record<string, unknown>;
}

/** Sends through a Telegram that notes what it is asked. */
async function send(delivery: ClaimedDelivery, world: World = {}) {
  const asked: string[] = [];
  const recorded: Record<string, string[]>[] = [];
  const moves: string[] = [];
  const silences: string[] = [];
  const texts: string[] = [];
  let lastId = 100;
  const refusals = new Map(Object.entries(world.refuse ?? {}).map(([method, list]) => [method, [...(list ?? [])]]));
  function call<T>(method: string, what: string, answer: T): Promise<T> {
    asked.push(`${method} ${what}`);
    const refusal = refusals.get(method)?.shift();
    return refusal === undefined ? Promise.resolve(answer) : Promise.reject(refusal);
  }
  const newId = (): string => String((lastId += 1));
  const calls: Partial<TelegramCalls> = {
    sendText: ({ chatId, threadId, replyTo }) => call('sendText', `${chatId}/${threadId} to ${replyTo}`, newId()),
    sendFile: ({ chatId }, file) => call('sendFile', `${chatId} ${file.kind}`, newId()),
    sendAlbum: ({ replyTo }, files) =>
      call('sendAlbum', `of ${files.length} to ${replyTo}${coverOf(files)}`, files.map(newId)),
    editText: (chatId, messageId, { html }) => {
      texts.push(html);
      return call('editText', `${chatId}:${messageId}`, undefined);
    },
    editToFile: (chatId, messageId, file) =>
      call('editToFile', `${chatId}:${messageId} ${file.kind}${coverOf([file])}`, undefined),
  };
  let now = 0;
  const sendDelivery = createDeliverySender({
    calls: calls as TelegramCalls,
    pacer: createChatPacer(() => now, { onSilence: (chatId, ms) => silences.push(`${chatId} ${ms}`) }),
    progress: { end: () => Promise.resolve() },
    chat: {
      files: {
        get: () => Promise.resolve(Readable.from([Buffer.from('picture')])),
        head: () => Promise.resolve(undefined),
      },
      live: () => noLiveFacts,
      languageFor: () => 'en',
      moveChat: (_door, fromId, toId) => Promise.resolve(moves.push(`${fromId} to ${toId}`)).then(() => undefined),
      fileUrl: ({ hash }) => `https://atelier.example.org/files/${hash}`,
    },
    limits: uploadLimits(false),
    bot: () => ({ id: 1, username: 'Atelier_bot' }),
    readParts: () => Promise.resolve(world.parts),
    recordParts: (_delivery, parts) => Promise.resolve(recorded.push(parts) > 0),
    pause: (ms) => {
      now += ms;
      return Promise.resolve();
    },
  });
  const jobs = Array.from({ length: world.pictures ?? 1 }, (_, index) => finishedJob(index));
  const marks = { isDeleted: false, isShared: false, isCovered: world.isCovered ?? false };
  const facts = { request: { ...request, isPrivate: world.isPrivate ?? false }, jobs, delivered: true, marks };
  const outcome = await sendDelivery(delivery, () => Promise.resolve(facts));
  return { asked, recorded, outcome, moves, silences, texts };
}

const coverOf = (files: readonly Upload[]) => (files.every((file) => file.isCovered === true) ? ' covered' : '');

function failure(
  kind: TelegramFailureKind,
  more: { afterMs?: number; newChatId?: string; neverReached?: boolean } = {},
): TelegramFailure {
  return new TelegramFailure(kind, 'x', kind, more);
}

describe('createDeliverySender', () => {
  it('sends the placeholder into its topic, as an answer', async () => {
    const { asked, outcome } = await send({ ...result, kind: 'card', cardRef: null });
    expect(asked).toEqual(['sendText -5/9 to 3']);
    expect(outcome).toEqual({ outcome: 'sent', messageRef: { chatId: '-5', messageId: '101' } });
  });

  it('turns the placeholder into the picture; that it is so already is fine', async () => {
    const { asked, outcome } = await send(result, { refuse: { editToFile: [failure('not_modified')] } });
    expect(asked).toEqual(['editToFile -5:70 photo']);
    expect(outcome).toEqual({ outcome: 'sent', messageRef: { chatId: '-5', messageId: '70' } });
  });

  it.each([
    [1, ['editToFile -5:70 photo covered']],
    [3, ['sendAlbum of 3 to 70 covered', 'editText -5:70']],
  ])('covers what is for adults, of %i', async (pictures, calls) => {
    expect((await send(result, { pictures, isCovered: true })).asked).toEqual(calls);
  });

  it('sends the picture anew where the placeholder is gone', async () => {
    const { asked } = await send(result, { refuse: { editToFile: [failure('message_gone')] } });
    expect(asked).toEqual(['editToFile -5:70 photo', 'sendFile -5 photo']);
  });

  it('sends as a document what is refused as a photo', async () => {
    const { asked, outcome } = await send(result, { refuse: { editToFile: [failure('photo_refused')] } });
    expect(asked).toEqual(['editToFile -5:70 photo', 'editToFile -5:70 document']);
    expect(outcome.outcome).toBe('sent');
  });

  it.each([1, 2])('gives a link to what Telegram does not take at all, of %i', async (pictures) => {
    const refusals = [failure('photo_refused'), failure('too_large')];
    const world = { pictures, refuse: { editToFile: refusals, sendAlbum: refusals } };
    const { asked, outcome, texts } = await send(result, world);
    expect(asked.at(-1)).toBe('editText -5:70');
    expect(texts[0]?.match(/https:/g)).toHaveLength(pictures);
    expect(outcome.outcome).toBe('sent');
  });

  it('notes an album before it goes on, and sends none that was noted', async () => {
    const first = await send(result, { pictures: 2 });
    expect(first.asked).toEqual(['sendAlbum of 2 to 70', 'editText -5:70']);
    expect(first.recorded).toEqual([{ albumIds: ['101', '102'] }]);
    const again = await send({ ...result, triedBefore: true }, { pictures: 2, parts: first.recorded[0] ?? {} });
    expect(again.asked).toEqual(['editText -5:70']);
  });

  it('sends the second album only where the first one was noted', async () => {
    const first = await send(result, { pictures: 12, refuse: { sendAlbum: [] } });
    expect(first.asked).toEqual(['sendAlbum of 10 to 70', 'sendAlbum of 2 to 70', 'editText -5:70']);
    const albumIds = (first.recorded[0]?.['albumIds'] ?? []).slice(0, 10);
    const again = await send({ ...result, triedBefore: true }, { pictures: 12, parts: { albumIds } });
    expect(again.asked).toEqual(['sendAlbum of 2 to 70', 'editText -5:70']);
  });

  it('calls to a question: in a group as an answer to who asked, alone as one to the placeholder', async () => {
    const call = { ...result, kind: 'question' as const };
    expect((await send(call)).asked).toEqual(['sendText -5/9 to 3']);
    const alone = { ...call, place: { door: 'telegram' as const, id: '77', userId: '77', replyTo: '3' } };
    expect((await send(alone)).asked).toEqual(['sendText 77/undefined to 70']);
    const direct = { ...call, place: { ...result.place, userId: '77' } };
    expect((await send(direct, { isPrivate: true })).asked).toEqual(['sendText 77/undefined to 70']);
  });

  it('answers in private what was asked in private', async () => {
    const asked = { ...result, place: { ...result.place, userId: '77' }, cardRef: null };
    expect((await send(asked, { isPrivate: true })).asked).toEqual(['sendFile 77 photo']);
  });

  it('says in the group how a person gets a private answer where the bot cannot write to them', async () => {
    const asked = { ...result, place: { ...result.place, userId: '77' }, cardRef: null };
    const world = { isPrivate: true, refuse: { sendFile: [failure('place_closed')] } };
    const { asked: calls, outcome } = await send(asked, world);
    expect(calls).toEqual(['sendFile 77 photo', 'sendText -5/9 to undefined']);
    expect(outcome.outcome).toBe('sent');
  });

  it('never takes what it told the group for the card of a private request', async () => {
    const asked = { ...result, kind: 'card' as const, place: { ...result.place, userId: '77' }, cardRef: null };
    const { outcome } = await send(asked, { isPrivate: true, refuse: { sendText: [failure('place_closed')] } });
    if (outcome.outcome !== 'sent') throw new Error(outcome.outcome);
    expect(parseMessageRef(outcome.messageRef)).toBeUndefined();
  });

  it('is silent where Telegram asked for it, which need not be where the request came from', async () => {
    const asked = { ...result, place: { ...result.place, userId: '77' }, cardRef: null };
    const limited = failure('rate_limited', { afterMs: 9_000 });
    expect((await send(asked, { isPrivate: true, refuse: { sendFile: [limited] } })).silences).toEqual(['77 9000']);
  });

  it('brings a result to its author where the group is closed', async () => {
    const asked = { ...result, place: { ...result.place, userId: '77' } };
    const { asked: calls, outcome } = await send(asked, { refuse: { editToFile: [failure('place_closed')] } });
    expect(calls).toEqual(['editToFile -5:70 photo', 'sendText 77/undefined to undefined', 'sendFile 77 photo']);
    expect(outcome).toMatchObject({ outcome: 'sent', messageRef: { chatId: '77' } });
  });

  it('follows a group that became a supergroup, where the placeholder is not', async () => {
    const moved = failure('migrated', { newChatId: '-1005' });
    const { asked, outcome, moves } = await send(result, { refuse: { editToFile: [moved] } });
    expect(asked).toEqual(['editToFile -5:70 photo', 'sendFile -1005 photo']);
    expect(outcome).toMatchObject({ messageRef: { chatId: '-1005' } });
    expect(moves).toEqual(['-5 to -1005']);
  });

  it.each([
    [failure('rate_limited', { afterMs: 9_000 }), { outcome: 'postponed', afterMs: 9_000, certainlyNotSent: true }],
    [failure('unreachable'), { outcome: 'postponed', certainlyNotSent: false }],
    [failure('unreachable', { neverReached: true }), { outcome: 'postponed', certainlyNotSent: true }],
    [failure('unauthorized'), { outcome: 'postponed', certainlyNotSent: true }],
    [failure('place_closed'), { outcome: 'failed', reason: 'Telegram: place_closed' }],
    [failure('refused'), { outcome: 'failed', reason: 'Telegram: refused' }],
  ])('%s', async (refusal, outcome) => {
    expect((await send(result, { refuse: { editToFile: [refusal] } })).outcome).toMatchObject(outcome);
  });
});
