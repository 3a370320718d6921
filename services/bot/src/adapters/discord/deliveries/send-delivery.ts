import { messageLink } from 'discord.js';
import type { Logger } from 'pino';
import type { ClaimedDelivery, DeliveryKind } from '@atelier/shared/db/deliveries/delivery-store';
import { AppError } from '@atelier/shared/errors/app-error';
import type { CardFacts } from '../../../core/cards/card-facts.ts';
import type { JobCard } from '../../../core/cards/job-card.ts';
import { renderJobCard } from '../../../core/cards/render-job-card.ts';
import type { ChatCore, SendOutcome } from '../../../ports.ts';
import { attachPictures } from '../cards/attach-pictures.ts';
import { drawJobCard } from '../cards/draw-job-card.ts';
import { drawPing } from '../cards/draw-texts.ts';
import type { InteractionAnswers } from '../interactions/interaction-answers.ts';
import { DiscordFailure, isFailure } from '../messages/discord-failure.ts';
import type { DiscordMessages } from '../messages/discord-messages.ts';
import type { MessageBody } from '../messages/message-body.ts';
import { markerOf } from '../messages/message-marker.ts';
import { defaultMaxFileBytes, type MessageRef, parseMessageRef } from '../messages/message-ref.ts';
import type { LiveCards } from './live-cards.ts';

export interface SenderDeps {
  messages: DiscordMessages;
  answers: InteractionAnswers;
  cards: LiveCards;
  edit: CardEditor;
  chat: Pick<ChatCore, 'files' | 'live'>;
  readMessageRefs: (requestId: string) => Promise<Partial<Record<DeliveryKind, Record<string, unknown>>>>;
  /** Undefined until Discord has named it. */
  applicationId: () => string | undefined;
  /** What one file may weigh in a server. */
  maxFileBytes: (guildId: string | undefined) => number;
  log: Logger;
}

export type CardEditor = (requestId: string, ref: MessageRef, body: MessageBody) => Promise<void>;

/** Edits a request's card: by the interaction's own right while it lasts, because it needs no permission; then as the bot. */
export function createCardEditor(messages: DiscordMessages, answers: InteractionAnswers): CardEditor {
  return async (requestId, ref, body) => {
    const right = answers.right(requestId);
    const placed = right === undefined ? undefined : await answers.placed(requestId);
    if (right !== undefined && placed?.ref.messageId === ref.messageId) {
      try {
        await messages.editAnswer(right, body);
        return;
      } catch (error) {
        if (!isFailure(error, 'token_expired')) throw error;
      }
    }
    await messages.edit(ref.channelId, ref.messageId, body);
  };
}

const unauthorizedRetryMs = 60_000;
const maxBackoffMs = 60_000;

/** Sends what is owed through Discord; see {@link ChatAdapter.send}. */
export function createDeliverySender(deps: SenderDeps) {
  const { messages, answers, cards, edit, log } = deps;

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
    return { ref: await sendNew(delivery, facts, body), shown: body };
  }

  async function sendResult(delivery: ClaimedDelivery, facts: CardFacts): Promise<MessageRef> {
    const { requestId, place } = delivery;
    await cards.close(requestId);
    const ref = parseMessageRef(delivery.cardRef);
    const maxFileBytes = ref?.maxFileBytes ?? deps.maxFileBytes(place.guildId);
    const body = await drawResult(facts, maxFileBytes);
    if (ref !== undefined) {
      try {
        await edit(requestId, ref, body);
        return ref;
      } catch (error) {
        if (isFailure(error, 'too_large')) {
          await edit(requestId, ref, await drawResult(facts, Math.floor(defaultMaxFileBytes / 4)));
          return ref;
        }
        if (!isFailure(error, 'message_gone', 'place_closed', 'edited_too_often')) throw error;
        log.info({ request_id: requestId, reason: error.kind }, 'the card cannot be edited; sending the result anew');
      }
    }
    return sendNew(delivery, facts, body);
  }

  async function sendPing(delivery: ClaimedDelivery, facts: CardFacts): Promise<MessageRef | undefined> {
    const { requestId, place } = delivery;
    const result = parseMessageRef((await deps.readMessageRefs(requestId)).result);
    if (result === undefined) return undefined;
    if (result.notified) return result;
    const { headline } = render(facts);
    const marker = markerOf(requestId, 'ping');
    const body = drawPing(place.userId, headline, marker);
    const link = messageLink(result.channelId, result.messageId, place.guildId ?? '@me');
    return sendNew({ ...delivery, place: { ...place, id: result.channelId, replyTo: result.messageId } }, facts, body, {
      mention: true,
      privateBody: drawPing(undefined, `${headline} ${link}`, marker),
    });
  }

  async function drawResult(facts: CardFacts, maxFileBytes: number): Promise<MessageBody> {
    const card = render(facts);
    const images = card.tiles.flatMap(({ image }) => image ?? []);
    const { files } = await attachPictures(images, { files: deps.chat.files, maxFileBytes });
    return drawJobCard(card, markerOf(card.requestId, 'card'), files);
  }

  /** A new message: in its place, else to the person alone. Looks first where an earlier one may stand. */
  async function sendNew(
    delivery: ClaimedDelivery,
    facts: CardFacts,
    body: MessageBody,
    options: { mention?: boolean; privateBody?: MessageBody } = {},
  ): Promise<MessageRef> {
    const { place } = delivery;
    const maxFileBytes = deps.maxFileBytes(place.guildId);
    try {
      const messageId = await sendOnce(delivery, facts, place.id, body, options.mention === true);
      return { channelId: place.id, messageId, maxFileBytes, notified: false };
    } catch (error) {
      if (!isFailure(error, 'place_closed') || place.userId === undefined) throw error;
      log.info({ request_id: delivery.requestId, reason: error.message }, 'the channel is closed; telling the person');
    }
    const channelId = await messages.openDirectChannel(place.userId);
    const alone = { ...delivery, place: { door: place.door, id: channelId, userId: place.userId } };
    const messageId = await sendOnce(alone, facts, channelId, options.privateBody ?? body, false);
    return { channelId, messageId, maxFileBytes: defaultMaxFileBytes, notified: true };
  }

  async function sendOnce(
    delivery: ClaimedDelivery,
    facts: CardFacts,
    channelId: string,
    body: MessageBody,
    mention: boolean,
  ): Promise<string> {
    const { kind, place, requestId } = delivery;
    const { request } = facts;
    // The answer to an interaction is given before its delivery is claimed, by a process that may have died since.
    const answered = kind === 'card' && request.place.replyTo === undefined && channelId === request.place.id;
    // A result that is a message of its own carries the card's drawing, so only its own kind tells them apart.
    const marker = markerOf(requestId, kind);
    const own = marked(body, marker.componentId);
    if (answered || delivery.triedBefore) {
      const found = await messages.find({
        channelId,
        applicationId: deps.applicationId(),
        since: kind === 'card' ? request.createdAt : delivery.sendingAt,
        marker,
        ...(answered ? { interactionId: request.eventId } : {}),
      });
      if (found !== undefined) {
        if (kind === 'card') await messages.edit(channelId, found, own);
        return found;
      }
    }
    return messages.send(channelId, own, {
      marker,
      ...(place.replyTo === undefined ? {} : { replyTo: place.replyTo }),
      ...(mention && place.userId !== undefined ? { mention: place.userId } : {}),
    });
  }

  function render(facts: CardFacts): JobCard {
    return renderJobCard(facts, deps.chat.live(), facts.request.language);
  }

  return async (delivery: ClaimedDelivery, readFacts: () => Promise<CardFacts>): Promise<SendOutcome> => {
    try {
      const facts = await readFacts();
      if (delivery.kind === 'card') {
        const { ref, shown } = await sendCard(delivery, facts);
        cards.open(facts, ref, shown);
        return { outcome: 'sent', messageRef: ref };
      }
      const ref = await (delivery.kind === 'result' ? sendResult(delivery, facts) : sendPing(delivery, facts));
      if (ref === undefined) return { outcome: 'failed', reason: 'there is no result to point at' };
      return { outcome: 'sent', messageRef: ref };
    } catch (error) {
      return outcomeOf(error, delivery, log);
    }
  };
}

/** The same message under another marker. */
function marked(body: MessageBody, componentId: number): MessageBody {
  const [first, ...others] = body.components;
  return first === undefined ? body : { ...body, components: [{ ...first, id: componentId }, ...others] };
}

function outcomeOf(error: unknown, delivery: ClaimedDelivery, log: Logger): SendOutcome {
  const backoffMs = Math.min(1_000 * 2 ** Math.min(delivery.attempts, 6), maxBackoffMs);
  // An earlier try may still stand there: who comes next must look.
  const certainlyNotSent = !delivery.triedBefore;
  if (!(error instanceof DiscordFailure)) {
    if (!(error instanceof AppError)) throw error;
    return { outcome: 'postponed', afterMs: backoffMs, reason: error.message, certainlyNotSent };
  }
  const reason = error.message;
  switch (error.kind) {
    case 'rate_limited':
      return { outcome: 'postponed', afterMs: error.afterMs, reason, certainlyNotSent };
    case 'unauthorized':
      return { outcome: 'postponed', afterMs: unauthorizedRetryMs, reason, certainlyNotSent };
    case 'unreachable':
    case 'token_expired':
      return { outcome: 'postponed', afterMs: backoffMs, reason, certainlyNotSent: false };
    case 'message_gone':
    case 'place_closed':
    case 'edited_too_often':
      return { outcome: 'failed', reason };
    case 'refused':
    case 'too_large':
      log.error({ err: error, request_id: delivery.requestId, kind: delivery.kind }, 'Discord refuses what we send');
      return { outcome: 'failed', reason };
    default:
      return error.kind satisfies never;
  }
}
