// The paper: strokes by mouse, pen, touch and keyboard. Opaque pixels are ink, whatever their colour.

import { findInk, paintPicture, paintStroke, scaled } from './ink.js';

/** Pixels per side of the image that is sent. Strokes are then several pixels wide, which is enough. */
const SENT = 140;
/** Fraction of that side that ink may fill, so that most of the image is paper even if the canvas is full of ink. */
const INK_PART = 0.5;
/** Step of the arrow keys, as a fraction of the paper's side; with Shift, a quarter of it. */
const STEP = 0.04;
/** Points closer than this are not added to a stroke. */
const NEAREST = 0.002;

/** Larger pictures, and those of other types, are scaled down before they are sent. */
const LARGEST_PICTURE = 1500;
const LARGEST_FILE = 1 << 20;
const KNOWN_TYPES = ['image/png', 'image/jpeg', 'image/gif', 'image/bmp', 'image/webp'];

/** Fires `change` whenever the drawing changes. */
export class Drawing extends EventTarget {
  /** Brush width, as a fraction of the paper's side. */
  brush = 0.06;
  /** Number of changes so far. */
  version = 0;

  #canvas;
  #context;
  #sent = new OffscreenCanvas(SENT, SENT).getContext('2d', { willReadFrequently: true });
  #color = '';
  /**
   * Strokes, or a picture that is shown unchanged: `{ blob, bitmap, isInk, truth, kept }`, or the sentence why there
   * is none.
   */
  #state = { strokes: [], shown: null, problem: null };
  /** Earlier states, for undo. */
  #past = [];
  /** Ends the stroke that a pointer draws. */
  #stroke = new AbortController();
  /** Position of the keyboard's pen, and the stroke that it draws. */
  #pen = { at: [0.5, 0.3], stroke: null, isSeen: false };

  constructor(canvas) {
    super();
    this.#canvas = canvas;
    this.#context = canvas.getContext('2d', { willReadFrequently: true });
    canvas.addEventListener('pointerdown', (event) => this.#start(event));
    // Only users who focus the canvas by keyboard draw with keys; others scroll with them.
    canvas.addEventListener('mousedown', (event) => event.preventDefault());
    canvas.addEventListener('keydown', (event) => this.#key(event));
    canvas.addEventListener('blur', () => this.#hidePen());
    new ResizeObserver(() => this.#resize()).observe(canvas);
    // Another screen may have another pixel size.
    window.addEventListener('resize', () => this.#resize());
  }

  get isEmpty() {
    return this.#state.strokes.length === 0 && !this.#state.shown;
  }

  /** The label of the picture, if it is known. */
  get truth() {
    return this.#state.shown?.truth ?? null;
  }

  set truth(label) {
    if (this.#state.shown) this.#state.shown.truth = label;
  }

  /** The id of the kept drawing that is shown, if it is one. */
  get kept() {
    return this.#state.shown?.kept ?? null;
  }

  /** Why a picture could not be shown. */
  get problem() {
    return this.#state.problem;
  }

  get canUndo() {
    return this.#past.length > 0;
  }

  undo() {
    if (!this.canUndo) return;
    this.#endStrokes();
    this.#state = this.#past.pop();
    this.#repaint();
    this.changed();
  }

  clear() {
    if (!this.isEmpty) this.#set({});
  }

  /** Shows no picture, because of a problem. What was on the paper can be undone to. */
  fail(problem) {
    this.#set({ problem });
  }

  /**
   * Shows a picture, which is sent unchanged until something is drawn. `isInk`: light on dark, and framed. `truth`: its
   * label, if that is known. `kept`: its id, if it is kept.
   */
  async show(blob, { isInk = false, truth = null, kept = null } = {}) {
    const { version } = this;
    const bitmap = await createImageBitmap(blob);
    const sent = isInk ? blob : await smaller(blob, bitmap);
    // Something else may have been drawn meanwhile.
    if (version === this.version) this.#set({ shown: { blob: sent, bitmap, isInk, truth, kept } });
  }

  changed() {
    this.version += 1;
    this.dispatchEvent(new Event('change'));
  }

  /** Repaints in the theme's colour. */
  recolour() {
    this.#color = getComputedStyle(this.#canvas).color;
    this.#repaint();
  }

  /** The file to send: a picture's own file, or the ink on the paper, light on dark, as a PGM file. */
  body() {
    if (this.#state.shown) return this.#state.shown.blob;
    const { x, y, side } = findInk(this.#opacity(0, 0, this.#canvas.width), SENT);
    const [scale, margin] = [this.#canvas.width / SENT, (side / INK_PART - side) / 2];
    const grey = this.#opacity(scale * (x - margin), scale * (y - margin), scale * (side + 2 * margin));
    return new Blob([`P5 ${SENT} ${SENT} 255\n`, grey], { type: 'image/x-portable-graymap' });
  }

  /** The opacity of a square of the canvas, at the size that is sent. */
  #opacity(x, y, side) {
    this.#sent.clearRect(0, 0, SENT, SENT);
    this.#sent.imageSmoothingQuality = 'high';
    this.#sent.drawImage(this.#canvas, x, y, side, side, 0, 0, SENT, SENT);
    const { data } = this.#sent.getImageData(0, 0, SENT, SENT);
    const opacity = new Uint8Array(SENT * SENT);
    for (let i = 0; i < opacity.length; i += 1) opacity[i] = data[4 * i + 3];
    return opacity;
  }

  #start(event) {
    if (event.button !== 0 || !event.isPrimary) return;
    this.#hidePen();
    const stroke = this.#begin(this.#place(event));
    this.#stroke = new AbortController();
    const { signal } = this.#stroke;
    const isSame = (other) => other.pointerId === event.pointerId;
    const move = (moved) => {
      if (!isSame(moved)) return;
      // A pen reports more often than the screen is repainted.
      const all = moved.getCoalescedEvents?.() ?? [];
      for (const point of all.length > 0 ? all : [moved]) this.#extend(stroke, this.#place(point));
    };
    const end = (ended) => isSame(ended) && this.#stroke.abort();
    // Also beyond the edges, until the pointer is lifted.
    this.#canvas.setPointerCapture(event.pointerId);
    this.#canvas.addEventListener('pointermove', move, { signal });
    this.#canvas.addEventListener('pointerup', end, { signal });
    this.#canvas.addEventListener('pointercancel', end, { signal });
  }

  #begin(at) {
    const stroke = { width: this.brush, points: [at] };
    this.#set({ strokes: [...this.#state.strokes, stroke] });
    return stroke;
  }

  #set({ strokes = [], shown = null, problem = null }) {
    this.#endStrokes();
    this.#past.push(this.#state);
    this.#state = { strokes, shown, problem };
    this.#repaint();
    this.changed();
  }

  #endStrokes() {
    this.#stroke.abort();
    this.#pen.stroke = null;
  }

  #extend(stroke, at) {
    const [x, y] = stroke.points.at(-1);
    if (Math.hypot(at[0] - x, at[1] - y) < NEAREST) return;
    stroke.points.push(at);
    this.#repaint();
    this.changed();
  }

  #key(event) {
    const step = event.shiftKey ? STEP / 4 : STEP;
    const moves = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
    const { key } = event;
    if (key in moves) this.#movePen(moves[key]);
    else if (key === ' ') this.#togglePen();
    else if (key === 'Delete') this.clear();
    else return;
    event.preventDefault();
  }

  #movePen([dx, dy]) {
    const within = (value) => Math.min(1, Math.max(0, value));
    const [x, y] = this.#pen.at;
    this.#pen = { ...this.#pen, at: [within(x + dx), within(y + dy)], isSeen: true };
    if (this.#pen.stroke) this.#extend(this.#pen.stroke, this.#pen.at);
    else this.#repaint();
  }

  #togglePen() {
    this.#pen.isSeen = true;
    this.#pen.stroke = this.#pen.stroke ? null : this.#begin(this.#pen.at);
    this.#repaint();
  }

  #hidePen() {
    this.#pen.stroke = null;
    if (this.#pen.isSeen) {
      this.#pen.isSeen = false;
      this.#repaint();
    }
  }

  #place({ clientX, clientY }) {
    const { left, top, width, height } = this.#canvas.getBoundingClientRect();
    return [(clientX - left) / width, (clientY - top) / height];
  }

  #resize() {
    const side = Math.round(this.#canvas.clientWidth * Math.min(2, window.devicePixelRatio));
    if (side === 0 || side === this.#canvas.width) return;
    this.#canvas.width = side;
    this.#canvas.height = side;
    this.#repaint();
  }

  #repaint() {
    const context = this.#context;
    const side = this.#canvas.width;
    const color = this.#color;
    context.clearRect(0, 0, side, side);
    const { strokes, shown } = this.#state;
    if (shown) paintPicture(context, shown, side, color);
    Object.assign(context, { lineCap: 'round', lineJoin: 'round', strokeStyle: color, fillStyle: color });
    for (const stroke of strokes) paintStroke(context, stroke, side);
    const { isSeen, stroke, at } = this.#pen;
    this.#canvas.parentElement.classList.toggle('has-pen', isSeen);
    this.#canvas.parentElement.classList.toggle('pen-down', stroke !== null);
    this.#canvas.parentElement.style.setProperty('--pen-x', at[0]);
    this.#canvas.parentElement.style.setProperty('--pen-y', at[1]);
  }
}

/** A file of a type that the server can read. */
function smaller(blob, bitmap) {
  const isFine = KNOWN_TYPES.includes(blob.type) && blob.size <= LARGEST_FILE;
  return isFine ? blob : scaled(bitmap, LARGEST_PICTURE).convertToBlob();
}
