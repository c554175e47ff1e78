// Sends the newest drawing to the server, with what was chosen and learned, one request at a time.

import { post } from './server.js';

/** Time before a retry after a failure that may pass, in milliseconds; it doubles with each retry. */
const FIRST_WAIT = 1000;
const LONGEST_WAIT = 16000;
/** The server has forgotten what it was taught. */
const GONE = 410;

/**
 * Fires `answer` with the server's answer, `nothing` when there is nothing to read, and `failure`; also
 * `busy` before the first of these, and `idle` after the last.
 */
export class Reader extends EventTarget {
  #drawing;
  #teaching;
  /** The parameters of requests, and the classes of the model that they name. */
  #choice = { query: {}, classes: [] };
  #isAsking = false;
  /** Time of the first change that has not been sent yet, in milliseconds; null if there is none. */
  #changed = null;
  #retry = 0;
  #wait = FIRST_WAIT;

  constructor(drawing, teaching) {
    super();
    [this.#drawing, this.#teaching] = [drawing, teaching];
    drawing.addEventListener('change', () => this.#read());
  }

  /** Reads the drawing again, with other parameters. */
  use(query, classes) {
    this.#choice = { query, classes };
    if (!this.#drawing.isEmpty) this.#read();
  }

  async #read() {
    clearTimeout(this.#retry);
    this.#changed ??= performance.now();
    if (this.#isAsking) return;
    this.#isAsking = true;
    this.dispatchEvent(new Event('busy'));
    // Then sends what was drawn while it waited for the answer; states in between are skipped.
    while (this.#changed !== null) {
      const since = this.#changed;
      this.#changed = null;
      await this.#ask(since);
    }
    this.#isAsking = false;
    this.dispatchEvent(new Event('idle'));
  }

  async #ask(since) {
    if (this.#drawing.isEmpty) {
      this.dispatchEvent(new Event('nothing'));
      return;
    }
    const choice = this.#choice;
    // An answer for another choice will come.
    const isOld = () => this.#drawing.isEmpty || choice !== this.#choice;
    try {
      const { version, truth, kept } = this.#drawing;
      const query = choice.classes.includes(truth) ? { ...choice.query, true_label: truth } : choice.query;
      const answer = await this.#post(this.#drawing.body(), query);
      if (isOld()) return;
      Object.assign(answer, { truth, version, kept });
      answer.milliseconds = performance.now() - since;
      answer.isCurrent = version === this.#drawing.version;
      this.#wait = FIRST_WAIT;
      this.dispatchEvent(new CustomEvent('answer', { detail: answer }));
    } catch (error) {
      if (choice !== this.#choice) return;
      this.dispatchEvent(new CustomEvent('failure', { detail: error }));
      if (error.mayPass && this.#changed === null) this.#askAgain();
    }
  }

  /** The answer of the model that has learned, with the `lesson`. */
  async #post(body, query) {
    const asked = async () => {
      const lesson = await this.#teaching.lesson();
      const answer = await post('/api/predict', body, lesson ? { ...query, model: lesson.model } : query);
      return { ...answer, lesson };
    };
    try {
      return await asked();
    } catch (error) {
      if (error.status !== GONE) throw error;
      this.#teaching.forget();
      return asked();
    }
  }

  #askAgain() {
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.#read(), this.#wait);
    this.#wait = Math.min(2 * this.#wait, LONGEST_WAIT);
  }
}
