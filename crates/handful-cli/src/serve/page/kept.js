// Drawings kept in this browser with their labels, and their export as files.

import { byId, count, element, fileOf, isWord, picture, setUsable } from './element.js';
import { csv, idxImages, idxLabels } from './files.js';
import { load, save } from './storage.js';

const FULL = 'The browser has no more space: export the drawings, then forget some.';

export class Kept {
  /** Models with other images or classes have other drawings. */
  #key;
  #shape;
  #show;
  /** The model's answer for the current drawing, if it is known and the drawing is not kept yet. */
  #offered = null;
  /** The version of the drawing that was kept last. */
  #keptVersion = null;
  /** The label that was chosen before the answer came. */
  #chosen = null;

  /** `show` is called with the file of a drawing, and its label, to show it again. */
  constructor(show) {
    this.#show = show;
    byId('export-csv').addEventListener('click', () => this.#export(async (rows) => {
      download('drawings.csv', csv(rows, this.#shape));
    }));
    byId('export-idx').addEventListener('click', () => this.#export(async (rows) => {
      download('train-images-idx3-ubyte', idxImages(rows, this.#shape));
      download('train-labels-idx1-ubyte', idxLabels(rows));
    }));
    byId('forget').addEventListener('click', () => {
      if (window.confirm(`Forget ${count(this.#drawings.length)} drawings?`)) this.#store([]);
    });
    // Another window may also keep drawings.
    window.addEventListener('storage', () => this.#list());
  }

  /** Offers the classes of another model. */
  use({ classes, image_shape: shape }) {
    const key = `handful.kept ${shape.join('x')} ${classes.join()}`;
    if (key !== this.#key) this.#keptVersion = null;
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
    // The same drawing is read again when another model or number of neighbours is chosen.
    if (answer.version === this.#keptVersion) return;
    this.#offered = answer;
    this.#setUsable(true, answer.is_digit ? answer.label : null);
    if (this.#chosen !== null) this.#keep(this.#chosen);
  }

  /** The drawing has changed, so the answer no longer belongs to it. */
  expect() {
    this.#offered = null;
    this.#chosen = null;
    byId('keep-note').textContent = '';
  }

  /** There is nothing to keep. */
  withdraw() {
    this.expect();
    this.#setUsable(false, null);
  }

  get #drawings() {
    const found = load(this.#key);
    return Array.isArray(found) ? found.filter(isDrawing) : [];
  }

  #setUsable(isUsable, likely) {
    for (const button of byId('choices').children) {
      setUsable(button, isUsable);
      button.classList.toggle('is-first', button.value === likely);
    }
  }

  #choose(label) {
    if (this.#offered) this.#keep(label);
    // An answer will come.
    else if (byId('choices').firstChild.ariaDisabled === 'false') this.#chosen = label;
  }

  #keep(label) {
    const { input: image, label: read } = this.#offered;
    const id = `${Date.now()} ${Math.random()}`;
    const drawings = [...this.#drawings, { id, label, image }];
    if (!this.#store(drawings)) return;
    // Once is enough.
    this.#keptVersion = this.#offered.version;
    this.withdraw();
    const verdict = label === read ? 'read right' : `read as ${read}`;
    byId('keep-note').textContent = `Kept as ${label}, ${verdict}; ${count(drawings.length)} in all.`;
  }

  #store(drawings) {
    const isKept = save(this.#key, drawings);
    if (!isKept) byId('keep-note').textContent = FULL;
    this.#list();
    return isKept;
  }

  #list() {
    const drawings = this.#drawings;
    byId('kept').replaceChildren(...drawings.map((drawing) => this.#item(drawing)));
    byId('exports').hidden = drawings.length === 0;
    // Labels of IDX are bytes.
    byId('export-idx').hidden = !drawings.every(({ label }) => /^\d{1,3}$/.test(label) && label < 256);
  }

  #item({ id, label, image }) {
    const look = element('button', { type: 'button' }, picture(image, 'Look at'), element('span', {}, label));
    look.addEventListener('click', () => this.#show(fileOf(image), label));
    const properties = { type: 'button', className: 'forget', 'aria-label': `Forget this ${label}` };
    const forget = element('button', properties, '×');
    forget.addEventListener('click', () => {
      this.#store(this.#drawings.filter((other) => other.id !== id));
      // The button is gone.
      byId('kept-title').focus();
    });
    return element('li', {}, look, forget);
  }

  /** Hands over labels and pixels. */
  async #export(write) {
    const [height, width] = this.#shape;
    try {
      const row = async ({ label, image }) => ({ label, pixels: await pixels(image, width, height) });
      await write(await Promise.all(this.#drawings.map(row)));
    } catch {
      byId('keep-note').textContent = 'A drawing is damaged; forget it to export the others.';
    }
  }
}

function isDrawing(found) {
  const parts = [found?.id, found?.label, found?.image];
  return parts.every((part) => typeof part === 'string') && found.image.startsWith('data:image/png;base64,');
}

/** Grey values of a picture in a `data:` address. */
async function pixels(address, width, height) {
  const image = await createImageBitmap(fileOf(address));
  if (image.width !== width || image.height !== height) throw new Error('another size');
  const context = new OffscreenCanvas(width, height).getContext('2d');
  context.drawImage(image, 0, 0);
  const { data } = context.getImageData(0, 0, width, height);
  return Uint8Array.from({ length: width * height }, (_, i) => data[4 * i]);
}

function download(name, content) {
  // Of other types browsers may add an ending to the name: IDX files have none.
  const blob = new Blob([content], { type: 'application/octet-stream' });
  const address = URL.createObjectURL(blob);
  element('a', { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}
