import type { Logger } from 'pino';
import type { ClaimedPost } from '@atelier/shared/db/chat/chat-posts';
import type { Language } from '@atelier/shared/contracts/identity';
import { shorten } from '@atelier/shared/text/shorten';
import { type CardFacts, shownIn } from '../../../core/cards/card-facts.ts';
import { renderJobCard } from '../../../core/cards/render-job-card.ts';
import type { ChatCore, SendOutcome } from '../../../ports.ts';
import { attachFiles } from '../cards/attach-files.ts';
import { drawJobCard } from '../cards/draw-job-card.ts';
import { drawText } from '../cards/draw-texts.ts';
import { escapeText } from '../cards/escape-text.ts';
import { imagesOf, remarkOn } from '../interactions/draw-outcome.ts';
import { toDiscordFailure } from '../messages/discord-failure.ts';
import type { DiscordMessages } from '../messages/discord-messages.ts';
import type { MessageBody } from '../messages/message-body.ts';
import { markerOf } from '../messages/message-marker.ts';
import { outcomeOfFailure } from './outcome-of-failure.ts';
import type { NewMessagePlacer } from './place-new-message.ts';

export interface PostSenderDeps {
  chat: ChatCore;
  placeNew: NewMessagePlacer;
  messages: Pick<DiscordMessages, 'startThread'>;
  /** Where an earlier result of the same project was shared, by the requests that this one was made from. */
  findProjectThread: (requestIds: readonly string[]) => Promise<string | undefined>;
  /** Discord says that the channel is for adults. */
  isAdultChannel: (channelId: string) => boolean;
  log: Logger;
}

const maxThreadName = 90;
/** How far back a project is followed. */
const maxAncestors = 20;

/**
 * Sends what belongs into a channel of the team. A shared result is a message with its author's name, and begins a thread,
 * in which the talk about it goes on; what is made from it and shared too goes into that thread.
 */
export function createPostSender(deps: PostSenderDeps) {
  const { chat, log } = deps;

  async function sendShare(post: ClaimedPost, facts: CardFacts): Promise<Record<string, string>> {
    const thread = await deps.findProjectThread(await ancestorsOf(facts));
    const place = thread === undefined ? post.place : { ...post.place, id: thread };
    const ref = await deps.placeNew({
      place,
      requestId: post.requestId,
      marker: markerOf(post.id, 'post'),
      draw: (maxFileBytes) => drawShare(post, facts, maxFileBytes),
      ...(post.triedBefore ? { lookSince: post.sendingAt } : {}),
    });
    const threadId = thread ?? ref.messageId;
    if (thread === undefined) await beginThread(ref.channelId, ref.messageId, facts);
    return { channelId: ref.channelId, messageId: ref.messageId, threadId };
  }

  /** The thread is a convenience: where it may not be made, the message stands all the same. */
  async function beginThread(channelId: string, messageId: string, facts: CardFacts): Promise<void> {
    const { title } = renderJobCard(facts, chat.live(), chat.languageFor(facts));
    const name = shorten(title.replaceAll(/\s+/g, ' ').trim(), maxThreadName);
    try {
      await deps.messages.startThread(channelId, messageId, name === '' ? '…' : name);
    } catch (error) {
      log.info({ reason: toDiscordFailure(error).message, channel_id: channelId }, 'no thread for a shared result');
    }
  }

  async function drawShare(post: ClaimedPost, facts: CardFacts, maxFileBytes: number): Promise<MessageBody> {
    const settings = chat.channelSettings(post.place);
    const language = settings.language ?? chat.languageFor(facts);
    const isOpen = deps.isAdultChannel(post.place.id) || settings.showsAdult === true;
    const card = renderJobCard(shownIn({ isOpen }, facts), chat.live(), language);
    const images = imagesOf(card);
    const chosen = post.picture === null ? images : images.slice(post.picture, post.picture + 1);
    const attached = await attachFiles(chosen, { files: chat.files, maxFileBytes });
    const remark = remarkOn(attached, chat, language);
    const extras = { files: attached.files, ...(remark === undefined ? {} : { remark }) };
    return drawJobCard(card, markerOf(post.id, 'post'), extras);
  }

  async function ancestorsOf(facts: CardFacts): Promise<string[]> {
    const ids = [facts.request.id];
    let { parentRequestId } = facts.request;
    while (parentRequestId !== null && ids.length < maxAncestors && !ids.includes(parentRequestId)) {
      ids.push(parentRequestId);
      const [parent] = await chat.readFacts([parentRequestId]);
      parentRequestId = parent?.request.parentRequestId ?? null;
    }
    return ids;
  }

  async function sendNotice(post: ClaimedPost): Promise<Record<string, string>> {
    const language: Language = chat.channelSettings(post.place).language ?? 'en';
    const body = drawText(escapeText(post.text?.[language] ?? ''), markerOf(post.id, 'post'));
    const { channelId, messageId } = await deps.placeNew({
      place: post.place,
      requestId: post.requestId,
      marker: markerOf(post.id, 'post'),
      draw: async () => body,
      ...(post.triedBefore ? { lookSince: post.sendingAt } : {}),
    });
    return { channelId, messageId };
  }

  return async (post: ClaimedPost, readFacts: () => Promise<CardFacts>): Promise<SendOutcome> => {
    try {
      const messageRef = post.kind === 'share' ? await sendShare(post, await readFacts()) : await sendNotice(post);
      return { outcome: 'sent', messageRef };
    } catch (error) {
      return outcomeOfFailure(error, post, log);
    }
  };
}
