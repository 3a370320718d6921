/**
 * Makes an element. Properties are set as properties, except `class`, `aria-*`, `role` and `data-*`, which are attributes;
 * `on*` are listeners. Text is never parsed as HTML.
 *
 * @template {keyof HTMLElementTagNameMap} Name
 * @param {Name} name
 * @param {Record<string, unknown>} [properties]
 * @param {...(Node | string | undefined)} children
 * @returns {HTMLElementTagNameMap[Name]}
 */
export function make(name, properties = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === undefined) continue;
    if (key.startsWith('on')) {
      element.addEventListener(key.slice(2), /** @type {EventListener} */ (value));
    } else if (key === 'class' || key === 'role' || key.startsWith('aria-') || key.startsWith('data-')) {
      element.setAttribute(key, typeof value === 'string' ? value : JSON.stringify(value));
    } else {
      Object.assign(element, { [key]: value });
    }
  }
  for (const child of children) if (child !== undefined) element.append(child);
  return element;
}

/**
 * The element with this id, which the page's HTML holds.
 *
 * @template {HTMLElement} [T=HTMLElement]
 * @param {string} id
 * @param {new () => T} [type]
 * @returns {T}
 */
export function byId(id, type) {
  const element = document.getElementById(id);
  if (!(element instanceof (type ?? HTMLElement))) throw new Error(`the page lacks #${id}`);
  return /** @type {T} */ (element);
}

/** Paths on a grid of 20, drawn with round strokes. */
const icons = {
  attach: 'M13.5 6.5 7.6 12.4a2 2 0 0 0 2.8 2.8l6-6a3.6 3.6 0 0 0-5.1-5.1l-6.2 6.2a5.2 5.2 0 0 0 7.4 7.4l4.8-4.8',
  options: 'M3 6h8M15 6h2M3 14h2M9 14h8M13 4v4M7 12v4',
  send: 'M10 16V4M5 9l5-5 5 5',
  close: 'M5 5l10 10M15 5 5 15',
  previous: 'M12.5 4 6.5 10l6 6',
  next: 'M7.5 4l6 6-6 6',
  download: 'M10 3v10M5.5 9 10 13.5 14.5 9M4 17h12',
  open: 'M8 4H4v12h12v-4M11 3h6v6M17 3l-8 8',
  sun: 'M10 6.5a3.5 3.5 0 1 1 0 7 3.5 3.5 0 0 1 0-7ZM10 2v1.5M10 16.5V18M2 10h1.5M16.5 10H18M4.3 4.3l1.1 1.1M14.6 14.6l1.1 1.1M4.3 15.7l1.1-1.1M14.6 5.4l1.1-1.1',
  moon: 'M16.5 11.8A7 7 0 0 1 8.2 3.5a7 7 0 1 0 8.3 8.3Z',
  system: 'M10 3a7 7 0 1 0 0 14ZM10 3a7 7 0 0 1 0 14',
};

/** @param {keyof typeof icons} name */
export function icon(name) {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('viewBox', '0 0 20 20');
  svg.setAttribute('class', 'icon');
  svg.setAttribute('aria-hidden', 'true');
  const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
  path.setAttribute('d', icons[name]);
  svg.append(path);
  return svg;
}

/**
 * Makes the children of `parent` those of `wanted`, in that order, and moves only what has to move: an element that
 * stays keeps its focus, its scroll position and its running animation.
 *
 * @param {Element} parent
 * @param {readonly Element[]} wanted
 */
export function arrange(parent, wanted) {
  const keep = new Set(wanted);
  for (const child of parent.querySelectorAll(':scope > *')) if (!keep.has(child)) child.remove();
  for (const [index, element] of wanted.entries()) {
    if (parent.children[index] !== element) parent.insertBefore(element, parent.children[index] ?? null);
  }
}
