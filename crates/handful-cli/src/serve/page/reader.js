// Asks the server what is drawn: always for the newest drawing, one question at a time.

/**
 * Fires `answer` with the server's answer, `nothing` when there is nothing to read, and `failure`; also
 * `busy` before the first of these, and `idle` after the last.
 */
export class Reader extends EventTarget {
  #drawing;
  #isAsking = false;
  /** When the first change came that no question was about yet, in milliseconds; null if there is none. */
  #changed = null;

  constructor(drawing) {
    super();
    this.#drawing = drawing;
    drawing.addEventListener('change', () => this.#read());
  }

  async #read() {
    this.#changed ??= performance.now();
    if (this.#isAsking) return;
    this.#isAsking = true;
    this.dispatchEvent(new Event('busy'));
    // What was drawn while an answer was under way is read next; whatever was between nobody misses.
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
    try {
      const answer = await predict(this.#drawing.body());
      if (this.#drawing.isEmpty) return;
      answer.milliseconds = performance.now() - since;
      this.dispatchEvent(new CustomEvent('answer', { detail: answer }));
    } catch (error) {
      this.dispatchEvent(new CustomEvent('failure', { detail: error }));
    }
  }
}

async function predict(body) {
  return found(await fetch('/api/predict', { method: 'POST', body }));
}

/** A JSON document of the server. */
export async function ask(path, query = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== null && value !== undefined);
  const search = new URLSearchParams(given).toString();
  return found(await fetch(search ? `${path}?${search}` : path));
}

async function found(response) {
  const document = await response.json();
  if (!response.ok) throw new Error(document.error);
  return document;
}
