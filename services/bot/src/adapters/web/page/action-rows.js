import { make } from './dom.js';

/** @typedef {import('../../../core/cards/card-buttons.ts').CardButton} CardButton */
/** @typedef {import('../../../core/cards/job-card.ts').CardMenu} CardMenu */
/** @typedef {(button: CardButton) => Promise<void>} Press */

/** What the page offers in another way: every picture can be opened and saved. */
const elsewhere = new Set(['original']);

/**
 * Rows of buttons, and menus behind a word. A button cannot be pressed twice while its answer is on the way.
 *
 * @param {readonly (readonly CardButton[])[]} rows
 * @param {readonly CardMenu[]} menus
 * @param {Press} press
 * @param {string} [describedBy] id of what the buttons are about.
 */
export function drawRows(rows, menus, press, describedBy) {
  const shown = rows
    .map((row) => row.filter((button) => !elsewhere.has(button.action)))
    .filter((row) => row.length > 0);
  return [
    ...shown.map((row) =>
      make('div', { class: 'action-row' }, ...row.map((one) => drawButton(one, press, describedBy))),
    ),
    ...(menus.length === 0
      ? []
      : [make('div', { class: 'action-row' }, ...menus.map((menu) => drawMenu(menu, press, describedBy)))]),
  ];
}

/**
 * @param {CardButton} button
 * @param {Press} press
 * @param {string | undefined} describedBy
 */
export function drawButton(button, press, describedBy) {
  const made = make(
    'button',
    {
      class: 'card-button',
      type: 'button',
      'data-action': button.action,
      'data-style': button.style,
      'data-id': button.id,
      title: button.title ?? button.label,
    },
    button.label,
  );
  // `U1` says little by itself; a title that begins with the label says all.
  if (button.title !== undefined && button.title !== button.label && button.label.length <= 3) {
    made.setAttribute('aria-label', `${button.label}: ${button.title}`);
  }
  if (describedBy !== undefined) made.setAttribute('aria-describedby', describedBy);
  made.addEventListener('click', () => {
    made.disabled = true;
    void press(button).finally(() => (made.disabled = false));
  });
  return made;
}

/**
 * @param {CardMenu} menu
 * @param {Press} press
 * @param {string | undefined} describedBy
 */
function drawMenu(menu, press, describedBy) {
  const details = make('details', { class: 'action-menu', 'data-kind': menu.kind });
  const close = () => {
    details.open = false;
  };
  details.append(
    make('summary', { class: 'card-button' }, menu.placeholder),
    make(
      'div',
      { class: 'action-menu-list' },
      ...menu.entries
        .filter((entry) => !elsewhere.has(entry.action))
        .map((entry) => {
          const item = drawButton(entry, press, describedBy);
          item.className = 'action-menu-item';
          item.textContent = entry.title ?? entry.label;
          item.removeAttribute('aria-label');
          item.addEventListener('click', close);
          return item;
        }),
    ),
  );
  details.addEventListener('toggle', () => {
    if (details.open) details.dataset['drop'] = hasRoomAbove(details) ? 'up' : 'down';
  });
  details.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape' || !details.open) return;
    event.stopPropagation();
    close();
    details.querySelector('summary')?.focus();
  });
  details.addEventListener('focusout', (event) => {
    if (event.relatedTarget instanceof Node && !details.contains(event.relatedTarget)) close();
  });
  return details;
}

/** Whether an open menu fits above its word: in the first card of a conversation it would stand where nobody can scroll. */
function hasRoomAbove(/** @type {HTMLElement} */ details) {
  const list = details.querySelector('.action-menu-list');
  const top = details.closest('.scroller')?.getBoundingClientRect().top ?? 0;
  return list === null || details.getBoundingClientRect().top - top >= list.clientHeight;
}
