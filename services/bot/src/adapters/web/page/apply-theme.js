/*
 * Runs before the page is drawn, and so is no module: a chosen theme must not flash in after the system's. `preferences.js`
 * keeps the choice and changes it later.
 */
(() => {
  let theme;
  try {
    theme = JSON.parse(localStorage.getItem('atelier.theme') ?? 'null');
  } catch {
    // Without storage nothing was chosen.
  }
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset['theme'] = theme;
})();
