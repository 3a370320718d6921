import { randomUUID } from 'node:crypto';
import type { CardFacts } from '@atelier/bot/core/cards/card-facts';
import type { ClaimedDelivery, DeliveryKind } from '@atelier/shared/db/deliveries/delivery-store';

/** A message that is owed for a request, as the bot's worker claims it for the first time. */
export function claimedDelivery(
  kind: DeliveryKind,
  { request }: CardFacts,
  more: Partial<ClaimedDelivery> = {},
): ClaimedDelivery {
  return {
    id: randomUUID(),
    requestId: request.id,
    door: request.place.door,
    place: request.place,
    kind,
    epoch: 1,
    attempts: 1,
    triedBefore: false,
    sendingAt: new Date(),
    cardRef: null,
    ...more,
  };
}
