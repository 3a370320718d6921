import { assetUrl, callApi } from './api.js';
import { drawButton, drawRows } from './action-rows.js';
import { byId, make } from './dom.js';
import { randomId } from './outbox.js';

/** @typedef {import('../../../core/forms/form-spec.ts').FormSpec} FormSpec */
/** @typedef {import('../../../core/forms/form-spec.ts').FormField} FormField */
/** @typedef {import('../../../core/panels/panel.ts').Panel} Panel */
/** @typedef {import('../../../core/panels/panel.ts').ListCard} ListCard */
/** @typedef {import('../../../ports.ts').OutcomeFile} OutcomeFile */
/** @typedef {import('./action-rows.js').Press} Press */

/**
 * What commands and buttons answer beside requests: words, lists, forms and files, in one dialog.
 *
 * @param {object} options
 * @param {() => ReturnType<typeof import('./strings.js').stringsFor>} options.strings
 * @param {() => import('./strings.js').Language} options.language
 * @param {Press} options.press
 * @param {(answer: any) => Promise<void>} options.onAnswer what a form answers.
 * @param {(error: unknown) => string} options.sentenceOf
 */
export function createOutcomeView({ strings, language, press, onAnswer, sentenceOf }) {
  const dialog = byId('outcome', HTMLDialogElement);

  /**
   * @param {string} kind
   * @param {string} title
   * @param {...(Node | undefined)} parts
   */
  function show(kind, title, ...parts) {
    dialog.dataset['kind'] = kind;
    const heading = make('h2', { id: 'outcome-title' }, title);
    const close = make(
      'button',
      { class: 'quiet-button', type: 'button', onclick: () => dialog.close() },
      strings().close,
    );
    dialog.setAttribute('aria-labelledby', heading.id);
    dialog.replaceChildren(
      make('div', { class: 'outcome-head' }, heading, close),
      ...parts.filter((part) => part !== undefined),
    );
    if (!dialog.open) dialog.showModal();
  }

  /** @param {Panel} panel */
  function showPanel(panel) {
    const { image, code } = panel;
    show(
      'panel',
      panel.title ?? strings().answer,
      image === undefined
        ? undefined
        : make('img', {
            class: 'outcome-picture',
            'data-covered': String(panel.isCovered === true),
            src: assetUrl(image.thumbnailHash ?? image.hash),
            alt: image.alt,
          }),
      panel.text === '' ? undefined : make('p', { class: 'outcome-text' }, panel.text),
      code === undefined ? undefined : drawCode(code),
      ...drawRows(panel.rows, [], press),
      ...panel.links.map((link) => make('a', { class: 'card-button', href: link.url }, link.label)),
    );
  }

  function drawCode(/** @type {string} */ code) {
    const copy = make('button', { class: 'card-button', type: 'button' }, strings().copy);
    copy.addEventListener('click', () => {
      // Without https there is no clipboard: the text can be selected.
      navigator.clipboard?.writeText(code).then(
        () => (copy.textContent = strings().copied),
        () => undefined,
      );
    });
    return make('div', { class: 'outcome-code' }, make('code', {}, code), copy);
  }

  /** @param {ListCard} list */
  function showList(list) {
    const pictures =
      list.entries.some((entry) => entry.image !== undefined) && list.list !== 'jobs' && list.list !== 'history';
    show(
      'list',
      list.title,
      make('p', { class: 'outcome-summary' }, list.summary),
      make(
        'ul',
        { class: pictures ? 'outcome-pictures' : 'outcome-list' },
        ...list.entries.map((entry) =>
          make(
            'li',
            {},
            entry.image === undefined
              ? undefined
              : make('img', {
                  'data-covered': String(entry.isCovered === true),
                  src: assetUrl(entry.image.thumbnailHash ?? entry.image.hash),
                  alt: entry.image.alt,
                  loading: 'lazy',
                }),
            make(
              'div',
              { class: 'outcome-entry' },
              make('p', { class: 'outcome-entry-title' }, entry.title),
              make('p', { class: 'outcome-entry-text' }, entry.text),
            ),
            entry.button === undefined ? undefined : drawButton(entry.button, press, undefined),
          ),
        ),
      ),
      make('div', { class: 'action-row' }, ...list.buttons.map((button) => drawButton(button, press, undefined))),
    );
  }

  /** @param {{text?: string, files: readonly OutcomeFile[]}} answer */
  function showFiles(answer) {
    show(
      'files',
      strings().files,
      answer.text === undefined ? undefined : make('p', { class: 'outcome-text' }, answer.text),
      make('ul', { class: 'outcome-list' }, ...answer.files.map((file) => make('li', {}, drawFile(file)))),
    );
  }

  /** @param {OutcomeFile} file */
  function drawFile(file) {
    const href =
      file.kind === 'stored'
        ? assetUrl(file.hash, file.filename)
        : URL.createObjectURL(new Blob([file.text], { type: file.mediaType }));
    return make('a', { class: 'card-button', href, download: file.filename }, file.filename);
  }

  /** @param {FormSpec} form */
  function showForm(form) {
    const error = make('p', { class: 'sheet-error', role: 'alert', hidden: true });
    const inputs = form.fields.map((field) => [field.name, drawField(field)]);
    const submit = make('button', { class: 'primary-button', type: 'submit' }, form.submitLabel);
    // A repeat after a lost answer is the same request.
    const eventId = randomId();
    const element = make(
      'form',
      { method: 'dialog', class: 'outcome-form' },
      ...form.fields.map((field, index) =>
        make(
          'label',
          { class: 'field' },
          make('span', {}, field.label),
          /** @type {HTMLElement} */ (inputs[index]?.[1]),
        ),
      ),
      error,
      make('div', { class: 'sheet-actions' }, submit),
    );
    element.addEventListener('submit', (event) => {
      event.preventDefault();
      submit.disabled = true;
      const values = Object.fromEntries(
        inputs.map(([name, input]) => [name, /** @type {HTMLInputElement} */ (input).value]),
      );
      callApi(`/api/forms?lang=${language()}`, { json: { eventId, id: form.id, values } })
        .then(
          async (answer) => {
            dialog.close();
            await onAnswer(answer);
          },
          (failure) => {
            error.textContent = sentenceOf(failure);
            error.hidden = false;
          },
        )
        .finally(() => (submit.disabled = false));
    });
    show('form', form.title, element);
    const first = element.querySelector('textarea, input');
    if (first instanceof HTMLElement) first.focus();
  }

  return {
    showPanel,
    showList,
    showFiles,
    showForm,
    close: () => dialog.close(),
  };
}

/** @param {FormField} field */
function drawField(field) {
  const common = { name: field.name, required: field.required, autocomplete: 'off' };
  if (field.kind === 'choice') {
    return make(
      'select',
      common,
      ...(field.choices ?? []).map((choice) =>
        make('option', { value: choice.value, selected: choice.value === field.value }, choice.label),
      ),
    );
  }
  const text = {
    ...common,
    value: field.value ?? '',
    placeholder: field.placeholder ?? '',
    maxLength: field.maxLength,
  };
  return field.kind === 'paragraph' ? make('textarea', { ...text, rows: 4 }) : make('input', { ...text, type: 'text' });
}
