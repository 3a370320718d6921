import { callApi } from './api.js';
import { make } from './dom.js';

/**
 * @typedef {object} Options
 * @property {string} [aspect]
 * @property {number} [count]
 * @property {string} [seed]
 * @property {string} [negative]
 * @property {string} [model]
 * @property {string} [style]
 */

const aspects = ['1:1', '4:3', '3:4', '16:9', '9:16'];
const counts = [1, 2, 3, 4, 6, 8];

/**
 * The options beside the words: shape, count, seed, what must not appear, model and style.
 *
 * @param {HTMLElement} panel
 * @param {() => ReturnType<typeof import('./strings.js').stringsFor>} strings
 * @param {(options: Options) => void} onChange
 * @param {() => string | undefined} commandOf the command that is being typed, where there is one
 */
export function createOptionsPanel(panel, strings, onChange, commandOf) {
  /** @type {Options} */
  let options = {};

  function set(/** @type {keyof Options} */ key, /** @type {Options[keyof Options]} */ value) {
    const next = { ...options };
    if (value === undefined || value === '') delete next[key];
    else Object.assign(next, { [key]: value });
    options = next;
    onChange(options);
  }

  /**
   * @param {'aspect' | 'count'} key
   * @param {string} label
   * @param {readonly (string | number | undefined)[]} values
   */
  function choices(key, label, values) {
    return make(
      'fieldset',
      { class: 'choices' },
      make('legend', {}, label),
      ...values.map((value) => {
        const input = make('input', {
          type: 'radio',
          name: key,
          checked: options[key] === value,
          onchange: () => set(key, value),
        });
        const shape = key === 'aspect' && typeof value === 'string' ? aspectShape(value) : undefined;
        return make('label', { class: 'choice' }, input, shape, make('span', {}, String(value ?? strings().automatic)));
      }),
    );
  }

  /**
   * @param {'seed' | 'negative' | 'model' | 'style'} key
   * @param {string} label
   * @param {Record<string, unknown>} properties
   */
  function field(key, label, properties) {
    const input = make('input', {
      type: 'text',
      autocomplete: 'off',
      value: options[key] ?? '',
      oninput: () => set(key, input.value.trim()),
      ...properties,
    });
    return make('label', { class: 'field' }, make('span', {}, label), input);
  }

  /**
   * A field that offers what is known, as somebody types.
   *
   * @param {'model' | 'style'} key
   * @param {string} label
   */
  function suggested(key, label) {
    const list = make('datalist', { id: `suggest-${key}` });
    const element = field(key, label, { placeholder: strings().automatic, maxLength: 200 });
    const input = element.querySelector('input');
    input?.setAttribute('list', list.id);
    /** @type {string | undefined} */
    let asked;
    const refresh = () => {
      const typed = input?.value.trim() ?? '';
      if (typed === asked) return;
      asked = typed;
      const command = commandOf();
      const query = new URLSearchParams({ source: key, typed, ...(command === undefined ? {} : { command }) });
      callApi(`/api/suggest?${query}`).then(
        (answer) => {
          if (typed !== asked) return;
          list.replaceChildren(
            .../** @type {{value: string, label: string}[]} */ (answer.suggestions).map((one) =>
              make('option', { value: one.value }, one.label === one.value ? '' : one.label),
            ),
          );
        },
        () => undefined,
      );
    };
    input?.addEventListener('focus', refresh);
    input?.addEventListener('input', refresh);
    element.append(list);
    return element;
  }

  function draw() {
    const words = strings();
    panel.replaceChildren(
      choices('aspect', words.aspect, [undefined, ...aspects]),
      choices('count', words.count, [undefined, ...counts]),
      make(
        'div',
        { class: 'option-fields' },
        field('seed', words.seed, {
          placeholder: words.seedHint,
          inputMode: 'numeric',
          pattern: '[0-9]{1,20}',
          maxLength: 20,
        }),
        field('negative', words.negative, { placeholder: words.negativeHint, maxLength: 4_000 }),
        suggested('model', words.model),
        suggested('style', words.style),
      ),
    );
  }

  draw();
  return {
    draw,
    get value() {
      return options;
    },
    replace(/** @type {Options} */ next) {
      options = next;
      draw();
      onChange(options);
    },
    remove(/** @type {keyof Options} */ key) {
      set(key, undefined);
      draw();
    },
  };
}

function aspectShape(/** @type {string} */ aspect) {
  const [width = 1, height = 1] = aspect.split(':').map(Number);
  const shape = make('span', { class: 'shape', 'aria-hidden': 'true' });
  shape.style.aspectRatio = `${width} / ${height}`;
  shape.style.setProperty(width >= height ? 'width' : 'height', '1rem');
  return shape;
}
