/*
 * The connection to the server's events. States: connecting -> live -> reconnecting -> live …
 *
 * `onOpen` is called after every connection: events are not repeated, so the page then fetches what it may have missed.
 */

/** Longer than two heartbeats of the server: a connection this quiet is dead. */
const silenceMs = 35_000;
/** An attempt that has not opened by then will not. */
const openingMs = 10_000;
const firstRetryMs = 500;
const maxRetryMs = 8_000;

/**
 * @typedef {object} LiveHandlers
 * @property {() => void} onOpen
 * @property {(state: 'connecting' | 'live' | 'reconnecting') => void} onState
 * @property {Record<string, (data: any) => void>} events
 *
 * @param {() => string} url
 * @param {LiveHandlers} handlers
 */
export function createLiveEvents(url, handlers) {
  /** @type {EventSource | undefined} */
  let source;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let retry;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let silence;
  let retryMs = firstRetryMs;
  let wasLive = false;

  function loseIn(/** @type {number} */ milliseconds) {
    clearTimeout(silence);
    silence = setTimeout(lost, milliseconds);
  }
  const heard = () => loseIn(silenceMs);

  function lost() {
    source?.close();
    source = undefined;
    clearTimeout(silence);
    handlers.onState(wasLive ? 'reconnecting' : 'connecting');
    clearTimeout(retry);
    retry = setTimeout(open, retryMs);
    retryMs = Math.min(retryMs * 1.7, maxRetryMs);
  }

  function open() {
    clearTimeout(retry);
    source?.close();
    const opened = new EventSource(url());
    source = opened;
    loseIn(openingMs);
    opened.addEventListener('open', () => {
      wasLive = true;
      retryMs = firstRetryMs;
      heard();
      handlers.onState('live');
      handlers.onOpen();
    });
    // Every connection is made by us, so that after each one the page catches up.
    opened.addEventListener('error', () => {
      if (source === opened) lost();
    });
    opened.addEventListener('heartbeat', heard);
    for (const [name, handle] of Object.entries(handlers.events)) {
      opened.addEventListener(name, (event) => {
        heard();
        handle(JSON.parse(event.data));
      });
    }
  }

  // A phone that wakes up, or a network that returns, need not wait for the timer.
  const hurry = () => {
    if (source !== undefined || document.visibilityState === 'hidden') return;
    retryMs = firstRetryMs;
    open();
  };
  addEventListener('online', hurry);
  document.addEventListener('visibilitychange', hurry);

  return {
    start() {
      handlers.onState('connecting');
      open();
    },
    /** Connects anew, such as in another language. */
    restart: open,
  };
}
