import type { ClaimedDelivery } from '@atelier/shared/db/deliveries/delivery-store';
import { noLiveFacts, type CardFacts } from '../../../core/cards/card-facts.ts';
import type { JobCard } from '../../../core/cards/job-card.ts';
import { renderJobCard } from '../../../core/cards/render-job-card.ts';
import type { ChatCore, SendOutcome } from '../../../ports.ts';
import type { MessageTarget, TelegramCalls } from '../api/telegram-calls.ts';
import { isFailure, TelegramFailure } from '../api/telegram-failure.ts';
import { drawJobCard, MAX_CAPTION_CHARS, MAX_TEXT_CHARS } from '../cards/draw-job-card.ts';
import { preparePictures } from '../cards/prepare-pictures.ts';
import type { ChatPacer } from './chat-pacer.ts';
import { parseMessageRef, sentPartsSchema, type MessageRef } from './message-ref.ts';
import type { ProgressEdits } from './progress-edits.ts';
import { waitForRoom } from './wait-for-room.ts';

export interface DeliverySenderDeps {
  calls: TelegramCalls;
  pacer: ChatPacer;
  progress: Pick<ProgressEdits, 'end'>;
  files: ChatCore['files'];
  live: ChatCore['live'];
  /** What earlier tries of a delivery noted, and noting it; false: the lease is lost. */
  readParts: (delivery: ClaimedDelivery) => Promise<Record<string, unknown> | undefined>;
  recordParts: (delivery: ClaimedDelivery, parts: Record<string, string[]>) => Promise<boolean>;
  /** Waits, unless the adapter stops. */
  pause: (ms: number) => Promise<void>;
}

/** Longer waits go back to the database, so that other chats have the place. */
const longestWaitMs = 1_200;
/** Telegram was away: nobody knows whether the message arrived. */
const awayMs = 5_000;
const brokenTokenMs = 60_000;

/**
 * Sends what is owed. The placeholder becomes the result by an edit, which may be repeated; several pictures go as an
 * album that answers the placeholder, noted in between, and the placeholder becomes the final text with the buttons.
 * New messages can double only where the process dies, or Telegram's answer is lost, between their arrival and the note
 * of it: bots cannot read a chat back.
 */
export function createDeliverySender(deps: DeliverySenderDeps) {
  const { calls, pacer } = deps;

  /** @throws TelegramFailure `rate_limited` where it takes too long; nothing was sent. */
  function room(chatId: string, messages = 1): Promise<void> {
    return waitForRoom(deps, chatId, { messages, longestWaitMs });
  }

  async function sendCard(target: MessageTarget, facts: CardFacts): Promise<MessageRef> {
    const card = renderJobCard(facts, deps.live(), facts.request.language);
    await room(target.chatId);
    const messageId = await calls.sendText(target, drawJobCard(card, MAX_TEXT_CHARS));
    return { chatId: target.chatId, messageId };
  }

  async function sendResult(target: MessageTarget, delivery: ClaimedDelivery, facts: CardFacts): Promise<MessageRef> {
    await deps.progress.end(delivery.requestId);
    const card = renderJobCard(facts, noLiveFacts, facts.request.language);
    const images = card.tiles.flatMap((tile) => (tile.image === undefined ? [] : [tile.image]));
    const placeholder = parseMessageRef(delivery.cardRef);
    // A chat that has moved took no message of ours with it.
    const ref = placeholder?.chatId === target.chatId ? placeholder : undefined;
    if (images.length === 0) return turnIntoText(target, ref, card);
    if (images.length === 1) return turnIntoPicture(target, ref, card, images);
    await sendAlbumOnce(target, delivery, ref, images);
    return turnIntoText(target, ref, card);
  }

  async function turnIntoText(target: MessageTarget, ref: MessageRef | undefined, card: JobCard): Promise<MessageRef> {
    const text = drawJobCard(card, MAX_TEXT_CHARS);
    await room(target.chatId);
    if (ref !== undefined && (await edited(calls.editText(ref.chatId, ref.messageId, text)))) return ref;
    return { chatId: target.chatId, messageId: await calls.sendText(target, text) };
  }

  async function turnIntoPicture(
    target: MessageTarget,
    ref: MessageRef | undefined,
    card: JobCard,
    images: Parameters<typeof preparePictures>[0],
  ): Promise<MessageRef> {
    const caption = drawJobCard(card, MAX_CAPTION_CHARS);
    for (const as of ['photo', 'document'] as const) {
      const [file] = (await preparePictures(images, { files: deps.files, as })).files;
      if (file === undefined) break;
      await room(target.chatId);
      try {
        if (ref !== undefined && (await edited(calls.editToFile(ref.chatId, ref.messageId, file, caption)))) return ref;
        return { chatId: target.chatId, messageId: await calls.sendFile(target, file, caption) };
      } catch (error) {
        if (!isFailure(error, 'photo_refused')) throw error;
      }
    }
    // It has expired, or nothing makes Telegram take it: the words and the buttons are still owed.
    return turnIntoText(target, ref, card);
  }

  async function sendAlbumOnce(
    target: MessageTarget,
    delivery: ClaimedDelivery,
    ref: MessageRef | undefined,
    images: Parameters<typeof preparePictures>[0],
  ): Promise<void> {
    if (sentPartsSchema.safeParse(await deps.readParts(delivery)).success) return;
    const to = ref === undefined ? target : { ...target, replyTo: ref.messageId };
    for (const as of ['photo', 'document'] as const) {
      const { files } = await preparePictures(images, { files: deps.files, as });
      const [first, second] = files;
      if (first === undefined) return;
      await room(target.chatId, files.length);
      try {
        const albumIds =
          second === undefined
            ? [await calls.sendFile(to, first, { html: '', buttons: [] })]
            : await calls.sendAlbum(to, files);
        await deps.recordParts(delivery, { albumIds });
        return;
      } catch (error) {
        if (!isFailure(error, 'photo_refused')) throw error;
      }
    }
  }

  async function send(delivery: ClaimedDelivery, facts: CardFacts, chatId: string): Promise<MessageRef> {
    const { threadId, replyTo } = delivery.place;
    const moved = chatId !== delivery.place.id;
    const target: MessageTarget = {
      chatId,
      ...(threadId === undefined ? {} : { threadId }),
      ...(replyTo === undefined || moved ? {} : { replyTo }),
    };
    return delivery.kind === 'card' ? sendCard(target, facts) : sendResult(target, delivery, facts);
  }

  return async function sendDelivery(
    delivery: ClaimedDelivery,
    readFacts: () => Promise<CardFacts>,
  ): Promise<SendOutcome> {
    if (delivery.kind === 'ping') return { outcome: 'failed', reason: 'Telegram needs no message that only notifies' };
    const facts = await readFacts();
    try {
      try {
        return { outcome: 'sent', messageRef: { ...(await send(delivery, facts, delivery.place.id)) } };
      } catch (error) {
        if (!isFailure(error, 'migrated') || error.newChatId === undefined) throw error;
        return { outcome: 'sent', messageRef: { ...(await send(delivery, facts, error.newChatId)) } };
      }
    } catch (error) {
      if (error instanceof TelegramFailure) return outcomeOf(error, delivery);
      throw error;
    }
  };

  function outcomeOf(failure: TelegramFailure, delivery: ClaimedDelivery): SendOutcome {
    const reason = failure.message;
    const chatId = delivery.place.id;
    if (failure.kind === 'rate_limited') {
      pacer.silence(chatId, failure.afterMs);
      const certainlyNotSent = !delivery.triedBefore;
      return { outcome: 'postponed', afterMs: failure.afterMs, reason, certainlyNotSent };
    }
    if (failure.kind === 'unreachable' || failure.kind === 'conflict') {
      return { outcome: 'postponed', afterMs: awayMs, reason, certainlyNotSent: false };
    }
    if (failure.kind === 'unauthorized') {
      return { outcome: 'postponed', afterMs: brokenTokenMs, reason, certainlyNotSent: !delivery.triedBefore };
    }
    return { outcome: 'failed', reason };
  }
}

/** Whether the message now is as it should be; false where it is no longer there. */
async function edited(edit: Promise<void>): Promise<boolean> {
  try {
    await edit;
    return true;
  } catch (error) {
    if (isFailure(error, 'not_modified')) return true;
    if (isFailure(error, 'message_gone')) return false;
    throw error;
  }
}
