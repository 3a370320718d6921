import { assetUrl } from './api.js';
import { drawRows } from './action-rows.js';
import { arrange, icon, make } from './dom.js';

/** @typedef {import('./api.js').JobCard} JobCard */
/** @typedef {import('../../../core/cards/job-card.ts').CardTile} CardTile */
/** @typedef {ReturnType<typeof import('./strings.js').stringsFor>} Strings */

/**
 * @typedef {object} CardActions
 * @property {import('./action-rows.js').Press} press
 * @property {(card: JobCard, hash: string, opener: HTMLElement) => void} openPicture
 *
 * @typedef {ReturnType<typeof createCardView>} CardView
 */

/**
 * One card. It is changed in place, so that pictures do not flicker and focus stays.
 *
 * @param {() => Strings} strings
 * @param {CardActions} actions
 */
export function createCardView(strings, actions) {
  const title = make('h3', { class: 'card-title' });
  const meta = make('p', { class: 'card-meta' });
  const origin = make('p', { class: 'card-origin', hidden: true });
  const question = make('div', { class: 'card-question', hidden: true });
  const reason = make('p', { class: 'card-reason', hidden: true });
  const inputs = make('ul', { class: 'card-inputs', hidden: true });
  const grid = make('ul', { class: 'tiles', hidden: true });
  const reply = make('p', { class: 'card-reply', hidden: true });
  const error = make('p', { class: 'card-error', hidden: true });
  const bar = make('div', { class: 'bar-fill' });
  const progress = make('div', { class: 'bar', role: 'progressbar', 'aria-valuemin': 0, 'aria-valuemax': 100 }, bar);
  const headline = make('span', { class: 'card-headline' });
  const statusText = make('span', { class: 'card-status-text' });
  const status = make('p', { class: 'card-status' }, headline, statusText);
  const actionRows = make('div', { class: 'card-actions' });
  const facts = make('p', { class: 'card-facts', hidden: true });
  const notes = make('ul', { class: 'card-notes', hidden: true });
  const article = make(
    'article',
    { class: 'card' },
    make('header', { class: 'card-head' }, title, meta),
    origin,
    inputs,
    grid,
    reply,
    error,
    question,
    progress,
    make('footer', { class: 'card-foot' }, status),
    reason,
    actionRows,
    facts,
    notes,
  );
  const element = make('li', { class: 'entry' }, article);
  /** @type {Map<string, TileView>} */
  const tiles = new Map();
  /** The last preview of each job: it stays until the picture itself is there. @type {Map<string, string>} */
  const previews = new Map();
  /** @type {JobCard | undefined} */
  let shown;

  function update(/** @type {JobCard} */ card) {
    shown = card;
    element.dataset['state'] = card.state;
    element.dataset['requestId'] = card.requestId;
    title.id = `title-${card.requestId}`;
    title.textContent = card.title;
    article.setAttribute('aria-labelledby', title.id);
    meta.textContent = [formatTime(card.createdAt), ...(card.isPrivate ? [strings().private] : [])].join(' · ');
    fill(origin, card.lineage?.text);
    drawQuestion(card.question);
    fill(reason, card.reason);
    headline.textContent = card.headline;
    drawInputs(card);
    drawTiles(card);
    fill(reply, card.reply);
    fill(error, card.error);
    fill(facts, card.facts.join(' · '));
    notes.hidden = card.notes.length === 0;
    notes.replaceChildren(...card.notes.map((note) => make('li', {}, note)));
    drawProgress(card.progress);
    if (card.progress === undefined) statusText.textContent = card.queue?.text ?? '';
    drawButtons(card);
  }

  function drawProgress(/** @type {JobCard['progress']} */ now) {
    progress.hidden = now === undefined;
    if (now === undefined) return;
    const percent = Math.round(now.fraction * 100);
    bar.style.setProperty('--fraction', String(now.fraction));
    progress.setAttribute('aria-valuenow', String(percent));
    progress.setAttribute('aria-valuetext', `${percent} %, ${now.text}`);
    progress.setAttribute('aria-labelledby', title.id);
    statusText.textContent = `${percent} % · ${now.text}`;
  }

  function drawInputs(/** @type {JobCard} */ card) {
    if (inputs.childElementCount === card.inputs.length) return;
    inputs.hidden = card.inputs.length === 0;
    inputs.replaceChildren(
      ...card.inputs.map((input) =>
        make('li', {}, make('img', { src: assetUrl(input.hash), alt: strings().attachedTo, loading: 'lazy' })),
      ),
    );
  }

  function drawTiles(/** @type {JobCard} */ card) {
    // A card that came to nothing shows no empty frames.
    const list = card.final ? card.tiles.filter((tile) => tile.image !== undefined) : card.tiles;
    grid.hidden = list.length === 0;
    grid.dataset['several'] = String(new Set(list.map((tile) => tile.jobId)).size > 1);
    grid.dataset['count'] = String(Math.min(list.length, 4));
    const { width, height } = card.size ?? { width: 1, height: 1 };
    grid.style.setProperty('--ratio', String(width / height));
    /** @type {Map<string, number>} */
    const perJob = new Map();
    const elements = list.map((tile) => {
      const nth = perJob.get(tile.jobId) ?? 0;
      perJob.set(tile.jobId, nth + 1);
      const key = `${tile.jobId}:${nth}`;
      const view = tiles.get(key) ?? createTileView(strings, openPicture);
      tiles.set(key, view);
      view.update(tile);
      view.element.dataset['covered'] = String(card.isCovered);
      const preview = previews.get(tile.jobId);
      if (preview !== undefined && tile.state === 'running') view.preview(preview);
      return view.element;
    });
    arrange(grid, elements);
  }

  function openPicture(/** @type {string} */ hash, /** @type {HTMLElement} */ opener) {
    if (shown !== undefined) actions.openPicture(shown, hash, opener);
  }

  /** What the buttons show now: an unchanged row keeps its focus. */
  let drawnButtons = '';

  function drawButtons(/** @type {JobCard} */ card) {
    const wanted = JSON.stringify([card.rows, card.menus]);
    if (wanted === drawnButtons) return;
    drawnButtons = wanted;
    const focused = actionRows.contains(document.activeElement)
      ? document.activeElement?.getAttribute('data-id')
      : undefined;
    actionRows.replaceChildren(...drawRows(card.rows, card.menus, actions.press, title.id));
    if (typeof focused !== 'string') return;
    const again = [...actionRows.querySelectorAll('button')].find((one) => one.dataset['id'] === focused);
    again?.focus();
  }

  function drawQuestion(/** @type {JobCard['question']} */ asked) {
    question.hidden = asked === undefined;
    question.replaceChildren(
      ...(asked === undefined
        ? []
        : [
            make('p', { class: 'card-question-text' }, asked.text),
            ...asked.plan.map((line) => make('p', { class: 'card-question-plan' }, line)),
          ]),
    );
  }

  return {
    element,
    update,
    /** A message between two states of the card. */
    progress(/** @type {{jobId: string, fraction: number, progress?: JobCard['progress']}} */ message) {
      if (shown === undefined || shown.final) return;
      drawProgress(message.progress);
      for (const [key, view] of tiles) if (key.startsWith(message.jobId)) view.fraction(message.fraction);
    },
    preview(/** @type {{jobId: string, src: string}} */ message) {
      if (shown === undefined || shown.final) return;
      previews.set(message.jobId, message.src);
      for (const [key, view] of tiles) if (key.startsWith(message.jobId)) view.preview(message.src);
    },
    get card() {
      return shown;
    },
  };
}

/**
 * The place of one picture: waiting, then previews, then the picture.
 *
 * @typedef {ReturnType<typeof createTileView>} TileView
 * @param {() => Strings} strings
 * @param {(hash: string, opener: HTMLElement) => void} open
 */
function createTileView(strings, open) {
  const preview = make('img', { class: 'tile-preview', alt: '', hidden: true });
  const meter = make('span', { class: 'tile-meter', 'aria-hidden': 'true' });
  const frame = make('div', { class: 'tile-frame' }, preview, meter);
  const element = make('li', { class: 'tile' }, frame);
  let hash = '';

  function show(/** @type {NonNullable<CardTile['image']>} */ image) {
    if (hash === image.hash) return;
    hash = image.hash;
    const media = /^(video|audio)\//.exec(image.mediaType)?.[1];
    if (media !== undefined) {
      const player = make(media === 'video' ? 'video' : 'audio', {
        class: 'tile-media',
        src: assetUrl(image.hash),
        controls: true,
        loop: media === 'video',
        preload: 'metadata',
        'aria-label': image.alt,
      });
      frame.replaceChildren(player);
      element.dataset['shown'] = 'true';
      return;
    }
    if (!image.mediaType.startsWith('image/')) {
      frame.replaceChildren(
        make(
          'a',
          { class: 'tile-file', href: assetUrl(image.hash, image.filename), download: image.filename },
          image.filename,
        ),
      );
      return;
    }
    const picture = make('img', {
      class: 'tile-picture',
      src: assetUrl(image.thumbnailHash ?? image.hash),
      alt: image.alt,
      decoding: 'async',
    });
    const opener = make(
      'button',
      { class: 'tile-open', type: 'button', 'aria-label': strings().open(image.alt) },
      picture,
    );
    opener.addEventListener('click', () => open(image.hash, opener));
    const save = make(
      'a',
      {
        class: 'tile-save',
        href: assetUrl(image.hash, image.filename),
        download: image.filename,
        'aria-label': `${strings().download}: ${image.alt}`,
        title: strings().download,
      },
      icon('download'),
    );
    if (image.width !== undefined && image.height !== undefined) {
      element.style.setProperty('--ratio', String(image.width / image.height));
    }
    frame.append(opener, save);
    const reveal = () => {
      element.dataset['shown'] = 'true';
      preview.remove();
    };
    picture.decode().then(reveal, reveal);
  }

  return {
    element,
    update(/** @type {CardTile} */ tile) {
      element.dataset['state'] = tile.state;
      if (tile.image !== undefined) show(tile.image);
      else if (tile.fraction !== undefined) meter.style.setProperty('--fraction', String(tile.fraction));
    },
    fraction(/** @type {number} */ fraction) {
      meter.style.setProperty('--fraction', String(fraction));
    },
    preview(/** @type {string} */ src) {
      if (hash !== '') return;
      preview.alt = strings().previewAlt;
      preview.src = src;
      preview.hidden = false;
    },
  };
}

function fill(/** @type {HTMLElement} */ element, /** @type {string | undefined} */ text) {
  element.hidden = text === undefined || text === '';
  element.textContent = text ?? '';
}

/**
 * The time of today, the date with it otherwise. The page knows a language, the browser also the region, which decides
 * between 18:05 and 6:05 PM: the browser's own locale writes it where it speaks the page's language.
 */
function formatTime(/** @type {string} */ iso) {
  const date = new Date(iso);
  const today = new Date().toDateString() === date.toDateString();
  const style = today ? { timeStyle: 'short' } : { dateStyle: 'medium', timeStyle: 'short' };
  const { lang } = document.documentElement;
  // Not every tag a browser reports is one Intl accepts ("en-US@posix").
  const sameLanguage = new RegExp(`^${lang.slice(0, 2)}(-[A-Za-z0-9]{2,8})*$`);
  const locale = navigator.languages.find((tag) => sameLanguage.test(tag)) ?? lang;
  return new Intl.DateTimeFormat(locale, /** @type {Intl.DateTimeFormatOptions} */ (style)).format(date);
}
