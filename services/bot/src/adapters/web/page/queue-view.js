import { byId, icon, make } from './dom.js';

/** @typedef {import('./api.js').QueueCard} QueueCard */

/**
 * Everybody's queue: a panel beside the conversation, a drawer on small screens.
 *
 * @param {() => ReturnType<typeof import('./strings.js').stringsFor>} strings
 */
export function createQueueView(strings) {
  const panel = byId('queue');
  const list = byId('queue-list');
  const summary = byId('queue-summary');
  const count = byId('queue-count');
  const toggle = byId('queue-toggle');
  const close = byId('queue-close');
  close.append(icon('close'));

  function show(/** @type {boolean} */ open) {
    panel.dataset['open'] = String(open);
    toggle.setAttribute('aria-expanded', String(open));
    if (open) close.focus();
  }

  const isOpen = () => panel.dataset['open'] === 'true';
  function leave() {
    show(false);
    toggle.focus();
  }

  toggle.addEventListener('click', () => show(!isOpen()));
  close.addEventListener('click', leave);
  panel.addEventListener('keydown', (event) => {
    if (event.key === 'Escape' && isOpen()) leave();
  });
  addEventListener('click', (event) => {
    const { target } = event;
    if (isOpen() && target instanceof Node && !panel.contains(target) && !toggle.contains(target)) show(false);
  });

  return {
    update(/** @type {QueueCard} */ queue) {
      summary.textContent = queue.summary;
      const open = queue.running + queue.waiting;
      count.hidden = open === 0;
      count.textContent = String(open);
      list.replaceChildren(
        ...queue.entries.map((entry) =>
          make(
            'li',
            { class: 'queue-entry', 'data-state': entry.state, 'data-mine': entry.mine },
            make('span', { class: 'queue-place' }, entry.position === undefined ? '' : String(entry.position)),
            make(
              'div',
              {},
              make('p', { class: 'queue-who' }, entry.author),
              entry.title === undefined ? undefined : make('p', { class: 'queue-what' }, entry.title),
              make('p', { class: 'queue-when' }, entry.text),
            ),
          ),
        ),
        ...(queue.more === undefined ? [] : [make('li', { class: 'queue-more' }, queue.more)]),
      );
    },
    redraw() {
      close.setAttribute('aria-label', strings().closeQueue);
    },
    show,
  };
}
