import { ApiError, assetUrl, uploadPicture } from './api.js';
import { byId, icon, make } from './dom.js';
import { createOptionsPanel } from './options-panel.js';
import { storage } from './preferences.js';

/** @typedef {import('./outbox.js').Draft} Draft */
/** @typedef {{hash?: string, name: string, failed?: boolean}} Attachment */

const maxPictures = 5;

/**
 * Where people write. Everything in it survives a reload.
 *
 * @param {object} options
 * @param {() => ReturnType<typeof import('./strings.js').stringsFor>} options.strings
 * @param {() => import('./strings.js').Language} options.language
 * @param {(draft: Draft) => void} options.onSubmit
 */
export function createComposer({ strings, language, onSubmit }) {
  const form = byId('composer');
  const prompt = byId('prompt', HTMLTextAreaElement);
  const errorLine = byId('composer-error');
  const list = byId('attachments');
  const chosen = byId('chosen');
  const file = byId('file', HTMLInputElement);
  const attach = byId('attach');
  const toggle = byId('options-toggle');
  const panel = byId('options');
  const send = byId('send', HTMLButtonElement);
  /** @type {Attachment[]} */
  let attachments = [];
  const options = createOptionsPanel(
    panel,
    strings,
    () => {
      drawChosen();
      remember();
    },
    () => /^\s*[/／]([^\s/／]{1,40})/.exec(prompt.value)?.[1],
  );

  attach.append(icon('attach'));
  toggle.append(icon('options'));
  send.append(icon('send'));

  function remember() {
    const images = attachments.filter((item) => item.hash !== undefined);
    storage.write('draft', { text: prompt.value, options: options.value, images });
  }

  function restore(/** @type {Partial<Draft> | null} */ draft) {
    prompt.value = typeof draft?.text === 'string' ? draft.text : '';
    attachments = (Array.isArray(draft?.images) ? draft.images : []).map(({ hash, name }) => ({
      hash,
      name: name ?? '',
    }));
    options.replace(draft?.options ?? {});
    drawAttachments();
    grow();
  }

  function grow() {
    prompt.style.height = 'auto';
    prompt.style.height = `${prompt.scrollHeight}px`;
    const uploading = attachments.some((item) => item.hash === undefined && item.failed !== true);
    send.disabled = uploading || prompt.value.trim() === '';
  }

  /**
   * @param {string | undefined} sentence
   * @param {'error' | 'answer'} [kind]
   */
  function say(sentence, kind = 'error') {
    errorLine.dataset['kind'] = kind;
    errorLine.hidden = sentence === undefined;
    errorLine.textContent = sentence ?? '';
  }

  function submit() {
    const text = prompt.value.trim();
    if (send.disabled) return;
    say(undefined);
    const images = attachments.flatMap(({ hash, name }) => (hash === undefined ? [] : [{ hash, name }]));
    onSubmit({ text, options: { ...options.value }, images });
    restore(null);
    remember();
    showOptions(false);
    prompt.focus();
  }

  async function add(/** @type {readonly File[]} */ files) {
    say(undefined);
    const pictures = files.filter((item) => item.type.startsWith('image/') || item.type === '');
    const chosenFiles = (pictures.length > 0 ? pictures : files).slice(0, maxPictures - attachments.length);
    await Promise.all(
      chosenFiles.map(async (picture) => {
        /** @type {Attachment} */
        const item = { name: picture.name };
        attachments = [...attachments, item];
        drawAttachments();
        try {
          const stored = await uploadPicture(picture);
          item.hash = stored.hash;
        } catch (error) {
          attachments = attachments.filter((other) => other !== item);
          say(sentenceOf(error));
        }
        drawAttachments();
        remember();
      }),
    );
  }

  function sentenceOf(/** @type {unknown} */ error) {
    const sentences = error instanceof ApiError ? error.sentences : undefined;
    return sentences?.[language()] ?? strings().failed;
  }

  function drawAttachments() {
    list.hidden = attachments.length === 0;
    list.replaceChildren(
      ...attachments.map((item) =>
        make(
          'li',
          { class: 'attachment' },
          item.hash === undefined
            ? make('span', { class: 'attachment-wait' }, strings().uploading)
            : make('img', { src: assetUrl(item.hash), alt: item.name }),
          make(
            'button',
            {
              class: 'attachment-remove',
              type: 'button',
              'aria-label': strings().remove(item.name),
              onclick: () => {
                attachments = attachments.filter((other) => other !== item);
                drawAttachments();
                remember();
              },
            },
            icon('close'),
          ),
        ),
      ),
    );
    grow();
  }

  function drawChosen() {
    const { aspect, count, seed, negative, model, style } = options.value;
    const words = strings();
    /** @type {[import('./options-panel.js').Options extends infer O ? keyof O : never, string | undefined][]} */
    const chips = [
      ['aspect', aspect],
      ['count', count === undefined ? undefined : `× ${count}`],
      ['seed', seed === undefined ? undefined : `${words.seed} ${seed}`],
      ['negative', negative === undefined ? undefined : `${words.negative}: ${negative}`],
      ['model', model],
      ['style', style],
    ];
    chosen.replaceChildren(
      ...chips.flatMap(([key, label]) =>
        label === undefined
          ? []
          : [
              make(
                'li',
                {},
                make(
                  'button',
                  {
                    class: 'chip',
                    type: 'button',
                    'aria-label': words.remove(label),
                    onclick: () => options.remove(key),
                  },
                  make('span', {}, label),
                  icon('close'),
                ),
              ),
            ],
      ),
    );
  }

  function showOptions(/** @type {boolean} */ open) {
    panel.hidden = !open;
    toggle.setAttribute('aria-expanded', String(open));
  }

  form.addEventListener('submit', (event) => {
    event.preventDefault();
    submit();
  });
  prompt.addEventListener('input', () => {
    grow();
    say(undefined);
    remember();
  });
  prompt.addEventListener('keydown', (event) => {
    // Enter that ends a composition (Chinese input) belongs to the input method.
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    submit();
  });
  prompt.addEventListener('paste', (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (files.length === 0) return;
    event.preventDefault();
    void add(files);
  });
  attach.addEventListener('click', () => file.click());
  file.addEventListener('change', () => {
    void add([...(file.files ?? [])]);
    file.value = '';
  });
  toggle.addEventListener('click', () => showOptions(panel.hidden !== false));
  form.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape' || panel.hidden) return;
    showOptions(false);
    toggle.focus();
  });
  addEventListener('dragover', (event) => {
    if (event.dataTransfer?.types.includes('Files') !== true) return;
    event.preventDefault();
    form.dataset['dropping'] = 'true';
  });
  addEventListener('dragleave', (event) => {
    if (event.relatedTarget === null) delete form.dataset['dropping'];
  });
  addEventListener('drop', (event) => {
    delete form.dataset['dropping'];
    const files = [...(event.dataTransfer?.files ?? [])];
    if (files.length === 0) return;
    event.preventDefault();
    void add(files);
  });

  restore(storage.read('draft'));
  return {
    redraw() {
      for (const [element, words] of /** @type {[HTMLElement, string][]} */ ([
        [attach, strings().attach],
        [toggle, strings().options],
        [send, strings().send],
      ])) {
        element.setAttribute('aria-label', words);
        element.title = words;
      }
      options.draw();
      drawChosen();
      drawAttachments();
    },
    /** Gives back what was refused, with the sentence that says what to change. */
    giveBack(/** @type {Draft} */ draft, /** @type {string} */ sentence) {
      if (prompt.value.trim() === '') restore(draft);
      remember();
      say(sentence);
      prompt.focus();
    },
    setText(/** @type {string} */ text) {
      prompt.value = text;
      grow();
      remember();
      prompt.focus();
    },
    say,
    sentenceOf,
  };
}
