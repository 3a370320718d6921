import { byId } from './dom.js';

/** @typedef {import('./api.js').JobCard} JobCard */

/** Progress is spoken at most this often: often enough to know that it goes on. */
const progressEveryMs = 20_000;
/** Longer titles are cut when spoken. */
const spokenTitle = 60;

/** Says what changes to who listens instead of looking: states at once, progress rarely. */
export function createAnnouncer() {
  const region = byId('announcer');
  let spokenAt = 0;

  function say(/** @type {string} */ text) {
    region.textContent = text;
  }

  return {
    card(/** @type {JobCard} */ card, /** @type {JobCard | undefined} */ before) {
      // What was already so when the page was opened is no news.
      if (before === undefined || before.state === card.state) return;
      const title = card.title.length > spokenTitle ? `${card.title.slice(0, spokenTitle)}…` : card.title;
      say([title, card.headline, card.queue?.text, card.error].filter((part) => part !== undefined).join('. '));
      spokenAt = Date.now();
    },
    progress(/** @type {{progress?: {fraction: number, text: string}}} */ { progress }) {
      if (progress === undefined || Date.now() - spokenAt < progressEveryMs) return;
      spokenAt = Date.now();
      say(`${Math.round(progress.fraction * 100)} %, ${progress.text}`);
    },
  };
}
