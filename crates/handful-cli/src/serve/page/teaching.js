// Teaches the model the drawings that are kept, so that it reads the next drawing with them.

import { byId, count, download } from './element.js';
import { greyValues } from './ink.js';
import { post, postForFile } from './server.js';
import { load, save } from './storage.js';

const KEY = 'handful.learns';

/** Fires `change` when the user decides whether the model learns. */
export class Teaching extends EventTarget {
  /** The model as the server describes it, and the drawings that it is to learn. */
  #model = null;
  #drawings = [];
  /** A promise of the lesson that the server was given; null if it has to be given one. */
  #given = null;
  /** Grey values by the address of a picture; null if the picture is damaged. */
  #known = new Map();

  constructor() {
    super();
    const learn = byId('learn');
    const show = () => {
      learn.checked = load(KEY) ?? true;
    };
    const decide = () => {
      this.#begin();
      this.dispatchEvent(new Event('change'));
    };
    show();
    learn.addEventListener('change', () => {
      save(KEY, learn.checked);
      decide();
    });
    // Another window may also decide.
    window.addEventListener('storage', ({ key }) => {
      if (key !== KEY) return;
      show();
      decide();
    });
    byId('save-model').addEventListener('click', () => this.#saveModel());
  }

  /** From now on, this model learns these drawings. */
  use(model, drawings) {
    [this.#model, this.#drawings] = [model, drawings];
    this.#begin();
  }

  /** The server has to be given the lesson again. */
  forget() {
    this.#given = null;
  }

  /**
   * The server's answer about the model that has learned all drawings, in addition to `n_left_out`; null if the model
   * itself is to read, because it learns nothing.
   */
  async lesson() {
    const given = this.#given ?? this.#teach();
    this.#given = given;
    try {
      return await given;
    } catch (error) {
      if (given === this.#given) this.forget();
      throw error;
    }
  }

  /** Begins the lesson, so that the next drawing need not wait for it. */
  #begin() {
    this.forget();
    // Whoever needs it begins again.
    this.lesson().catch(() => {});
  }

  async #teach() {
    const drawings = this.#drawings;
    if (!byId('learn').checked || drawings.length === 0) {
      this.#tell(null);
      return null;
    }
    try {
      const { body, lost } = await this.#document();
      const lesson = await post('/api/teach', body, { model: this.#model.model });
      lesson.n_left_out = lesson.left_out + lost;
      if (drawings === this.#drawings) this.#tell(lesson);
      return lesson.n_taught > 0 ? lesson : null;
    } catch (error) {
      if (error.mayPass) throw error;
      // Then the model reads as it is.
      this.#tell(null, `The model did not learn your drawings: ${error.message}`);
      return null;
    }
  }

  /** What is sent: the newest drawings, as many as the server takes. Damaged ones are lost. */
  async #document() {
    const { most_taught: most, image_shape: shape } = this.#model;
    const newest = this.#drawings.slice(-most);
    const row = async ({ label, image }) => ({ label, pixels: await this.#pixels(image, shape) });
    const read = await Promise.all(newest.map(row));
    const whole = read.filter(({ pixels }) => pixels !== null);
    const document = { images: whole.map(({ pixels }) => [...pixels]), labels: whole.map(({ label }) => label) };
    const body = new Blob([JSON.stringify(document)], { type: 'application/json' });
    return { body, lost: newest.length - whole.length };
  }

  async #pixels(image, shape) {
    if (!this.#known.has(image)) this.#known.set(image, await greyValues(image, shape).catch(() => null));
    return this.#known.get(image);
  }

  #tell(lesson, problem = '') {
    const text = lesson ? this.#told(lesson) : problem;
    // What has not changed is not read aloud again.
    if (byId('learn-note').textContent !== text) byId('learn-note').textContent = text;
    for (const note of document.querySelectorAll('.untaught')) note.hidden = !(lesson?.n_taught > 0);
  }

  #told(lesson) {
    const { model, most_taught: most } = this.#model;
    const sentences = [`${model} has learned ${drawingsOf(lesson)}.`];
    if (this.#drawings.length > most) sentences.push(`It learns only the newest ${count(most)}.`);
    if (lesson.n_left_out > 0) sentences.push(leftOut(lesson.n_left_out));
    return sentences.join(' ');
  }

  async #saveModel() {
    const { model } = this.#model;
    try {
      const { body } = await this.#document();
      const file = await postForFile('/api/teach', body, { model, format: 'safetensors' });
      // The server's own model may be a file somewhere.
      const name = model.split(/[\\/]/).at(-1).replace(/\.safetensors$/, '');
      download(`${name}-taught.safetensors`, file);
    } catch (error) {
      byId('learn-note').textContent = `The model was not saved: ${error.message}`;
    }
  }
}

/** How many drawings a lesson has, in words. */
export function drawingsOf({ n_taught: n }) {
  return `${count(n)} of your drawings`;
}

function leftOut(n) {
  const [verb, whose] = n === 1 ? ['is', 'its label is'] : ['are', 'their labels are'];
  return `${count(n)} ${verb} left out: ${whose} not among the classes of the model, or the picture is damaged.`;
}
