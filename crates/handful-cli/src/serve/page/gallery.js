// The test digits and the confusion matrix. A click shows any of them.

import { byId, count, element, fileOf, percent, picture, setUsable } from './element.js';
import { ask } from './server.js';

const PAGE = 60;

export class Gallery {
  #classes;
  #show;
  /** Which of them are shown: those of a class that were taken for another, or all. */
  #query = {};
  #shown = 0;
  #isLoading = false;

  /** `show` is called with the file of the chosen image. */
  constructor(summary, { classes }, show) {
    this.#classes = classes;
    this.#show = show;
    const { name, n_images: n, n_mistakes: mistakes, accuracy } = summary;
    byId('gallery-lead').textContent =
      `Of the ${count(n)} test images of ${name} the model reads ` +
      `${(100 * accuracy).toFixed(2)} % right: ${count(mistakes)} mistakes. ` +
      'Choose an image to see why. Choose a cell of the matrix to see its images.';
    byId('matrix').replaceChildren(...this.#matrix(summary.confusion_matrix));
    byId('more').addEventListener('click', () => this.#isLoading || this.#load());
    byId('all').addEventListener('click', () => this.#select({}, 'Mistakes first'));
    byId('gallery-section').hidden = false;
    this.#load();
  }

  async #load() {
    const query = this.#query;
    this.#isLoading = true;
    try {
      const found = await ask('/api/gallery/images', { ...query, offset: this.#shown, limit: PAGE });
      // Another cell may have been chosen meanwhile.
      if (query !== this.#query) return;
      byId('digits').append(...found.images.map((image) => this.#digit(image)));
      this.#shown += found.images.length;
      byId('gallery-note').textContent = '';
      setUsable(byId('more'), this.#shown < found.n_images);
    } catch (error) {
      byId('gallery-note').textContent = error.message;
    } finally {
      if (query === this.#query) this.#isLoading = false;
    }
  }

  #select(query, title) {
    this.#query = query;
    this.#shown = 0;
    byId('digits').replaceChildren();
    byId('gallery-what').textContent = title;
    setUsable(byId('all'), Object.keys(query).length > 0);
    // It may be far from the matrix.
    byId('gallery-what').focus({ preventScroll: true });
    byId('gallery-what').scrollIntoView({ block: 'nearest' });
    this.#load();
  }

  #digit({ index, label, predicted, confidence, image }) {
    const isRight = label === predicted;
    const verdict = isRight ? `${label}, read right` : `${label}, read as ${predicted}`;
    const button = element(
      'button',
      {
        type: 'button',
        className: isRight ? '' : 'is-wrong',
        title: `Test image ${index}: ${percent(confidence)} sure`,
      },
      picture(image, ''),
      element('span', { className: 'unseen' }, verdict),
      element('span', { 'aria-hidden': 'true' }, isRight ? label : `${label} → ${predicted}`),
    );
    button.addEventListener('click', () => this.#show(fileOf(image)));
    return element('li', {}, button);
  }

  #matrix(counts) {
    const most = Math.max(1, ...counts.flatMap((row, i) => row.filter((_, j) => j !== i)));
    const head = (name, scope) => element('th', { scope }, name);
    const cell = (n, i, j) => {
      const [label, predicted] = [this.#classes[i], this.#classes[j]];
      const made = element('td', { className: i === j ? 'is-right' : 'is-wrong' });
      if (n === 0) return made;
      const name = i === j ? `${label} read right: ${n}` : `${label} read as ${predicted}: ${n}`;
      const button = element('button', { type: 'button', 'aria-label': name }, String(n));
      const title = i === j ? `${label}, read right` : `${label}, read as ${predicted}`;
      button.addEventListener('click', () => this.#select({ label, predicted }, title));
      made.style.setProperty('--share', n / most);
      made.append(button);
      return made;
    };
    const rows = counts.map((row, i) =>
      element('tr', {}, head(this.#classes[i], 'row'), ...row.map((n, j) => cell(n, i, j))));
    const heads = this.#classes.map((name) => head(name, 'col'));
    return [
      element('caption', {}, 'Rows: true class. Columns: predicted class.'),
      element('thead', {}, element('tr', {}, element('td'), ...heads)),
      element('tbody', {}, ...rows),
    ];
  }
}
