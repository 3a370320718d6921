import { ApiError, callApi } from './api.js';
import { createCardView } from './card-view.js';
import { arrange } from './dom.js';

/** @typedef {import('./api.js').JobCard} JobCard */
/** @typedef {import('./card-view.js').CardView} CardView */

const pageSize = 20;

/**
 * The person's cards, oldest first. Whatever order answers and events come in, a card never goes back: each carries a
 * revision that rises with every stored change.
 *
 * @param {object} options
 * @param {HTMLElement} options.list
 * @param {() => import('./strings.js').Language} options.language
 * @param {() => ReturnType<typeof import('./strings.js').stringsFor>} options.strings
 * @param {import('./card-view.js').CardActions} options.actions
 * @param {(card: JobCard, before: JobCard | undefined) => void} options.onCard
 * @param {() => void} options.onChange
 */
export function createTimeline(options) {
  const { list } = options;
  /** @type {Map<string, CardView>} */
  const views = new Map();
  /** Entries that are no cards yet: requests on their way. @type {readonly HTMLElement[]} */
  let pending = [];
  let hasEarlier = false;

  function ordered() {
    return [...views.values()].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  }

  function keyOf(/** @type {CardView} */ view) {
    return `${view.card?.createdAt} ${view.card?.requestId}`;
  }

  function layOut() {
    arrange(list, [...ordered().map((view) => view.element), ...pending]);
    options.onChange();
  }

  /** @returns {boolean} whether it is new */
  function take(/** @type {JobCard} */ card) {
    const known = views.get(card.requestId);
    const before = known?.card;
    if (before !== undefined && before.revision > card.revision) return false;
    const view = known ?? createCardView(options.strings, options.actions);
    views.set(card.requestId, view);
    view.update(card);
    options.onCard(card, before);
    return known === undefined;
  }

  async function fetchCards(/** @type {string | undefined} */ before) {
    const query = new URLSearchParams({ lang: options.language(), limit: String(pageSize) });
    if (before !== undefined) query.set('before', before);
    const { cards } = /** @type {{cards: JobCard[]}} */ (await callApi(`/api/timeline?${query}`));
    for (const card of cards) take(card);
    if (before !== undefined || !hasEarlier) hasEarlier = cards.length === pageSize;
    layOut();
    return cards;
  }

  return {
    take(/** @type {JobCard} */ card) {
      if (take(card)) layOut();
      else options.onChange();
    },
    progress(/** @type {any} */ message) {
      views.get(message.requestId)?.progress(message);
    },
    preview(/** @type {any} */ message) {
      views.get(message.requestId)?.preview(message);
    },
    /**
     * Fetches what changed while nobody told us: pages back until everything that was open is seen again.
     */
    async catchUp() {
      const open = new Set([...views].filter(([, view]) => view.card?.final === false).map(([id]) => id));
      let cards = await fetchCards(undefined);
      for (const card of cards) open.delete(card.requestId);
      for (const id of open) {
        try {
          take(await callApi(`/api/requests/${id}?lang=${options.language()}`));
        } catch (error) {
          if (!(error instanceof ApiError) || error.status !== 404) throw error;
        }
      }
      layOut();
    },
    async fetchOne(/** @type {string} */ requestId) {
      if (take(await callApi(`/api/requests/${requestId}?lang=${options.language()}`))) layOut();
    },
    /** Shows a card that somebody asked for, wherever it stands. */
    reveal(/** @type {JobCard} */ card) {
      if (take(card)) layOut();
      const view = views.get(card.requestId);
      view?.element.scrollIntoView({ block: 'center' });
      view?.element.querySelector('button')?.focus({ preventScroll: true });
    },
    async earlier() {
      const first = ordered()[0]?.card;
      if (first !== undefined) await fetchCards(first.requestId);
    },
    setPending(/** @type {readonly HTMLElement[]} */ elements) {
      pending = elements;
      layOut();
    },
    /** Draws everything anew, in another language. */
    clear() {
      views.clear();
      hasEarlier = false;
      list.replaceChildren();
    },
    has: (/** @type {string} */ requestId) => views.has(requestId),
    get size() {
      return views.size + pending.length;
    },
    get hasEarlier() {
      return hasEarlier;
    },
  };
}
