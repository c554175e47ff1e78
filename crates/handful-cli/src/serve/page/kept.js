// Drawings kept in this browser with their labels, and their export as files.

import { byId, count, download, element, fileOf, isWord, picture, setUsable } from './element.js';
import { csv, idxImages, idxLabels } from './files.js';
import { greyValues } from './ink.js';
import { load, save } from './storage.js';

const FULL = 'The browser has no more space: export the drawings, then forget some.';

/** Fires `change` when a drawing is kept, gets another label or is forgotten. */
export class Kept extends EventTarget {
  /** Models with other images or classes have other drawings. */
  #key;
  #shape;
  #show;
  /** The model's answer for the current drawing, if it is known. */
  #offered = null;
  /** The drawing that was kept last: its `id`, and the `version` of what was on the paper. */
  #last = null;
  /** The label that was chosen before the answer came. */
  #chosen = null;

  /** `show` is called with the file of a drawing, its label and its id, to show it again. */
  constructor(show) {
    super();
    this.#show = show;
    byId('export-csv').addEventListener('click', () => this.#export(async (rows) => {
      download('drawings.csv', csv(rows, this.#shape));
    }));
    byId('export-idx').addEventListener('click', () => this.#export(async (rows) => {
      download('train-images-idx3-ubyte', idxImages(rows, this.#shape));
      download('train-labels-idx1-ubyte', idxLabels(rows));
    }));
    byId('forget').addEventListener('click', () => {
      if (window.confirm(`Forget ${count(this.drawings.length)} drawings?`)) this.#store([]);
    });
    // Another window may also keep drawings.
    window.addEventListener('storage', ({ key }) => {
      if (key === null || key === this.#key) this.#changed();
    });
  }

  /** Offers the classes of another model. */
  use({ classes, image_shape: shape }) {
    const key = `handful.kept ${shape.join('x')} ${classes.join()}`;
    this.#key = key;
    this.#shape = shape;
    const choices = classes.map((label) => {
      const button = element('button', { type: 'button', value: label }, label);
      button.addEventListener('click', () => this.#choose(label));
      return button;
    });
    byId('choices').replaceChildren(...choices);
    byId('kept').classList.toggle('has-words', classes.some(isWord));
    this.withdraw();
    this.#list();
  }

  /** Takes the model's answer for the current drawing. */
  offer(answer) {
    this.#offered = answer;
    this.#setUsable(true, answer.is_digit ? answer.label : null);
    if (this.#chosen !== null) this.#keep(this.#chosen);
    else this.#mark();
  }

  /** The drawing has changed, so the answer no longer belongs to it. */
  expect() {
    this.#offered = null;
    this.#chosen = null;
    byId('keep-note').textContent = '';
    this.#mark();
  }

  /** There is nothing to keep. */
  withdraw() {
    this.expect();
    this.#setUsable(false, null);
  }

  /** All drawings that are kept, each with its `id`, `label` and `image`. */
  get drawings() {
    const found = load(this.#key);
    return Array.isArray(found) ? found.filter(isDrawing) : [];
  }

  #setUsable(isUsable, likely) {
    for (const button of byId('choices').children) {
      setUsable(button, isUsable);
      button.classList.toggle('is-first', button.value === likely);
      button.ariaPressed = 'false';
    }
  }

  /** The drawing on the paper, if it is kept. It may have been forgotten, or be of another model. */
  get #current() {
    const { version, kept } = this.#offered ?? {};
    const id = version === this.#last?.version ? this.#last?.id : kept;
    return this.drawings.find((drawing) => drawing.id === id) ?? null;
  }

  /** Marks the label with which the drawing on the paper is kept. */
  #mark() {
    const current = this.#offered ? this.#current : null;
    for (const button of byId('choices').children) button.ariaPressed = String(button.value === current?.label);
  }

  #choose(label) {
    if (this.#offered) this.#keep(label);
    // An answer will come.
    else if (byId('choices').firstChild.ariaDisabled === 'false') this.#chosen = label;
  }

  /** Keeps the drawing, or gives it another label if it is kept. */
  #keep(label) {
    this.#chosen = null;
    const [current, { input: image, label: read, version }] = [this.#current, this.#offered];
    if (current?.label === label) return;
    const id = current?.id ?? `${Date.now()} ${Math.random()}`;
    const others = this.drawings;
    const drawings = current
      ? others.map((drawing) => (drawing.id === id ? { ...drawing, label } : drawing))
      : [...others, { id, label, image }];
    const verdict = label === read ? 'read right' : `read as ${read}`;
    const told = current
      ? `Kept as ${label} instead of ${current.label}.`
      : `Kept as ${label}, ${verdict}; ${count(drawings.length)} in all.`;
    this.#last = { id, version };
    if (this.#store(drawings)) byId('keep-note').textContent = told;
  }

  #store(drawings) {
    const isKept = save(this.#key, drawings);
    if (!isKept) byId('keep-note').textContent = FULL;
    this.#changed();
    return isKept;
  }

  #changed() {
    this.#list();
    this.dispatchEvent(new Event('change'));
  }

  #list() {
    const { drawings } = this;
    byId('kept').replaceChildren(...drawings.map((drawing) => this.#item(drawing)));
    byId('exports').hidden = drawings.length === 0;
    // Labels of IDX are bytes.
    byId('export-idx').hidden = !drawings.every(({ label }) => /^\d{1,3}$/.test(label) && label < 256);
    this.#mark();
  }

  #item({ id, label, image }) {
    const look = element('button', { type: 'button' }, picture(image, 'Look at'), element('span', {}, label));
    look.addEventListener('click', () => this.#show(fileOf(image), label, id));
    const properties = { type: 'button', className: 'forget', 'aria-label': `Forget this ${label}` };
    const forget = element('button', properties, '×');
    forget.addEventListener('click', () => {
      this.#store(this.drawings.filter((other) => other.id !== id));
      // The button is gone.
      byId('kept-title').focus();
    });
    return element('li', {}, look, forget);
  }

  /** Hands over labels and pixels. */
  async #export(write) {
    try {
      const row = async ({ label, image }) => ({ label, pixels: await greyValues(image, this.#shape) });
      await write(await Promise.all(this.drawings.map(row)));
    } catch {
      byId('keep-note').textContent = 'A drawing is damaged; forget it to export the others.';
    }
  }
}

function isDrawing(found) {
  const parts = [found?.id, found?.label, found?.image];
  return parts.every((part) => typeof part === 'string') && found.image.startsWith('data:image/png;base64,');
}
