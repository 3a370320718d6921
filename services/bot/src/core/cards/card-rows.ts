import type { PendingQuestion, SourceRef } from '@atelier/shared/contracts/request';
import type { Language } from '@atelier/shared/contracts/identity';
import type { Messages } from '../messages/messages.ts';
import { type ButtonAction, type ButtonStyle, type CardButton, formatButtonId } from './card-buttons.ts';
import type { CardMenu, CardState, CardTile } from './job-card.ts';

const styles: Partial<Record<ButtonAction, ButtonStyle>> = {
  cancel: 'danger',
  delete: 'danger',
  edit: 'primary',
  retry: 'primary',
};
/** Beyond these, a row of numbers says less than a menu. */
const maxPictureRow = 4;
const maxMenu = 25;

/** Makes buttons of one request, in one language. */
export function createButtons(requestId: string, m: Messages) {
  const { actions } = m.chat;
  return function button(
    action: ButtonAction,
    rest: { picture?: number | undefined; arg?: string; label?: string; title?: string; style?: ButtonStyle } = {},
  ): CardButton {
    return {
      action,
      label: rest.label ?? actions[action].label,
      title: rest.title ?? actions[action].title,
      style: rest.style ?? styles[action] ?? 'secondary',
      id: formatButtonId(action, requestId, rest),
    };
  };
}

export interface CardControls {
  rows: CardButton[][];
  menus: CardMenu[];
}

export interface ControlsOf {
  requestId: string;
  state: CardState;
  tiles: readonly CardTile[];
  question: PendingQuestion | null;
  /** What came out is no still picture. */
  isMoving: boolean;
  /** Its pictures were taken away. */
  isDeleted: boolean;
  isShared: boolean;
  /** Of a picture that only shows what would be redrawn: the picture whose part it is. */
  shownOf?: SourceRef | undefined;
}

/** What can be done with a request in its state: the same for everybody who sees the card; rights are looked at when pressed. */
export function controlsOf(card: ControlsOf, m: Messages, language: Language): CardControls {
  const { state, requestId } = card;
  const button = createButtons(requestId, m);
  if (card.isDeleted || state === 'finishing' || state === 'cancelling') return { rows: [], menus: [] };
  if (state === 'asking' && card.question !== null) {
    return { rows: questionRows(requestId, card.question, m, language), menus: [] };
  }
  const pictures = card.tiles.flatMap((tile, index) =>
    tile.image === undefined ? [] : [{ index, image: tile.image }],
  );
  if (pictures.length > 0 && card.shownOf !== undefined && state === 'succeeded') {
    return { rows: [regionRow(requestId, card.shownOf, m)], menus: [] };
  }
  if (pictures.length > 0 && ['succeeded', 'partly', 'failed', 'cancelled'].includes(state)) {
    return resultControls(card, pictures, m);
  }
  if (state === 'failed' || state === 'cancelled') return { rows: [[button('retry'), button('remix')]], menus: [] };
  if (state === 'succeeded' || state === 'partly') return { rows: [[button('retry')]], menus: [] };
  if (state === 'replied') return { rows: [], menus: [] };
  return { rows: [[button('cancel')]], menus: [] };
}

/** Redraw it, find it by other words in the same picture, or take it away: it is made again in a moment, so nobody is asked twice. */
function regionRow(requestId: string, { requestId: ofRequest, picture = 0 }: SourceRef, m: Messages): CardButton[] {
  const button = createButtons(requestId, m);
  const { describe, cancel } = m.chat.region;
  return [
    button('redraw_region', { style: 'success' }),
    createButtons(ofRequest, m)('vary_region', { picture, ...describe }),
    button('delete', { arg: 'yes', ...cancel }),
  ];
}

function questionRows(requestId: string, question: PendingQuestion, m: Messages, language: Language): CardButton[][] {
  const ofQuestion = createButtons(question.id, m);
  const choices = question.choices.map((choice, index) =>
    ofQuestion('answer', {
      arg: choice.id,
      label: choice.label[language],
      title: choice.label[language],
      style: choice.id === 'cancel' ? 'danger' : index === 0 && question.kind === 'plan' ? 'success' : 'secondary',
    }),
  );
  // A change is said in words.
  const canChange = question.choices.some((choice) => choice.id === 'change');
  const inWords = question.allowText && !canChange ? [ofQuestion('answer_text')] : [];
  const canCancel = question.choices.some((choice) => choice.id === 'cancel');
  const rows = [choices, [...inWords, ...(canCancel ? [] : [createButtons(requestId, m)('cancel')])]];
  return rows.filter((row) => row.length > 0);
}

function resultControls(
  card: ControlsOf,
  pictures: readonly { index: number; image: { mediaType: string } }[],
  m: Messages,
): CardControls {
  const button = createButtons(card.requestId, m);
  const isDrawn = !card.isMoving && pictures.every(({ image }) => image.mediaType.startsWith('image/'));
  const missing = card.state === 'partly' || card.state === 'failed' ? [button('retry')] : [];
  const [first] = pictures;
  const single = pictures.length === 1 ? first?.index : undefined;
  const fitsRows = pictures.length <= maxPictureRow;
  const tail: CardButton[] = [
    ...(isDrawn && fitsRows && single === undefined ? [button('sheet')] : []),
    button('details'),
    button('copy'),
    button('open'),
    button('rerun'),
    ...(card.isShared ? [] : [button('share')]),
    button('report'),
    button('delete'),
  ];
  if (!isDrawn) {
    return {
      rows: [
        [
          button('reroll'),
          button('remix'),
          button('favourite', { picture: single ?? 0 }),
          button('original'),
          ...missing,
        ],
      ],
      menus: [menu('more', tail, m)],
    };
  }
  if (single !== undefined) {
    const [main, second, rest] = pictureActions(card.requestId, single, m);
    return {
      rows: [
        [...main, button('reroll')],
        [...second, button('remix'), button('original')],
        ...(missing.length === 0 ? [] : [missing]),
      ],
      menus: [menu('more', [...rest, ...tail], m)],
    };
  }
  const picks = pictures.map(({ index }) =>
    button('pick', {
      picture: index,
      label: m.chat.picture(index + 1),
      title: `${m.chat.picture(index + 1)}: ${m.chat.actions.pick.title}`,
    }),
  );
  const whole = [button('reroll'), button('remix'), button('original'), ...missing];
  if (!fitsRows) {
    return {
      rows: [[...whole, button('sheet')]],
      menus: [menu('picture', picks.slice(0, maxMenu), m), menu('more', tail, m)],
    };
  }
  const numbered = (action: ButtonAction, letter: string): CardButton[] =>
    pictures.map(({ index }) =>
      button(action, {
        picture: index,
        label: `${letter}${index + 1}`,
        title: `${m.chat.picture(index + 1)}: ${m.chat.actions[action].title}`,
      }),
    );
  return {
    rows: [
      [...numbered('upscale_subtle', 'U'), button('reroll')],
      [...numbered('vary_strong', 'V'), button('remix')],
      [...missing, button('original')],
    ],
    menus: [menu('picture', picks, m), menu('more', tail, m)],
  };
}

/** What can be done with one picture: the first row, what people do most besides, and the rest. */
export function pictureActions(
  requestId: string,
  picture: number,
  m: Messages,
): [main: CardButton[], second: CardButton[], rest: CardButton[]] {
  const button = createButtons(requestId, m);
  const of = (...actions: ButtonAction[]): CardButton[] => actions.map((action) => button(action, { picture }));
  return [
    of('upscale_subtle', 'upscale_creative', 'vary_subtle', 'vary_strong'),
    of('edit', 'animate', 'favourite'),
    of('vary_region', 'outpaint', 'aspect', 'background'),
  ];
}

function menu(kind: CardMenu['kind'], entries: CardButton[], m: Messages): CardMenu {
  return { kind, placeholder: kind === 'picture' ? m.chat.pictureMenu : m.chat.moreMenu, entries };
}
