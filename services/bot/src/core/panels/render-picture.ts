import { type CardFacts, isMoving } from '../cards/card-facts.ts';
import { createButtons, pictureActions } from '../cards/card-rows.ts';
import type { CardImage } from '../cards/job-card.ts';
import type { Messages } from '../messages/messages.ts';
import type { Panel } from './panel.ts';

export interface PickedPicture {
  picture: number;
  image: CardImage | undefined;
  /** Among the favourites of who reads. */
  isKept: boolean;
  isAuthor: boolean;
  mayDelete: boolean;
}

/** One picture of a result, with all that can be done with it. */
export function renderPicture(facts: CardFacts, picked: PickedPicture, m: Messages): Panel {
  const { picture, image } = picked;
  const { id, plan } = facts.request;
  const button = createButtons(id, m);
  const [main, second, rest] = pictureActions(id, picture, m);
  const isDrawn = !isMoving(facts) && image?.mediaType.startsWith('image/') === true;
  const { unfavourite } = m.chat;
  const favourite = picked.isKept
    ? button('favourite', { picture, arg: 'off', label: unfavourite.label, title: unfavourite.title })
    : button('favourite', { picture, arg: 'on' });
  const changes = [...second.filter(({ action }) => action !== 'favourite'), ...rest.slice(0, 1)];
  return {
    title: m.chat.picture(picture + 1),
    text: plan?.prompt ?? '',
    ...(image === undefined ? {} : { image }),
    ...(facts.marks?.isCovered === true ? { isCovered: true } : {}),
    rows: [
      ...(isDrawn ? [main, changes, rest.slice(1)] : []),
      [favourite, button('original', { picture }), button('details'), button('copy')],
      [
        button('open', { picture }),
        ...(picked.isAuthor ? [button('share', { picture })] : []),
        button('report', { picture }),
        ...(picked.mayDelete ? [button('delete')] : []),
      ],
    ],
    links: [],
  };
}
