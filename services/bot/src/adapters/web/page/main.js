import { createAnnouncer } from './announcer.js';
import { ApiError, callApi } from './api.js';
import { createComposer } from './composer.js';
import { byId, icon, make } from './dom.js';
import { createLightbox } from './lightbox.js';
import { createLiveEvents } from './live-events.js';
import { createOutbox, randomId } from './outbox.js';
import { applyTheme, preferredLanguage, preferredTheme, storage } from './preferences.js';
import { createQueueView } from './queue-view.js';
import { askForToken, editProfile } from './sheets.js';
import { stringsFor } from './strings.js';
import { createTimeline } from './timeline.js';

/** How near to the end counts as reading the newest. */
const nearEndPixels = 160;

let language = preferredLanguage();
let theme = preferredTheme();
let profile = { displayName: '', open: true };
/** @type {'connecting' | 'live' | 'reconnecting'} */
let connection = 'connecting';
/** The first fetch has ended, so an empty timeline is really empty. */
let loaded = false;

const strings = () => stringsFor(language);
const currentLanguage = () => language;
applyTheme(theme);

const scroller = byId('scroller');
const lightbox = createLightbox(strings);
const announcer = createAnnouncer();
const queueView = createQueueView(strings);

const timeline = createTimeline({
  list: byId('timeline'),
  language: currentLanguage,
  strings,
  actions: { press, openPicture: (card, index, opener) => lightbox.open(card, index, opener) },
  onCard: (card, before) => announcer.card(card, before),
  onChange: afterChange,
});

const composer = createComposer({
  strings,
  language: currentLanguage,
  onSubmit(draft) {
    outbox.add(draft);
    scrollToEnd();
  },
});

const outbox = createOutbox({
  language: currentLanguage,
  strings,
  onChange: (elements) => timeline.setPending(elements),
  async onAccepted(answer) {
    if (answer.outcome === 'accepted') {
      if (!timeline.has(answer.requestId)) await timeline.fetchOne(answer.requestId).catch(() => undefined);
      return;
    }
    if (answer.outcome === 'queue') queueView.show(true);
    else composer.say(answer.text, 'answer');
  },
  onRefused(error, request) {
    if (error.status === 401) {
      composer.giveBack(request, composer.sentenceOf(error));
      void start();
    } else composer.giveBack(request, composer.sentenceOf(error));
  },
});

const live = createLiveEvents(() => `/api/events?lang=${language}`, {
  onState(state) {
    connection = state;
    drawConnection();
    // The stream does not say why it ended: an expired sign-in looks like a server that is away.
    if (state === 'reconnecting') checkAccess();
  },
  onOpen() {
    timeline.catchUp().then(
      () => {
        loaded = true;
        afterChange();
        outbox.hurry();
      },
      () => live.restart(),
    );
  },
  events: {
    card: (card) => timeline.take(card),
    progress(message) {
      timeline.progress(message);
      announcer.progress(message);
    },
    preview: (message) => timeline.preview(message),
    queue: (queue) => queueView.update(queue),
    notices: drawNotices,
  },
});

/**
 * @param {'cancel' | 'retry'} action
 * @param {string} requestId
 */
async function press(action, requestId) {
  try {
    const answer = await callApi(`/api/requests/${requestId}/${action}?lang=${language}`, {
      json: action === 'retry' ? { eventId: randomId() } : {},
    });
    await timeline.fetchOne(answer.requestId ?? requestId);
    if (action === 'retry') scrollToEnd();
  } catch (error) {
    composer.say(composer.sentenceOf(error));
  }
}

let following = true;

function afterChange() {
  byId('welcome').hidden = !loaded || timeline.size > 0;
  byId('earlier').hidden = !timeline.hasEarlier;
  if (following) scroller.scrollTop = scroller.scrollHeight;
  drawToLatest();
}

function scrollToEnd() {
  following = true;
  scroller.scrollTop = scroller.scrollHeight;
}

function drawToLatest() {
  byId('to-latest').hidden = following;
}

scroller.addEventListener('scroll', () => {
  following = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < nearEndPixels;
  drawToLatest();
});
// Pictures that come in and a growing composer move the end.
new ResizeObserver(() => {
  if (following) scroller.scrollTop = scroller.scrollHeight;
}).observe(byId('timeline'));
new ResizeObserver(() => {
  if (following) scroller.scrollTop = scroller.scrollHeight;
}).observe(scroller);

byId('to-latest').addEventListener('click', scrollToEnd);
byId('earlier').addEventListener('click', () => {
  const fromEnd = scroller.scrollHeight - scroller.scrollTop;
  following = false;
  timeline.earlier().then(
    () => (scroller.scrollTop = scroller.scrollHeight - fromEnd),
    (error) => composer.say(composer.sentenceOf(error)),
  );
});

function drawNotices(/** @type {{key: string, text: string}[]} */ notices) {
  byId('notices').replaceChildren(
    ...notices.map((notice) => make('p', { class: 'notice', 'data-key': notice.key }, notice.text)),
  );
}

function drawConnection() {
  const element = byId('connection');
  element.dataset['state'] = connection;
  element.textContent = {
    live: strings().live,
    connecting: strings().connecting,
    reconnecting: strings().reconnecting,
  }[connection];
  if (connection === 'reconnecting') drawNotices([{ key: 'offline', text: strings().offline }]);
}

function drawProfile() {
  const button = byId('profile');
  const initial = Array.from(profile.displayName)[0] ?? '·';
  button.textContent = initial.toUpperCase();
  button.setAttribute('aria-label', `${strings().yourName}: ${profile.displayName}`);
  button.title = profile.displayName;
}

function drawTheme() {
  const button = byId('theme');
  const label = { auto: strings().themeAuto, light: strings().themeLight, dark: strings().themeDark }[theme];
  button.replaceChildren(icon(theme === 'auto' ? 'system' : theme === 'light' ? 'sun' : 'moon'));
  button.setAttribute('aria-label', label);
  button.title = label;
}

/** Writes every fixed text of the page. */
function drawWords() {
  document.documentElement.lang = language === 'zh' ? 'zh-Hans' : 'en';
  const words = /** @type {Record<string, unknown>} */ (strings());
  for (const element of document.querySelectorAll('[data-text]')) {
    element.textContent = String(words[element.getAttribute('data-text') ?? '']);
  }
  for (const element of document.querySelectorAll('[data-label]')) {
    element.setAttribute('aria-label', String(words[element.getAttribute('data-label') ?? '']));
  }
  for (const element of document.querySelectorAll('[data-placeholder]')) {
    element.setAttribute('placeholder', String(words[element.getAttribute('data-placeholder') ?? '']));
  }
  const switcher = byId('language');
  switcher.textContent = strings().switchLanguage;
  switcher.setAttribute('aria-label', strings().switchLanguageLabel);
  byId('examples').replaceChildren(
    ...strings().examples.map((example) =>
      make(
        'li',
        {},
        make('button', { class: 'example', type: 'button', onclick: () => composer.setText(example) }, example),
      ),
    ),
  );
  drawConnection();
  drawProfile();
  drawTheme();
  composer.redraw();
  queueView.redraw();
}

byId('language').addEventListener('click', () => {
  language = language === 'en' ? 'zh' : 'en';
  storage.write('language', language);
  timeline.clear();
  drawWords();
  outbox.redraw();
  live.restart();
});
byId('theme').addEventListener('click', () => {
  theme = theme === 'auto' ? 'light' : theme === 'light' ? 'dark' : 'auto';
  storage.write('theme', theme);
  applyTheme(theme);
  drawTheme();
});
byId('profile').addEventListener('click', () => {
  editProfile(strings, profile, async (displayName) => {
    profile = await callApi('/api/me', { method: 'PUT', json: { displayName } });
    drawProfile();
  });
});

function checkAccess() {
  callApi('/api/me').catch((error) => {
    if (error instanceof ApiError && error.status === 401)
      return askForToken(strings, currentLanguage).then(() => live.restart());
    return undefined;
  });
}

/** Finds out who we are, signing in where it is asked for, and connects. */
async function start() {
  for (;;) {
    try {
      profile = await callApi(`/api/me?lang=${language}`);
      break;
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) await askForToken(strings, currentLanguage);
      else {
        drawNotices([{ key: 'offline', text: strings().offline }]);
        await new Promise((resolve) => setTimeout(resolve, 1_000));
      }
    }
  }
  drawProfile();
  outbox.redraw();
  live.start();
}

drawWords();
void start();
