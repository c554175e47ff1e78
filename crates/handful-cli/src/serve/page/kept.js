// Drawings that are kept in this browser, each with what it is, and their files.

import { byId, element, picture } from './element.js';
import { csv, idxImages, idxLabels } from './files.js';

const KEY = 'handful.kept';

export class Kept {
  #drawings = stored();
  /** The image and verdict that can be kept now. */
  #current = null;

  constructor({ classes, image_shape: shape }) {
    const choices = classes.map((label) => {
      const button = element('button', { type: 'button', value: label, disabled: true }, label);
      button.addEventListener('click', () => this.#keep(label));
      return button;
    });
    byId('choices').replaceChildren(...choices);
    byId('export-csv').addEventListener('click', async () => {
      download('drawings.csv', csv(await this.#rows(), shape));
    });
    byId('export-idx').addEventListener('click', async () => {
      const rows = await this.#rows();
      download('train-images-idx3-ubyte', idxImages(rows, shape));
      download('train-labels-idx1-ubyte', idxLabels(rows));
    });
    byId('forget').addEventListener('click', () => {
      if (window.confirm(`Forget ${this.#drawings.length} drawings?`)) this.#store([]);
    });
    this.#show();
  }

  /** What the model says of the drawing that there is now, or null. */
  offer(answer) {
    this.#current = answer;
    for (const button of byId('choices').children) {
      button.disabled = !answer;
      button.classList.toggle('is-first', answer?.label === button.value);
    }
  }

  #keep(label) {
    const { input, label: read } = this.#current;
    if (!this.#store([...this.#drawings, { label, image: input }])) return;
    const verdict = label === read ? 'read right' : `read as ${read}`;
    byId('keep-note').textContent = `Kept as ${label}, ${verdict}.`;
  }

  #store(drawings) {
    try {
      localStorage.setItem(KEY, JSON.stringify(drawings));
    } catch {
      byId('keep-note').textContent = 'The browser keeps no more: export the drawings, and forget some.';
      return false;
    }
    this.#drawings = drawings;
    this.#show();
    return true;
  }

  #show() {
    const item = ({ label, image }, index) => {
      const button = element(
        'button', { type: 'button', title: 'Forget this drawing' },
        picture(image, ''), element('span', {}, label),
        element('span', { className: 'unseen' }, ': forget this drawing'),
      );
      button.addEventListener('click', () => this.#store(this.#drawings.filter((_, i) => i !== index)));
      return element('li', {}, button);
    };
    byId('kept').replaceChildren(...this.#drawings.map(item));
    byId('exports').hidden = this.#drawings.length === 0;
    // Labels of IDX are bytes.
    byId('export-idx').hidden = !this.#drawings.every(({ label }) => /^\d{1,3}$/.test(label) && label < 256);
  }

  /** Labels and pixels. */
  #rows() {
    const row = async ({ label, image }) => ({ label, pixels: await pixels(image) });
    return Promise.all(this.#drawings.map(row));
  }
}

function stored() {
  try {
    const found = JSON.parse(localStorage.getItem(KEY)) ?? [];
    const isWhole = ({ label, image }) => typeof label === 'string' && image.startsWith('data:image/png;');
    return found.filter(isWhole);
  } catch {
    return [];
  }
}

/** Grey values of a picture in a `data:` address. */
async function pixels(address) {
  const image = new Image();
  image.src = address;
  await image.decode();
  const context = new OffscreenCanvas(image.width, image.height).getContext('2d');
  context.drawImage(image, 0, 0);
  const { data } = context.getImageData(0, 0, image.width, image.height);
  return Uint8Array.from({ length: image.width * image.height }, (_, i) => data[4 * i]);
}

function download(name, content) {
  // Of other types browsers may add an ending to the name: IDX files have none.
  const blob = new Blob([content], { type: 'application/octet-stream' });
  const address = URL.createObjectURL(blob);
  element('a', { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}
