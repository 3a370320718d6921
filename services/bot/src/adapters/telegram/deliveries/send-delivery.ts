import type { ClaimedDelivery } from '@atelier/shared/db/deliveries/delivery-store';
import { noLiveFacts, type CardFacts } from '../../../core/cards/card-facts.ts';
import type { JobCard } from '../../../core/cards/job-card.ts';
import { renderJobCard } from '../../../core/cards/render-job-card.ts';
import type { ChatCore, SendOutcome } from '../../../ports.ts';
import type { BotAccount, DrawnText, MessageTarget, TelegramCalls } from '../api/telegram-calls.ts';
import { isFailure, TelegramFailure } from '../api/telegram-failure.ts';
import type { UploadLimits } from '../api/upload-limits.ts';
import { drawJobCard, MAX_CAPTION_CHARS, MAX_TEXT_CHARS } from '../cards/draw-job-card.ts';
import { drawText } from '../cards/draw-texts.ts';
import { prepareFiles, type StoredFile } from '../cards/prepare-files.ts';
import { telegramWords } from '../telegram-words.ts';
import type { ChatPacer } from './chat-pacer.ts';
import { parseMessageRef, sentPartsSchema, type MessageRef } from './message-ref.ts';
import type { ProgressEdits } from './progress-edits.ts';
import { waitForRoom } from './wait-for-room.ts';

export interface DeliverySenderDeps {
  calls: TelegramCalls;
  pacer: ChatPacer;
  progress: Pick<ProgressEdits, 'end'>;
  chat: Pick<ChatCore, 'files' | 'live' | 'languageFor' | 'moveChat' | 'fileUrl'>;
  limits: UploadLimits;
  bot: () => BotAccount | undefined;
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
const noCaption: DrawnText = { html: '', rows: [] };

/**
 * Sends what is owed. The placeholder becomes the result by an edit, which may be repeated; several pictures go as an
 * album that answers the placeholder, noted in between, and the placeholder becomes the final text with the buttons.
 * New messages can double only where the process dies, or Telegram's answer is lost, between their arrival and the note
 * of it: bots cannot read a chat back.
 */
export function createDeliverySender(deps: DeliverySenderDeps) {
  const { calls, pacer, chat } = deps;

  /** @throws TelegramFailure `rate_limited` where it takes too long; nothing was sent. */
  function room(chatId: string, messages = 1): Promise<void> {
    return waitForRoom(deps, chatId, { messages, longestWaitMs });
  }

  async function sendCard(target: MessageTarget, facts: CardFacts): Promise<MessageRef> {
    const card = renderJobCard(facts, chat.live(), chat.languageFor(facts));
    await room(target.chatId);
    const messageId = await calls.sendText(target, drawJobCard(card, MAX_TEXT_CHARS));
    return { chatId: target.chatId, messageId };
  }

  /** The card asks, and nobody hears it change: a message of its own calls, in a group by answering what was asked there. */
  async function sendQuestion(target: MessageTarget, delivery: ClaimedDelivery, facts: CardFacts): Promise<MessageRef> {
    const { headline, question } = renderJobCard(facts, chat.live(), chat.languageFor(facts));
    const card = parseMessageRef(delivery.cardRef);
    const isAlone = target.chatId === delivery.place.userId;
    const replyTo = card !== undefined && (isAlone || target.replyTo === undefined) ? card.messageId : target.replyTo;
    await room(target.chatId);
    const words = drawText([headline, question?.text ?? ''].filter((part) => part !== '').join(': '));
    const messageId = await calls.sendText({ ...target, ...(replyTo === undefined ? {} : { replyTo }) }, words);
    return { chatId: target.chatId, messageId };
  }

  async function sendResult(target: MessageTarget, delivery: ClaimedDelivery, facts: CardFacts): Promise<MessageRef> {
    await deps.progress.end(delivery.requestId);
    const card = renderJobCard(facts, noLiveFacts, chat.languageFor(facts));
    const images = card.tiles.flatMap((tile) => (tile.image === undefined ? [] : [tile.image]));
    const placeholder = parseMessageRef(delivery.cardRef);
    // A chat that has moved took no message of ours with it.
    const ref = placeholder?.chatId === target.chatId ? placeholder : undefined;
    if (images.length === 0) return turnIntoText(target, ref, card);
    if (images.length === 1) return turnIntoPicture(target, ref, card, images, facts);
    const { left, albumIds } = await sendAlbumsOnce(target, delivery, ref, { images, isCovered: card.isCovered });
    return { ...(await turnIntoText(target, ref, withLinks(card, left, facts))), albumIds };
  }

  /** What Telegram does not take is still the person's: a lasting link, where the page has an address. */
  function withLinks(card: JobCard, left: readonly StoredFile[], facts: CardFacts): JobCard {
    if (left.length === 0) return card;
    const links = left.flatMap((file) => chat.fileUrl(file) ?? []);
    return {
      ...card,
      notes: [telegramWords(chat.languageFor(facts)).tooLargeFiles(left.length), ...links, ...card.notes],
    };
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
    images: readonly StoredFile[],
    facts: CardFacts,
  ): Promise<MessageRef> {
    const caption = drawJobCard(card, MAX_CAPTION_CHARS);
    for (const as of ['media', 'document'] as const) {
      const options = { files: chat.files, limits: deps.limits, as, isCovered: card.isCovered };
      const [file] = (await prepareFiles(images, options)).groups.flat();
      if (file === undefined) break;
      await room(target.chatId);
      try {
        if (ref !== undefined && (await edited(calls.editToFile(ref.chatId, ref.messageId, file, caption)))) return ref;
        return { chatId: target.chatId, messageId: await calls.sendFile(target, file, caption) };
      } catch (error) {
        if (!isFailure(error, 'photo_refused', 'too_large')) throw error;
      }
    }
    // Nothing makes Telegram take it: the words, the buttons and a link are still owed.
    return turnIntoText(target, ref, withLinks(card, images, facts));
  }

  /** Each album once: what was sent is noted after each. @returns its messages, and what could not go. */
  async function sendAlbumsOnce(
    target: MessageTarget,
    delivery: ClaimedDelivery,
    ref: MessageRef | undefined,
    { images, isCovered }: { images: readonly StoredFile[]; isCovered: boolean },
  ): Promise<{ left: StoredFile[]; albumIds: string[] }> {
    const noted = sentPartsSchema.safeParse(await deps.readParts(delivery)).data?.albumIds ?? [];
    const to = ref === undefined ? target : { ...target, replyTo: ref.messageId };
    for (const as of ['media', 'document'] as const) {
      const { groups, left } = await prepareFiles(images, { files: chat.files, limits: deps.limits, as, isCovered });
      try {
        let already = noted.length;
        for (const files of groups) {
          if (already >= files.length) {
            already -= files.length;
            continue;
          }
          const [first, second] = files;
          if (first === undefined) continue;
          await room(target.chatId, files.length);
          const sent =
            second === undefined ? [await calls.sendFile(to, first, noCaption)] : await calls.sendAlbum(to, files);
          noted.push(...sent);
          await deps.recordParts(delivery, { albumIds: noted });
        }
        return { left, albumIds: noted };
      } catch (error) {
        if (!isFailure(error, 'photo_refused', 'too_large')) throw error;
      }
    }
    return { left: images.slice(noted.length), albumIds: noted };
  }

  /** Where it goes: a private one to its author alone. */
  function targetOf(delivery: ClaimedDelivery, facts: CardFacts): MessageTarget {
    const { id, threadId, replyTo, userId } = delivery.place;
    if (facts.request.isPrivate && userId !== undefined && userId !== id) return { chatId: userId };
    return {
      chatId: id,
      ...(threadId === undefined ? {} : { threadId }),
      ...(replyTo === undefined ? {} : { replyTo }),
    };
  }

  async function send(target: MessageTarget, delivery: ClaimedDelivery, facts: CardFacts): Promise<MessageRef> {
    try {
      if (delivery.kind === 'card') return await sendCard(target, facts);
      if (delivery.kind === 'question') return await sendQuestion(target, delivery, facts);
      return await sendResult(target, delivery, facts);
    } catch (error) {
      if (isFailure(error, 'migrated') && error.newChatId !== undefined) {
        await chat.moveChat('telegram', target.chatId, error.newChatId);
        return send({ chatId: error.newChatId }, delivery, facts);
      }
      throw error;
    }
  }

  /**
   * The place is closed to us: a result still reaches its author where they talk to us, or else its group hears how. What
   * the group hears is no card: nothing of a private request may ever be edited into it.
   */
  async function sendElsewhere(
    target: MessageTarget,
    delivery: ClaimedDelivery,
    facts: CardFacts,
  ): Promise<MessageRef | { toldIn: string; toldBy: string } | undefined> {
    const { id, userId } = delivery.place;
    const language = chat.languageFor(facts);
    if (target.chatId !== id) {
      const name = deps.bot()?.username ?? '';
      const rows = [[{ label: telegramWords(language).openBot, url: `https://t.me/${name}` }]];
      await room(id);
      const words = { ...drawText(telegramWords(language).openPrivateChat(name)), rows };
      return { toldIn: id, toldBy: await calls.sendText({ chatId: id, ...topicOf(delivery) }, words) };
    }
    if (delivery.kind !== 'result' || userId === undefined || userId === id) return undefined;
    await room(userId);
    await calls.sendText({ chatId: userId }, drawText(telegramWords(language).placeClosed));
    return send({ chatId: userId }, delivery, facts);
  }

  return async function sendDelivery(
    delivery: ClaimedDelivery,
    readFacts: () => Promise<CardFacts>,
  ): Promise<SendOutcome> {
    if (delivery.kind === 'ping') return { outcome: 'failed', reason: 'Telegram needs no message that only notifies' };
    const facts = await readFacts();
    const target = targetOf(delivery, facts);
    // Where the last message was to go: that chat is what Telegram wants silent.
    let { chatId } = target;
    try {
      try {
        return { outcome: 'sent', messageRef: storedRef(await send(target, delivery, facts)) };
      } catch (error) {
        if (!isFailure(error, 'place_closed')) throw error;
        chatId = elsewhereOf(target, delivery);
        const ref = await sendElsewhere(target, delivery, facts).catch((second: unknown) => {
          // That place is closed as well: the first one is what is said.
          if (isFailure(second, 'place_closed', 'refused')) return undefined;
          throw second;
        });
        if (ref === undefined) throw error;
        return { outcome: 'sent', messageRef: 'toldIn' in ref ? ref : storedRef(ref) };
      }
    } catch (error) {
      if (error instanceof TelegramFailure) return outcomeOf(error, delivery, chatId);
      throw error;
    }
  };

  function outcomeOf(failure: TelegramFailure, delivery: ClaimedDelivery, chatId: string): SendOutcome {
    const reason = failure.message;
    if (failure.kind === 'rate_limited') {
      pacer.silence(chatId, failure.afterMs);
      const certainlyNotSent = !delivery.triedBefore;
      return { outcome: 'postponed', afterMs: failure.afterMs, reason, certainlyNotSent };
    }
    if (failure.kind === 'unreachable' || failure.kind === 'conflict') {
      const certainlyNotSent = failure.neverReached && !delivery.triedBefore;
      return { outcome: 'postponed', afterMs: awayMs, reason, certainlyNotSent };
    }
    if (failure.kind === 'unauthorized') {
      return { outcome: 'postponed', afterMs: brokenTokenMs, reason, certainlyNotSent: !delivery.triedBefore };
    }
    return { outcome: 'failed', reason };
  }
}

/** The other place of a delivery: of a private one the group, of one for a group its author's chat. */
function elsewhereOf(target: MessageTarget, { place }: ClaimedDelivery): string {
  return target.chatId === place.id ? (place.userId ?? place.id) : place.id;
}

function storedRef({ chatId, messageId, albumIds }: MessageRef): Record<string, string | string[]> {
  return { chatId, messageId, ...(albumIds === undefined || albumIds.length === 0 ? {} : { albumIds }) };
}

function topicOf({ place }: ClaimedDelivery): { threadId?: string } {
  return place.threadId === undefined ? {} : { threadId: place.threadId };
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
