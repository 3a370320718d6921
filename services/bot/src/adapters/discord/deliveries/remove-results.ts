import type { Logger } from 'pino';
import type { DeliveryKind } from '@atelier/shared/db/deliveries/delivery-store';
import { type CardFacts, noLiveFacts } from '../../../core/cards/card-facts.ts';
import { renderJobCard } from '../../../core/cards/render-job-card.ts';
import { type ResultRemover, watchDeleted } from '../../../deliveries/watch-deleted.ts';
import type { ChatCore } from '../../../ports.ts';
import { drawJobCard } from '../cards/draw-job-card.ts';
import { isFailure } from '../messages/discord-failure.ts';
import type { DiscordMessages } from '../messages/discord-messages.ts';
import { markerOf } from '../messages/message-marker.ts';
import { type MessageRef, parseMessageRef } from '../messages/message-ref.ts';
import type { CardEditor } from './send-delivery.ts';

export interface ResultRemoverDeps {
  chat: Pick<ChatCore, 'languageFor'>;
  edit: CardEditor;
  messages: Pick<DiscordMessages, 'edit' | 'remove'>;
  /** Where the request's messages stand, by kind of delivery. */
  readMessageRefs: (requestId: string) => Promise<Partial<Record<DeliveryKind, Record<string, unknown>>>>;
  /** Where its result was shared. */
  readShareRefs: (requestIds: readonly string[]) => Promise<Record<string, unknown>[]>;
  log: Logger;
}

/**
 * Takes the pictures of a deleted result out of Discord: its message and those that share it say that it was deleted.
 * Where a message is too old to be edited it goes as a whole. One that only its author sees, and whose 15 minutes are
 * over, stays until they leave it.
 */
export function createResultRemover(deps: ResultRemoverDeps): ResultRemover {
  const { messages, log } = deps;

  async function remove(facts: CardFacts): Promise<void> {
    const { id } = facts.request;
    const [{ result }, shares] = await Promise.all([deps.readMessageRefs(id), deps.readShareRefs([id])]);
    const card = renderJobCard({ ...facts, delivered: true }, noLiveFacts, deps.chat.languageFor(facts));
    const body = drawJobCard(card, markerOf(id, 'card'));
    const ref = parseMessageRef(result);
    if (ref !== undefined) await clear(id, ref, () => deps.edit(id, ref, body));
    for (const share of shares.flatMap((stored) => parseMessageRef(stored) ?? [])) {
      await clear(id, share, () => messages.edit(share.channelId, share.messageId, body));
    }
  }

  /** One that resists leaves none of the others standing. */
  async function clear(requestId: string, { channelId, messageId }: MessageRef, edit: () => Promise<void>) {
    try {
      await edit().catch(async (error: unknown) => {
        if (isFailure(error, 'edited_too_often')) await messages.remove(channelId, messageId);
        else if (!isFailure(error, 'message_gone', 'place_closed')) throw error;
      });
    } catch (error) {
      log.info(
        { err: error, request_id: requestId, message_id: messageId },
        'a deleted result still stands in Discord',
      );
    }
  }

  return watchDeleted(remove, log);
}
