import { assetUrl } from './api.js';
import { byId, icon, make } from './dom.js';

/** @typedef {import('./api.js').JobCard} JobCard */

/**
 * A card's pictures at full size: arrow keys and buttons go through them, Escape closes.
 *
 * @param {() => ReturnType<typeof import('./strings.js').stringsFor>} strings
 */
export function createLightbox(strings) {
  const dialog = byId('lightbox', HTMLDialogElement);
  /** @type {JobCard | undefined} */
  let card;
  let index = 0;
  /** @type {HTMLElement | undefined} */
  let opener;

  function pictures() {
    return (card?.tiles ?? []).flatMap(({ image }) => (image?.mediaType.startsWith('image/') === true ? [image] : []));
  }

  function go(/** @type {number} */ by) {
    const { length } = pictures();
    index = (index + by + length) % length;
    draw();
  }

  function draw() {
    const list = pictures();
    const image = list[index];
    if (card === undefined || image === undefined) return;
    const words = strings();
    const turns =
      list.length > 1
        ? [drawButton('previous', words.previous, () => go(-1)), drawButton('next', words.next, () => go(1))]
        : [];
    dialog.replaceChildren(
      make(
        'div',
        { class: 'lightbox-stage', onclick: (/** @type {Event} */ event) => closeBeside(event) },
        drawPicture(image),
      ),
      ...turns,
      drawButton('close', words.close, () => dialog.close()),
      drawFoot(card, image, words),
    );
  }

  function closeBeside(/** @type {Event} */ event) {
    if (event.target === event.currentTarget) dialog.close();
  }

  dialog.addEventListener('keydown', (event) => {
    if (event.key === 'ArrowLeft') go(-1);
    else if (event.key === 'ArrowRight') go(1);
  });
  dialog.addEventListener('close', () => opener?.focus());

  return {
    /** Opens the picture with this hash: places change while others of the card are still drawn. */
    open(/** @type {JobCard} */ shownCard, /** @type {string} */ hash, /** @type {HTMLElement} */ from) {
      card = shownCard;
      index = Math.max(
        0,
        pictures().findIndex((image) => image.hash === hash),
      );
      opener = from;
      draw();
      dialog.showModal();
    },
  };
}

/** @typedef {NonNullable<import('../../../core/cards/job-card.ts').CardTile['image']>} CardImage */

/**
 * @param {'previous' | 'next' | 'close'} name
 * @param {string} label
 * @param {() => void} act
 */
function drawButton(name, label, act) {
  return make(
    'button',
    { class: `lightbox-${name}`, type: 'button', 'aria-label': label, title: label, onclick: act },
    icon(name),
  );
}

/** The thumbnail is there at once and gives way when the original has come. */
function drawPicture(/** @type {CardImage} */ image) {
  const shown = make('img', {
    class: 'lightbox-picture',
    alt: image.alt,
    src: assetUrl(image.thumbnailHash ?? image.hash),
  });
  if (image.width !== undefined && image.height !== undefined) {
    shown.width = image.width;
    shown.height = image.height;
  }
  const original = make('img', { src: assetUrl(image.hash) });
  original.decode().then(
    () => (shown.src = original.src),
    () => undefined,
  );
  return shown;
}

/**
 * @param {JobCard} card
 * @param {CardImage} image
 * @param {ReturnType<typeof import('./strings.js').stringsFor>} words
 */
function drawFoot(card, image, words) {
  const link = (/** @type {Record<string, unknown>} */ properties, /** @type {string} */ label) =>
    make('a', { class: 'card-button', ...properties }, label);
  return make(
    'div',
    { class: 'lightbox-foot' },
    make(
      'div',
      { class: 'lightbox-words' },
      make('p', { class: 'lightbox-title' }, card.title),
      make('p', { class: 'lightbox-facts' }, card.facts.join(' · ')),
    ),
    make(
      'div',
      { class: 'lightbox-actions' },
      link({ href: assetUrl(image.hash), target: '_blank', rel: 'noopener' }, words.openOriginal),
      link({ href: assetUrl(image.hash, image.filename), download: image.filename }, words.download),
    ),
  );
}
