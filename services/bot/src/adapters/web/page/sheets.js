import { ApiError, callApi } from './api.js';
import { byId, make } from './dom.js';

/** @typedef {() => ReturnType<typeof import('./strings.js').stringsFor>} Strings */

/** One function for all askings: a listener that is there already is not added again. */
const keepOpen = (/** @type {Event} */ event) => event.preventDefault();

/**
 * Asks for the access token until it is right.
 *
 * @param {Strings} strings
 * @param {() => import('./strings.js').Language} language
 * @returns {Promise<void>}
 */
export function askForToken(strings, language) {
  const dialog = byId('sign-in', HTMLDialogElement);
  const words = strings();
  return new Promise((resolve) => {
    const error = make('p', { class: 'sheet-error', role: 'alert', hidden: true });
    const input = make('input', { type: 'password', autocomplete: 'current-password', required: true, name: 'token' });
    const form = make(
      'form',
      { method: 'dialog' },
      make('h2', {}, words.signInTitle),
      make('p', {}, words.signInText),
      make('label', { class: 'field' }, make('span', {}, words.token), input),
      error,
      make(
        'div',
        { class: 'sheet-actions' },
        make('button', { class: 'primary-button', type: 'submit' }, words.signIn),
      ),
    );
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      callApi('/api/session', { json: { token: input.value } }).then(
        () => {
          dialog.close();
          resolve();
        },
        (failure) => {
          const sentences = failure instanceof ApiError ? failure.sentences : undefined;
          error.textContent = sentences?.[language()] ?? words.offline;
          error.hidden = false;
          input.select();
        },
      );
    });
    dialog.addEventListener('cancel', keepOpen);
    dialog.setAttribute('aria-label', words.signInTitle);
    dialog.replaceChildren(form);
    dialog.showModal();
  });
}

/**
 * Lets people choose how they are called.
 *
 * @param {Strings} strings
 * @param {{displayName: string, open: boolean}} profile
 * @param {(displayName: string) => Promise<void>} save
 */
export function editProfile(strings, profile, save) {
  const dialog = byId('profile-dialog', HTMLDialogElement);
  const words = strings();
  const input = make('input', {
    type: 'text',
    value: profile.displayName,
    maxLength: 60,
    required: true,
    name: 'nickname',
    autocomplete: 'nickname',
  });
  const error = make('p', { class: 'sheet-error', role: 'alert', hidden: true });
  const form = make(
    'form',
    { method: 'dialog' },
    make('label', { class: 'field' }, make('span', {}, words.yourName), input),
    make('p', { class: 'sheet-hint' }, words.nameHint),
    error,
    make(
      'div',
      { class: 'sheet-actions' },
      profile.open
        ? undefined
        : make(
            'button',
            {
              class: 'quiet-button',
              type: 'button',
              onclick: () => callApi('/api/session', { method: 'DELETE' }).finally(() => location.reload()),
            },
            words.signOut,
          ),
      make('button', { class: 'quiet-button', type: 'button', onclick: () => dialog.close() }, words.cancel),
      make('button', { class: 'primary-button', type: 'submit' }, words.save),
    ),
  );
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    save(input.value.trim()).then(
      () => dialog.close(),
      () => {
        error.textContent = words.failed;
        error.hidden = false;
      },
    );
  });
  dialog.setAttribute('aria-label', words.yourName);
  dialog.replaceChildren(form);
  dialog.showModal();
}

/** Signs in with a code that a chat gave. @returns {Promise<boolean>} */
export function signInByCode(/** @type {string} */ code) {
  return callApi('/api/session', { json: { code } }).then(
    () => true,
    () => false,
  );
}

/**
 * Asks before the page's person becomes another one: a link that somebody sent must not do that by itself.
 *
 * @param {Strings} strings
 * @returns {Promise<boolean>}
 */
export function askToLink(strings) {
  const dialog = byId('profile-dialog', HTMLDialogElement);
  const words = strings();
  /** @type {PromiseWithResolvers<boolean>} */
  const { promise, resolve } = Promise.withResolvers();
  const answer = (/** @type {boolean} */ yes) => () => {
    resolve(yes);
    dialog.close();
  };
  dialog.setAttribute('aria-label', words.linkQuestion);
  dialog.replaceChildren(
    make('p', {}, words.linkQuestion),
    make(
      'div',
      { class: 'sheet-actions' },
      make('button', { class: 'quiet-button', type: 'button', onclick: answer(false) }, words.cancel),
      make('button', { class: 'primary-button', type: 'button', onclick: answer(true) }, words.linkYes),
    ),
  );
  dialog.addEventListener('close', () => resolve(false), { once: true });
  dialog.showModal();
  return promise;
}
