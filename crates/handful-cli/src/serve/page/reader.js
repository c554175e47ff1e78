// Asks the server what is drawn: always for the newest drawing, one question at a time.

/** Fires `answer` with the server's answer, `nothing` when there is nothing to read, and `failure`. */
export class Reader extends EventTarget {
  #drawing;
  #isAsking = false;
  #isNewer = false;

  constructor(drawing) {
    super();
    this.#drawing = drawing;
    drawing.addEventListener('change', () => this.#read());
  }

  async #read() {
    this.#isNewer = true;
    if (this.#isAsking) return;
    this.#isAsking = true;
    // What was drawn while an answer was under way is read next; whatever was between nobody misses.
    while (this.#isNewer) {
      this.#isNewer = false;
      await this.#ask();
    }
    this.#isAsking = false;
  }

  async #ask() {
    if (this.#drawing.isEmpty) {
      this.dispatchEvent(new Event('nothing'));
      return;
    }
    const start = performance.now();
    try {
      const answer = await predict(this.#drawing.body());
      if (this.#drawing.isEmpty) return;
      answer.milliseconds = performance.now() - start;
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
