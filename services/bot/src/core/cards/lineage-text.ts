import type { Messages } from '../messages/messages.ts';
import { type CardFacts, shownRegionOf } from './card-facts.ts';

/** `Variation of picture 2`: what a request was made from; undefined where it stands for itself. */
export function lineageText({ request }: Pick<CardFacts, 'request'>, { chat }: Messages): string | undefined {
  const { body, parentRequestId, parentPicture } = request;
  if (parentRequestId === null) return undefined;
  const made =
    shownRegionOf({ request }) === undefined
      ? chat.lineage[body.kind === 'derive' ? body.action : body.kind === 'rerun' ? 'rerun' : 'other']
      : chat.region.lineage;
  return parentPicture === null ? made : chat.ofPicture(made, parentPicture + 1);
}
