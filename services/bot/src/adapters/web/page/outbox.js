import { ApiError, callApi } from './api.js';
import { make } from './dom.js';
import { storage } from './preferences.js';

/*
 * Requests on their way to the server. Each has an id of its own from the first try on, so sending it again after a lost
 * answer, a restart of the server or a reload of the page is the same request and never a second one.
 *
 * waiting -> sending -> accepted (gone from here) | refused (back to the composer) | waiting, for the next try.
 */

/**
 * @typedef {object} Draft
 * @property {string} text
 * @property {Record<string, unknown>} options
 * @property {{hash: string, name?: string}[]} images
 *
 * @typedef {Draft & {eventId: string}} PendingRequest
 */

const firstRetryMs = 1_000;
const maxRetryMs = 10_000;

/**
 * @param {object} options
 * @param {() => import('./strings.js').Language} options.language
 * @param {() => ReturnType<typeof import('./strings.js').stringsFor>} options.strings
 * @param {(elements: HTMLElement[]) => void} options.onChange draws what is on its way.
 * @param {(answer: any) => Promise<void>} options.onAccepted
 * @param {(error: ApiError, request: PendingRequest) => void} options.onRefused
 */
export function createOutbox(options) {
  /** @type {PendingRequest[]} */
  let waiting = parseStored(storage.read('outbox'));
  /** Told that it was not accepted yet. @type {Set<string>} */
  const late = new Set();
  let sending = false;
  let retryMs = firstRetryMs;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;

  function changed() {
    storage.write('outbox', waiting);
    options.onChange(waiting.map(draw));
  }

  function draw(/** @type {PendingRequest} */ request) {
    const strings = options.strings();
    const isLate = late.has(request.eventId);
    return make(
      'li',
      { class: 'entry', 'data-state': 'sending' },
      make(
        'article',
        { class: 'card' },
        make('header', { class: 'card-head' }, make('h3', { class: 'card-title' }, request.text)),
        make(
          'footer',
          { class: 'card-foot' },
          make(
            'p',
            { class: 'card-status' },
            make('span', { class: 'card-headline' }, isLate ? strings.notAccepted : strings.sending),
          ),
          isLate
            ? make('button', { class: 'card-button', type: 'button', onclick: () => drop(request) }, strings.discard)
            : undefined,
        ),
      ),
    );
  }

  function drop(/** @type {PendingRequest} */ request) {
    waiting = waiting.filter((other) => other !== request);
    changed();
  }

  async function sendNext() {
    const request = waiting[0];
    if (sending || request === undefined) return;
    sending = true;
    clearTimeout(timer);
    try {
      const { eventId, text, images } = request;
      const answer = await callApi(`/api/requests?lang=${options.language()}`, {
        json: { eventId, text, images, options: request.options },
      });
      retryMs = firstRetryMs;
      await options.onAccepted(answer);
      drop(request);
    } catch (error) {
      if (error instanceof ApiError && !error.passing) {
        drop(request);
        options.onRefused(error, request);
      } else {
        late.add(request.eventId);
        changed();
        timer = setTimeout(() => void sendNext(), retryMs);
        retryMs = Math.min(retryMs * 2, maxRetryMs);
        return;
      }
    } finally {
      sending = false;
    }
    await sendNext();
  }

  return {
    add(/** @type {Draft} */ draft) {
      waiting.push({ ...draft, eventId: randomId() });
      changed();
      void sendNext();
    },
    /** Now is a good time: the server answers again. */
    hurry() {
      retryMs = firstRetryMs;
      void sendNext();
    },
    redraw: changed,
  };
}

/** @returns {PendingRequest[]} */
function parseStored(/** @type {unknown} */ stored) {
  if (!Array.isArray(stored)) return [];
  return stored.filter((item) => typeof item?.eventId === 'string' && typeof item?.text === 'string');
}

/** A random UUID. `crypto.randomUUID` exists only on https and loopback. */
export function randomId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
