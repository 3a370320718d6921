import { byId, make } from './dom.js';

/** What the page's menu offers, as commands of the chat core. */
const entries = /** @type {const} */ ([
  ['history', 'history', undefined],
  ['gallery', 'gallery', undefined],
  ['favourites', 'gallery', { of: 'mine' }],
  ['jobs', 'jobs', undefined],
  ['usage', 'usage', undefined],
  ['recipes', 'recipes', undefined],
  ['models', 'models', undefined],
  ['workflows', 'workflow', undefined],
  ['styles', 'prefer', undefined],
  ['settings', 'settings', undefined],
  ['link', 'link', undefined],
  ['help', 'help', undefined],
]);
/** Of those that need one. */
const subcommands = /** @type {Record<string, string>} */ ({ workflow: 'list', prefer: 'list', settings: 'mine' });

/**
 * The menu in the top bar.
 *
 * @param {() => ReturnType<typeof import('./strings.js').stringsFor>} strings
 * @param {(call: {command: string, subcommand?: string, values: Record<string, string>}) => void} run
 */
export function createSiteMenu(strings, run) {
  const details = byId('menu', HTMLDetailsElement);

  function draw() {
    const words = strings();
    details.replaceChildren(
      make('summary', { class: 'quiet-button' }, words.menu),
      make(
        'nav',
        { class: 'site-menu-list', 'aria-label': words.menu },
        ...entries.map(([word, command, values]) =>
          make(
            'button',
            {
              class: 'action-menu-item',
              type: 'button',
              'data-command': word,
              onclick: () => {
                details.open = false;
                const subcommand = subcommands[command];
                run({ command, values: values ?? {}, ...(subcommand === undefined ? {} : { subcommand }) });
              },
            },
            words.menuEntries[word],
          ),
        ),
      ),
    );
  }

  details.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape' || !details.open) return;
    details.open = false;
    details.querySelector('summary')?.focus();
  });
  addEventListener('click', (event) => {
    if (event.target instanceof Node && !details.contains(event.target)) details.open = false;
  });
  return { draw };
}
