import type { Logger } from 'pino';
import type { Place } from '@atelier/shared/contracts/identity';
import { isFailure } from '../messages/discord-failure.ts';
import type { DiscordMessages } from '../messages/discord-messages.ts';
import type { MessageBody } from '../messages/message-body.ts';
import type { MessageMarker } from '../messages/message-marker.ts';
import { defaultMaxFileBytes, type MessageRef } from '../messages/message-ref.ts';

export interface NewMessagePlacerDeps {
  messages: Pick<DiscordMessages, 'send' | 'edit' | 'find' | 'openDirectChannel'>;
  /** Undefined until Discord has named it. */
  applicationId: () => string | undefined;
  /** What one file may weigh in a server. */
  maxFileBytes: (guildId: string | undefined) => number;
  log: Logger;
}

export interface NewMessageOrder {
  place: Place;
  marker: MessageMarker;
  /** @param maxFileBytes what one file may weigh where it goes. */
  draw: (maxFileBytes: number) => Promise<MessageBody>;
  /** What the person reads where it comes to them alone; as `draw` gives it without this. */
  drawAlone?: () => Promise<MessageBody>;
  /** An earlier one may stand there: since when, and of which interaction's answers that may be. */
  lookSince?: Date;
  interactionId?: string;
  /** What is found shows something older. */
  refreshFound?: boolean;
  /** Whether the person is notified by it. */
  mention?: boolean;
  /** For the person's eyes only. */
  isPrivate?: boolean;
  requestId: string | null;
}

/**
 * Sends a message that is not there yet: in its place, or, where that is closed or the message is private, to the person
 * alone. Looks first where an earlier one may stand.
 *
 * @throws DiscordFailure
 */
export function createNewMessagePlacer(deps: NewMessagePlacerDeps) {
  const { messages, log } = deps;

  async function place(order: NewMessageOrder): Promise<MessageRef> {
    const { place: where } = order;
    if (order.isPrivate === true && where.guildId !== undefined && where.userId !== undefined) return placeAlone(order);
    const maxFileBytes = deps.maxFileBytes(where.guildId);
    try {
      const body = await order.draw(maxFileBytes);
      const messageId = await sendOnce(order, where.id, body, where.replyTo);
      return { channelId: where.id, messageId, maxFileBytes, notified: false, ephemeral: false };
    } catch (error) {
      if (!isFailure(error, 'place_closed') || where.userId === undefined) throw error;
      log.info({ request_id: order.requestId, reason: error.message }, 'the channel is closed; telling the person');
    }
    return placeAlone(order);
  }

  async function placeAlone(order: NewMessageOrder): Promise<MessageRef> {
    const { drawAlone = () => order.draw(defaultMaxFileBytes), place: where } = order;
    const channelId = await messages.openDirectChannel(where.userId ?? '');
    const messageId = await sendOnce({ ...order, mention: false }, channelId, await drawAlone(), undefined);
    return { channelId, messageId, maxFileBytes: defaultMaxFileBytes, notified: true, ephemeral: false };
  }

  async function sendOnce(
    { marker, place: where, ...order }: NewMessageOrder,
    channelId: string,
    drawn: MessageBody,
    replyTo: string | undefined,
  ): Promise<string> {
    const body = marked(drawn, marker.componentId);
    if (order.lookSince !== undefined) {
      const found = await messages.find({
        channelId,
        applicationId: deps.applicationId(),
        since: order.lookSince,
        marker,
        ...(order.interactionId === undefined ? {} : { interactionId: order.interactionId }),
      });
      if (found !== undefined) {
        if (order.refreshFound === true) await messages.edit(channelId, found, body);
        return found;
      }
    }
    return messages.send(channelId, body, {
      marker,
      ...(replyTo === undefined ? {} : { replyTo }),
      ...(order.mention === true && where.userId !== undefined ? { mention: where.userId } : {}),
    });
  }

  return place;
}
export type NewMessagePlacer = ReturnType<typeof createNewMessagePlacer>;

/** The same message under another marker. */
function marked(body: MessageBody, componentId: number): MessageBody {
  const [first, ...others] = body.components;
  return first === undefined ? body : { ...body, components: [{ ...first, id: componentId }, ...others] };
}
