/** @typedef {import('./strings.js').Language} Language */
/** @typedef {'auto' | 'light' | 'dark'} Theme */

/** What this browser remembers. Without storage (private windows) the page works and forgets. */
export const storage = {
  /** @returns {any} */
  read(/** @type {string} */ key) {
    try {
      return JSON.parse(localStorage.getItem(`atelier.${key}`) ?? 'null');
    } catch {
      return null;
    }
  },
  write(/** @type {string} */ key, /** @type {unknown} */ value) {
    try {
      localStorage.setItem(`atelier.${key}`, JSON.stringify(value));
    } catch {
      // Full or forbidden: nothing depends on it.
    }
  },
};

/** @returns {Language} */
export function preferredLanguage() {
  const chosen = storage.read('language');
  if (chosen === 'en' || chosen === 'zh') return chosen;
  return /^zh\b/i.test(navigator.language) ? 'zh' : 'en';
}

/** @returns {Theme} */
export function preferredTheme() {
  const chosen = storage.read('theme');
  return chosen === 'light' || chosen === 'dark' ? chosen : 'auto';
}

export function applyTheme(/** @type {Theme} */ theme) {
  if (theme === 'auto') delete document.documentElement.dataset['theme'];
  else document.documentElement.dataset['theme'] = theme;
  for (const meta of document.querySelectorAll('meta[name=theme-color]')) colourBrowser(meta, theme);
}

/** The browser's own bar goes with the page: its two colours follow the system by themselves, but not a choice. */
function colourBrowser(/** @type {Element} */ meta, /** @type {Theme} */ theme) {
  const own = meta.getAttribute('data-own') ?? meta.getAttribute('content') ?? '';
  meta.setAttribute('data-own', own);
  meta.setAttribute('content', theme === 'auto' ? own : getComputedStyle(document.body).backgroundColor);
}
