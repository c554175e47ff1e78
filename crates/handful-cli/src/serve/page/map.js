// The map: prototypes, of which near ones are alike, and the drawing among them.

import { byId, count, element, isWord, shape } from './element.js';

/** Maximum number of lines. Some models have hundreds of neighbours. */
const MOST_LINES = 10;
/** Maximum number of classes whose colours are explained. */
const MOST_COLOURS = 12;
/** Stands for a name that is too long. */
const DOT = '●';

/** The plane's edge is kept clear. */
const place = ([x, y]) => [4 + 92 * x, 96 - 92 * y];

export class DigitMap {
  #svg = byId('map');
  #places = new Map();
  #lines = shape('g', { class: 'lines' });
  #dot = shape('circle', { class: 'here', r: 2.6 });

  /** Shows the prototypes of another model. */
  use(points, { classes, most_neighbors: most, n_prototypes: nPrototypes }) {
    const hasWords = classes.some(isWord);
    this.#places.clear();
    const glyphs = points.map(({ label, position, prototype }) => {
      const [x, y] = place(position);
      this.#places.set(prototype, [x, y]);
      return coloured(shape('text', { x, y }, hasWords ? DOT : label), label, classes);
    });
    this.#svg.replaceChildren(...glyphs, this.#lines, this.#dot);
    byId('legend').replaceChildren(...legend(classes, hasWords, most === null ? 'was considered' : 'voted'));
    const shown = points.length === nPrototypes ? `All ${count(nPrototypes)}` : `${count(points.length)} of the`;
    const all = points.length === nPrototypes ? 'prototypes' : `${count(nPrototypes)} prototypes`;
    byId('map-note').textContent =
      `${shown} ${all} of the model. Those that are near each other are alike (t-SNE); ` +
      'the axes and the large distances mean nothing.';
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

function legend(classes, hasWords, done) {
  const key = (...children) => shape('svg', { viewBox: '0 0 8 8', 'aria-hidden': 'true' }, ...children);
  const item = (symbol, text) => element('li', {}, symbol, text);
  const glyph = (label, text) => coloured(shape('text', { x: 4, y: 4 }, text), label, classes);
  const here = key(shape('circle', { class: 'here', cx: 4, cy: 4, r: 2.6 }));
  const lines = key(shape('g', { class: 'lines' }, shape('line', { x1: 0, y1: 6, x2: 8, y2: 2 })));
  const first = [
    item(here, 'your drawing, between the prototypes that are most like it'),
    item(lines, `leads to a neighbour that ${done}`),
  ];
  if (!hasWords) return [...first, item(key(glyph(classes.at(-1), classes.at(-1))), 'a prototype')];
  const colours = classes.slice(0, MOST_COLOURS).map((name) => item(key(glyph(name, DOT)), name));
  return [...first, ...colours];
}

function coloured(glyph, label, classes) {
  glyph.style.setProperty('--hue', (360 * classes.indexOf(label)) / classes.length);
  return glyph;
}
