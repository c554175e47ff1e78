// The map: prototypes in the plane in which they differ most, and the drawing among them.

import { byId, count, shape } from './element.js';

/** Maximum number of lines. Some models have hundreds of neighbours. */
const MOST_LINES = 10;

/** The plane's edge is kept clear. */
const place = ([x, y]) => [4 + 92 * x, 96 - 92 * y];

export class DigitMap {
  #svg = byId('map');
  #places = new Map();
  #lines = shape('g', { class: 'lines' });
  #dot = shape('circle', { class: 'here', r: 2.6 });

  constructor(points, { classes, n_prototypes: nPrototypes }) {
    const hue = (label) => (360 * classes.indexOf(label)) / classes.length;
    const glyphs = points.map(({ label, position, prototype }) => {
      const [x, y] = place(position);
      this.#places.set(prototype, [x, y]);
      const glyph = shape('text', { x, y }, label);
      glyph.style.setProperty('--hue', hue(label));
      return glyph;
    });
    this.#svg.replaceChildren(...glyphs, this.#lines, this.#dot);
    const shown = points.length === nPrototypes ? 'All' : `${count(points.length)} of the`;
    byId('map-note').textContent =
      `${shown} ${count(nPrototypes)} prototypes of the model, along the two directions in which they differ ` +
      'most, spread out where they are crowded. The ring is your drawing; lines lead to its neighbours.';
    this.showNothing();
  }

  show({ position, neighbors }) {
    const [x, y] = place(position);
    this.#dot.style.transform = `translate(${x}px, ${y}px)`;
    this.#svg.classList.add('has-drawing');
    const voters = neighbors.slice(0, MOST_LINES).map(({ prototype }) => this.#places.get(prototype));
    const line = ([x2, y2]) => shape('line', { x1: x, y1: y, x2, y2 });
    this.#lines.replaceChildren(...voters.filter(Boolean).map(line));
  }

  showNothing() {
    this.#svg.classList.remove('has-drawing');
    this.#lines.replaceChildren();
  }
}
