// The light or dark theme: the system's, unless the user chose one.

import { byId } from './element.js';
import { load, save } from './storage.js';

const KEY = 'handful.theme';
const dark = window.matchMedia('(prefers-color-scheme: dark)');

/** `changed` is called when the colours change. */
export function startTheme(changed) {
  let chosen = load(KEY);
  const apply = () => {
    const theme = chosen ?? (dark.matches ? 'dark' : 'light');
    document.documentElement.dataset.theme = theme;
    byId('theme').textContent = theme === 'dark' ? 'Light' : 'Dark';
    byId('theme').title = theme === 'dark' ? 'Use light colours' : 'Use dark colours';
    changed();
  };
  byId('theme').addEventListener('click', () => {
    chosen = document.documentElement.dataset.theme === 'dark' ? 'light' : 'dark';
    save(KEY, chosen);
    apply();
  });
  dark.addEventListener('change', apply);
  apply();
}
