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
    return (card?.tiles ?? []).flatMap((tile) => (tile.image === undefined ? [] : [tile.image]));
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
    const several = list.length > 1;
    const button = (
      /** @type {Parameters<typeof icon>[0]} */ name,
      /** @type {string} */ label,
      /** @type {() => void} */ act,
    ) =>
      make(
        'button',
        { class: `lightbox-${name}`, type: 'button', 'aria-label': label, title: label, onclick: act },
        icon(name),
      );
    // The thumbnail is there at once and gives way when the original has come.
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
    dialog.replaceChildren(
      make('div', { class: 'lightbox-stage', onclick: (/** @type {Event} */ event) => closeBeside(event) }, shown),
      ...(several ? [button('previous', words.previous, () => go(-1)), button('next', words.next, () => go(1))] : []),
      button('close', words.close, () => dialog.close()),
      make(
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
          make(
            'a',
            { class: 'card-button', href: assetUrl(image.hash), target: '_blank', rel: 'noopener' },
            words.openOriginal,
          ),
          make(
            'a',
            { class: 'card-button', href: assetUrl(image.hash, image.filename), download: image.filename },
            words.download,
          ),
        ),
      ),
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
    open(/** @type {JobCard} */ shownCard, /** @type {number} */ at, /** @type {HTMLElement} */ from) {
      card = shownCard;
      index = at;
      opener = from;
      draw();
      dialog.showModal();
    },
  };
}
