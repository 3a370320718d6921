import { messageLink } from 'discord.js';
import type { Logger } from 'pino';
import type { ClaimedDelivery, DeliveryKind } from '@atelier/shared/db/deliveries/delivery-store';
import type { CardFacts } from '../../../core/cards/card-facts.ts';
import type { JobCard } from '../../../core/cards/job-card.ts';
import { renderJobCard } from '../../../core/cards/render-job-card.ts';
import type { ChatCore, SendOutcome } from '../../../ports.ts';
import { attachFiles } from '../cards/attach-files.ts';
import { drawJobCard } from '../cards/draw-job-card.ts';
import { drawPing } from '../cards/draw-texts.ts';
import { imagesOf, remarkOn } from '../interactions/draw-outcome.ts';
import type { InteractionAnswers } from '../interactions/interaction-answers.ts';
import { DiscordFailure, isFailure } from '../messages/discord-failure.ts';
import type { DiscordMessages } from '../messages/discord-messages.ts';
import type { MessageBody } from '../messages/message-body.ts';
import { markerOf, type MessageMarker } from '../messages/message-marker.ts';
import { defaultMaxFileBytes, type MessageRef, parseMessageRef } from '../messages/message-ref.ts';
import type { LiveCards } from './live-cards.ts';
import { outcomeOfFailure } from './outcome-of-failure.ts';
import type { NewMessageOrder, NewMessagePlacer } from './place-new-message.ts';

export interface SenderDeps {
  answers: InteractionAnswers;
  cards: LiveCards;
  edit: CardEditor;
  placeNew: NewMessagePlacer;
  chat: ChatCore;
  readMessageRefs: (requestId: string) => Promise<Partial<Record<DeliveryKind, Record<string, unknown>>>>;
  /** Discord says that the channel is for adults. */
  isAdultChannel: (channelId: string) => boolean;
  log: Logger;
}

export type CardEditor = (requestId: string, ref: MessageRef, body: MessageBody) => Promise<void>;

/**
 * Edits a request's card: by the interaction's own right while it lasts, because it needs no permission; then as the bot,
 * who does not see what only its reader sees.
 */
export function createCardEditor(
  messages: Pick<DiscordMessages, 'edit'>,
  answers: Pick<InteractionAnswers, 'edit'>,
): CardEditor {
  return async (requestId, ref, body) => {
    if (await answers.edit(requestId, ref, body)) return;
    if (ref.ephemeral) throw new DiscordFailure('message_gone', 'its 15 minutes are over');
    await messages.edit(ref.channelId, ref.messageId, body);
  };
}

/** Sends what is owed through Discord; see {@link ChatAdapter.send}. */
export function createDeliverySender(deps: SenderDeps) {
  const { answers, cards, chat, edit, log, placeNew } = deps;

  /** @returns where the card stands, and what it shows. */
  async function sendCard(
    delivery: ClaimedDelivery,
    facts: CardFacts,
  ): Promise<{ ref: MessageRef; shown: MessageBody }> {
    const { requestId } = delivery;
    const body = drawJobCard(render(facts), markerOf(requestId, 'card'));
    const placed = await answers.placed(requestId);
    if (placed !== undefined) {
      if (placed.card === undefined) await edit(requestId, placed.ref, body);
      return { ref: placed.ref, shown: placed.card ?? body };
    }
    return { ref: await placeNew(orderOf(delivery, facts, async () => body)), shown: body };
  }

  async function sendResult(delivery: ClaimedDelivery, facts: CardFacts): Promise<MessageRef> {
    const { requestId } = delivery;
    await cards.close(requestId);
    const ref = parseMessageRef(delivery.cardRef);
    if (ref !== undefined) {
      try {
        await editResult(requestId, ref, facts);
        return ref;
      } catch (error) {
        if (!isFailure(error, 'message_gone', 'place_closed', 'edited_too_often')) throw error;
        log.info({ request_id: requestId, reason: error.kind }, 'the card cannot be edited; sending the result anew');
      }
    }
    return placeNew(orderOf(delivery, facts, (maxFileBytes) => drawResult(facts, delivery.place.id, maxFileBytes)));
  }

  async function editResult(requestId: string, ref: MessageRef, facts: CardFacts): Promise<void> {
    try {
      await edit(requestId, ref, await drawResult(facts, ref.channelId, ref.maxFileBytes));
    } catch (error) {
      if (!isFailure(error, 'too_large')) throw error;
      await edit(requestId, ref, await drawResult(facts, ref.channelId, Math.floor(defaultMaxFileBytes / 4)));
    }
  }

  async function sendPing(delivery: ClaimedDelivery, facts: CardFacts): Promise<MessageRef | undefined> {
    const result = parseMessageRef((await deps.readMessageRefs(delivery.requestId)).result);
    if (result === undefined || result.notified || !(await wantsPing(facts))) return result;
    return callTo(result, delivery, facts, markerOf(delivery.requestId, 'ping'));
  }

  /** The card asks, and nobody hears it change. */
  async function sendQuestion(delivery: ClaimedDelivery, facts: CardFacts): Promise<MessageRef | undefined> {
    const card = parseMessageRef(delivery.cardRef);
    return card === undefined ? undefined : callTo(card, delivery, facts, markerOf(delivery.id, 'question'));
  }

  /** Calls the person to a message of ours. */
  async function callTo(
    target: MessageRef,
    delivery: ClaimedDelivery,
    facts: CardFacts,
    marker: MessageMarker,
  ): Promise<MessageRef> {
    const { requestId, place } = delivery;
    const { headline } = render(facts);
    if (target.ephemeral) {
      // Nobody can link to what only its reader sees.
      const messageId = await answers.followUp(requestId, drawPing(place.userId, headline, marker), place.userId);
      if (messageId !== undefined) return { ...target, messageId };
    }
    const link = target.ephemeral
      ? '/history'
      : messageLink(target.channelId, target.messageId, target.notified ? '@me' : (place.guildId ?? '@me'));
    const body = drawPing(place.userId, headline, marker);
    const there = { ...delivery, place: { ...place, id: target.channelId, replyTo: target.messageId } };
    return placeNew({
      ...orderOf(there, facts, async () => body),
      marker,
      mention: true,
      drawAlone: async () => drawPing(undefined, `${headline} ${link}`, marker),
    });
  }

  async function wantsPing({ request }: CardFacts): Promise<boolean> {
    const settings = await chat.personSettings(request.personId);
    return settings.wantsPing !== false;
  }

  async function drawResult(facts: CardFacts, channelId: string, maxFileBytes: number): Promise<MessageBody> {
    const card = render(facts);
    const attached = await attachFiles(imagesOf(card), { files: chat.files, maxFileBytes });
    const remark = remarkOn(attached, chat, chat.languageFor(facts));
    const { files } = attached;
    return drawJobCard(card, markerOf(card.requestId, 'card'), {
      files,
      ...(remark === undefined ? {} : { remark }),
      ...(deps.isAdultChannel(channelId) ? { isCovered: false } : {}),
    });
  }

  function orderOf(delivery: ClaimedDelivery, facts: CardFacts, draw: NewMessageOrder['draw']): NewMessageOrder {
    const { kind, place, requestId } = delivery;
    const { request } = facts;
    // The answer to an interaction is given before its delivery is claimed, by a process that may have died since.
    const answered = kind === 'card' && request.place.replyTo === undefined && place.id === request.place.id;
    return {
      place,
      requestId,
      draw,
      // A result that is a message of its own carries the card's drawing, so only its own kind tells them apart.
      marker: markerOf(requestId, kind),
      isPrivate: request.isPrivate,
      refreshFound: kind === 'card',
      ...(answered ? { interactionId: request.eventId } : {}),
      ...(answered || delivery.triedBefore
        ? { lookSince: kind === 'card' ? request.createdAt : delivery.sendingAt }
        : {}),
    };
  }

  function render(facts: CardFacts): JobCard {
    return renderJobCard(facts, chat.live(), chat.languageFor(facts));
  }

  return async (delivery: ClaimedDelivery, readFacts: () => Promise<CardFacts>): Promise<SendOutcome> => {
    try {
      const facts = await readFacts();
      if (delivery.kind === 'card') {
        const { ref, shown } = await sendCard(delivery, facts);
        cards.open(facts, ref, shown);
        return { outcome: 'sent', messageRef: ref };
      }
      const send = { result: sendResult, ping: sendPing, question: sendQuestion }[delivery.kind];
      const ref = await send(delivery, facts);
      if (ref === undefined) return { outcome: 'failed', reason: 'there is no message to point at' };
      return { outcome: 'sent', messageRef: ref };
    } catch (error) {
      return outcomeOfFailure(error, delivery, log);
    }
  };
}
