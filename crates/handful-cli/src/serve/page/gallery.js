// The test digits and the confusion matrix. A click shows any of them.

import { byId, count, element, fileOf, isWord, percent, picture, setUsable } from './element.js';
import { ask } from './server.js';

const PAGE = 60;

export class Gallery {
  #model;
  #show;
  /** The parameters of requests about the model. */
  #ofModel;
  /** Which of them are shown: those of a class that were taken for another, or all. */
  #query = {};
  #shown = 0;
  #isLoading = false;

  /** `show` is called with the file of the chosen image, and its true label. */
  constructor(show) {
    this.#show = show;
    byId('more').addEventListener('click', () => this.#isLoading || this.#load());
    byId('all').addEventListener('click', () => this.#select({}, 'Mistakes first'));
  }

  /** Shows what another model makes of the test images, once it has read them. */
  async use(model, ofModel) {
    [this.#model, this.#ofModel] = [model, ofModel];
    byId('gallery-lead').textContent = `The model ${model.model} is reading the test images…`;
    byId('matrix').replaceChildren();
    this.#empty({});
    this.#isLoading = false;
    setUsable(byId('more'), false);
    const summary = await ask('/api/gallery', ofModel).catch(({ message }) => ({ message }));
    // Another model may have been chosen meanwhile.
    if (model !== this.#model) return;
    if (summary?.message) {
      byId('gallery-section').hidden = false;
      byId('gallery-lead').textContent = summary.message;
      return;
    }
    // Null if there are no test images; then there is no gallery.
    byId('gallery-section').hidden = !summary;
    if (!summary) return;
    byId('gallery-lead').textContent = lead(summary, model);
    byId('matrix').replaceChildren(...this.#matrix(summary.confusion_matrix));
    for (const part of ['matrix', 'digits']) byId(part).classList.toggle('has-words', model.classes.some(isWord));
    byId('gallery-what').textContent = 'Mistakes first';
    // A button may have been pressed meanwhile.
    this.#empty({});
    await this.#load();
  }

  #empty(query) {
    this.#query = query;
    this.#shown = 0;
    byId('digits').replaceChildren();
    setUsable(byId('all'), Object.keys(query).length > 0);
  }

  async #load() {
    const query = this.#query;
    this.#isLoading = true;
    try {
      const page = { offset: this.#shown, limit: PAGE };
      const found = await ask('/api/gallery/images', { ...this.#ofModel, ...query, ...page });
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
    this.#empty(query);
    byId('gallery-what').textContent = title;
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
    button.addEventListener('click', () => this.#show(fileOf(image), label));
    return element('li', {}, button);
  }

  #matrix(counts) {
    const most = Math.max(1, ...counts.flatMap((row, i) => row.filter((_, j) => j !== i)));
    const { classes } = this.#model;
    const head = (name, scope) => element('th', { scope }, element('span', { title: name }, name));
    const cell = (n, i, j) => {
      const [label, predicted] = [classes[i], classes[j]];
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
      element('tr', {}, head(classes[i], 'row'), ...row.map((n, j) => cell(n, i, j))));
    const heads = classes.map((name) => head(name, 'col'));
    return [
      element('caption', {}, 'Rows: true class. Columns: predicted class.'),
      element('thead', {}, element('tr', {}, element('td'), ...heads)),
      element('tbody', {}, ...rows),
    ];
  }
}

function lead({ name, n_images: n, n_mistakes: mistakes, accuracy }, { model, n_neighbors: k, most_neighbors: most }) {
  const voters = most === null ? '' : `, with the ${k} neighbour${k === 1 ? '' : 's'} of its recipe`;
  return `Of the ${count(n)} test images of ${name} the model ${model} reads ` +
    `${(100 * accuracy).toFixed(2)} % right${voters}: ${count(mistakes)} mistakes. ` +
    'Choose an image to see why. Choose a cell of the matrix to see its images.';
}
