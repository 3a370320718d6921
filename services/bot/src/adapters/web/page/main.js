import { createAnnouncer } from './announcer.js';
import { ApiError, callApi } from './api.js';
import { createComposer } from './composer.js';
import { byId, icon, make } from './dom.js';
import { createLightbox } from './lightbox.js';
import { createOutcomeView } from './outcome-view.js';
import { createLiveEvents } from './live-events.js';
import { createOutbox, randomId } from './outbox.js';
import { applyTheme, preferredLanguage, preferredTheme, storage } from './preferences.js';
import { createQueueView } from './queue-view.js';
import { askForToken, askToLink, editProfile, signInByCode } from './sheets.js';
import { stringsFor } from './strings.js';
import { createSiteMenu } from './site-menu.js';
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
  actions: { press, openPicture: (card, hash, opener) => lightbox.open(card, hash, opener) },
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
  onAccepted: (answer) => showAnswer(answer, false),
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

const outcomeView = createOutcomeView({
  strings,
  language: currentLanguage,
  press,
  onAnswer: (answer) => showAnswer(answer, true),
  sentenceOf: (error) => composer.sentenceOf(error),
});
const siteMenu = createSiteMenu(strings, (call) => {
  callApi(`/api/commands?lang=${language}`, { json: { eventId: randomId(), ...call } }).then(
    (answer) => showAnswer(answer, false),
    (error) => composer.say(composer.sentenceOf(error)),
  );
});

/** @param {{id: string, action: string}} button */
async function press(button) {
  try {
    const answer = await callApi(`/api/press?lang=${language}`, { json: { eventId: randomId(), id: button.id } });
    if (answer.outcome === 'accepted') outcomeView.close();
    await showAnswer(answer, true);
  } catch (error) {
    outcomeView.close();
    composer.say(composer.sentenceOf(error));
  }
}

/**
 * Shows what came of a line, a button or a form.
 *
 * @param {any} answer
 * @param {boolean} goThere a new request is scrolled to.
 */
async function showAnswer(answer, goThere) {
  switch (answer.outcome) {
    case 'accepted':
      if (!timeline.has(answer.requestId)) await timeline.fetchOne(answer.requestId).catch(() => undefined);
      if (goThere) scrollToEnd();
      break;
    case 'queue':
      queueView.show(true);
      break;
    case 'panel':
      outcomeView.showPanel(answer.panel);
      break;
    case 'list':
      outcomeView.showList(answer.list);
      break;
    case 'form':
      outcomeView.showForm(answer.form);
      break;
    case 'files':
      outcomeView.showFiles(answer);
      break;
    case 'card':
      outcomeView.close();
      timeline.reveal(answer.card);
      break;
    default:
      outcomeView.close();
      composer.say(answer.text, 'answer');
      if (answer.requestId !== undefined) await timeline.fetchOne(answer.requestId).catch(() => undefined);
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
  siteMenu.draw();
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

/** The sign-in that waits for an answer: asking again would take away what is being typed. @type {Promise<void> | undefined} */
let signingIn;

function signIn() {
  signingIn ??= askForToken(strings, currentLanguage).finally(() => (signingIn = undefined));
  return signingIn;
}

function checkAccess() {
  if (signingIn !== undefined) return;
  callApi('/api/me').catch((error) => {
    if (error instanceof ApiError && error.status === 401) return signIn().then(() => live.restart());
    return undefined;
  });
}

/** Finds out who we are, signing in where it is asked for, and connects. */
async function start() {
  let code = takeCode();
  for (;;) {
    try {
      profile = await callApi(`/api/me?lang=${language}`);
      break;
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) {
        // Who has a code from a chat needs no token, and is then the same person here.
        const mayUse = code !== undefined && (await askToLink(strings));
        const signedIn = mayUse && (await signInByCode(/** @type {string} */ (code)));
        code = undefined;
        if (!signedIn) await signIn();
      } else {
        drawNotices([{ key: 'offline', text: strings().offline }]);
        await new Promise((resolve) => setTimeout(resolve, 1_000));
      }
    }
  }
  drawProfile();
  outbox.redraw();
  live.start();
  if (code !== undefined && (await askToLink(strings))) await redeem(code);
}

/** A code that a chat gave, in the address where no server sees it. */
function takeCode() {
  const found = /^#link=([\w-]{8,12})$/.exec(location.hash)?.[1];
  if (found !== undefined) history.replaceState(null, '', location.pathname);
  return found;
}

async function redeem(/** @type {string} */ given) {
  try {
    const answer = await callApi(`/api/link?lang=${language}`, { json: { code: given } });
    composer.say(answer.text, 'answer');
    timeline.clear();
    live.restart();
  } catch (error) {
    composer.say(composer.sentenceOf(error));
  }
}

drawWords();
void start();
