import type { Language } from '@atelier/shared/contracts/identity';
import type { ClaimedPost } from '@atelier/shared/db/chat/chat-posts';
import { AppError } from '@atelier/shared/errors/app-error';
import { noLiveFacts, type CardFacts } from '../../../core/cards/card-facts.ts';
import { renderJobCard } from '../../../core/cards/render-job-card.ts';
import type { ChatCore, SendOutcome } from '../../../ports.ts';
import type { MessageTarget, TelegramCalls } from '../api/telegram-calls.ts';
import { TelegramFailure } from '../api/telegram-failure.ts';
import type { UploadLimits } from '../api/upload-limits.ts';
import { drawJobCard, MAX_CAPTION_CHARS, MAX_TEXT_CHARS } from '../cards/draw-job-card.ts';
import { drawText } from '../cards/draw-texts.ts';
import { prepareFiles } from '../cards/prepare-files.ts';
import type { ChatPacer } from './chat-pacer.ts';
import { waitForRoom } from './wait-for-room.ts';

export interface PostSenderDeps {
  calls: TelegramCalls;
  pacer: ChatPacer;
  chat: Pick<ChatCore, 'files' | 'channelSettings'>;
  limits: UploadLimits;
  /** Waits, unless the adapter stops. */
  pause: (ms: number) => Promise<void>;
}

const longestWaitMs = 1_200;
const awayMs = 5_000;

/**
 * Sends what belongs into a channel of the team. An earlier try that may have arrived is taken for arrived: bots cannot
 * read a chat back, and a notice that is missing is in the log and on the page, while one told twice wakes people.
 */
export function createPostSender(deps: PostSenderDeps) {
  const { calls, pacer, chat } = deps;

  /** All that can fail without anything being sent comes first. @returns the way to send it. */
  async function prepare(post: ClaimedPost, readFacts: () => Promise<CardFacts>): Promise<() => Promise<string>> {
    const target: MessageTarget = {
      chatId: post.place.id,
      ...(post.place.threadId === undefined ? {} : { threadId: post.place.threadId }),
    };
    const language: Language = chat.channelSettings(post.place).language ?? 'en';
    if (post.kind === 'notice') {
      await waitForRoom(deps, target.chatId, { longestWaitMs });
      return () => calls.sendText(target, drawText(post.text?.[language] ?? ''));
    }
    const card = renderJobCard({ ...(await readFacts()), delivered: true }, noLiveFacts, language);
    const all = card.tiles.flatMap((tile) => (tile.image === undefined ? [] : [tile.image]));
    const images = post.picture === null ? all.slice(0, 1) : all.slice(post.picture, post.picture + 1);
    const { isCovered } = card;
    const { groups } = await prepareFiles(images, { files: chat.files, limits: deps.limits, as: 'media', isCovered });
    const [file] = groups.flat();
    await waitForRoom(deps, target.chatId, { longestWaitMs });
    return file === undefined
      ? () => calls.sendText(target, drawJobCard(card, MAX_TEXT_CHARS))
      : () => calls.sendFile(target, file, drawJobCard(card, MAX_CAPTION_CHARS));
  }

  return async function sendPost(post: ClaimedPost, readFacts: () => Promise<CardFacts>): Promise<SendOutcome> {
    if (post.triedBefore) return { outcome: 'sent', messageRef: { chatId: post.place.id, assumed: true } };
    let isUnderway = false;
    try {
      const send = await prepare(post, readFacts);
      isUnderway = true;
      return { outcome: 'sent', messageRef: { chatId: post.place.id, messageId: await send() } };
    } catch (error) {
      if (error instanceof TelegramFailure) return outcomeOf(error, post);
      // The request has expired: nothing is left to be shown.
      if (error instanceof AppError && error.code === 'not_found') return { outcome: 'failed', reason: error.message };
      if (isUnderway) throw error;
      return { outcome: 'postponed', afterMs: awayMs, reason: 'it could not be prepared', certainlyNotSent: true };
    }
  };

  function outcomeOf(failure: TelegramFailure, post: ClaimedPost): SendOutcome {
    const reason = failure.message;
    const { kind, afterMs } = failure;
    if (kind === 'rate_limited') {
      pacer.silence(post.place.id, afterMs);
      return { outcome: 'postponed', afterMs, reason, certainlyNotSent: true };
    }
    if (kind === 'unreachable' || kind === 'conflict' || kind === 'unauthorized') {
      const certainlyNotSent = failure.neverReached || kind !== 'unreachable';
      return { outcome: 'postponed', afterMs: awayMs, reason, certainlyNotSent };
    }
    return { outcome: 'failed', reason };
  }
}
