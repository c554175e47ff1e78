// The prediction: the label, the confidence, and the neighbours that voted.

import { byId, element, percent, picture } from './element.js';

/** Maximum number of bars. If there are more classes, the most probable are shown. */
const MOST_BARS = 12;
/** Maximum number of voters shown. Some models have a hundred. */
const MOST_VOTERS = 10;
/** Time without drawing before the prediction is read aloud, in milliseconds. */
const SILENCE = 700;

export class Verdict {
  #classes;
  #bars = new Map();
  #timer = 0;

  constructor({ classes }) {
    this.#classes = classes;
    if (classes.length <= MOST_BARS) this.#showBars(classes);
    this.showNothing();
  }

  show(answer) {
    if (answer.label === null) {
      this.#showNoInk(answer);
      return;
    }
    const { label, confidence, is_digit: isDigit, probabilities, neighbors, input } = answer;
    byId('label').textContent = label;
    byId('label').classList.toggle('is-doubtful', !isDigit);
    const sure = `${percent(confidence)} sure`;
    byId('sure').textContent = isDigit ? sure : 'This does not look like a digit';
    byId('latency').textContent = latency(answer);
    byId('seen').replaceChildren(picture(input, 'The image that the model sees'));
    if (this.#classes.length > MOST_BARS) this.#showBars(mostProbable(probabilities));
    for (const [name, bar] of this.#bars) fillBar(bar, probabilities[name], name === label);
    byId('voters').replaceChildren(...neighbors.slice(0, MOST_VOTERS).map(voter));
    byId('voters-title').textContent = votersTitle(neighbors.length);
    const likely = isDigit ? `${label}, ${sure}` : `This does not look like a digit; the most similar is ${label}`;
    this.#say(likely);
  }

  showNothing() {
    byId('label').textContent = '?';
    byId('label').classList.remove('is-doubtful');
    byId('sure').textContent = 'Nothing drawn yet';
    byId('latency').textContent = '';
    byId('seen').replaceChildren();
    for (const bar of this.#bars.values()) fillBar(bar, 0, false);
    byId('voters').replaceChildren(element('li', { className: 'note' }, 'They appear as you draw.'));
    this.#say('');
  }

  #showNoInk(answer) {
    this.showNothing();
    byId('sure').textContent = 'No ink found';
    byId('latency').textContent = latency(answer);
    byId('voters').replaceChildren();
    this.#say('No ink found');
  }

  showFailure(error) {
    this.showNothing();
    byId('sure').textContent = 'No answer';
    byId('latency').textContent = error.message;
    this.#say(`No answer: ${error.message}`);
  }

  /** Shows a sentence without changing the prediction. */
  tell(sentence) {
    byId('latency').textContent = sentence;
    this.#say(sentence);
  }

  /** While busy, the prediction may be of an earlier drawing. */
  setBusy(isBusy) {
    byId('verdict').ariaBusy = String(isBusy);
  }

  #showBars(classes) {
    this.#bars = new Map(classes.map((name) => [name, bar(name)]));
    byId('bars').replaceChildren(...this.#bars.values());
  }

  #say(text) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      byId('spoken').textContent = text;
    }, SILENCE);
  }
}

function votersTitle(n) {
  const title = 'The neighbours that voted';
  return n > MOST_VOTERS ? `${title}: the nearest ${MOST_VOTERS} of ${n}` : title;
}

function latency({ microseconds, milliseconds }) {
  const inServer = microseconds < 1000 ? `${microseconds} µs` : `${(microseconds / 1000).toFixed(1)} ms`;
  return `${milliseconds.toFixed(0)} ms from pen to answer, ${inServer} of it in the server`;
}

function mostProbable(probabilities) {
  const all = Object.entries(probabilities).sort(([, a], [, b]) => b - a);
  return all.slice(0, MOST_BARS).map(([name]) => name);
}

function bar(name) {
  return element(
    'li', {},
    element('span', { className: 'share' }),
    element('span', { className: 'bar', 'aria-hidden': 'true' }),
    element('span', { className: 'class' }, name),
  );
}

function fillBar(bar, share, isFirst) {
  bar.style.setProperty('--share', share);
  bar.classList.toggle('is-first', isFirst);
  bar.firstChild.textContent = percent(share);
  bar.firstChild.classList.toggle('unseen', share < 0.01);
}

function voter({ label, distance, image }) {
  // Distances are squared.
  const far = Math.sqrt(distance).toFixed(1);
  const blank = () => element('span', { className: 'no-picture', 'aria-hidden': 'true' }, label);
  const shown = image ? picture(image, '') : blank();
  return element(
    'li', {},
    element('span', { className: 'frame' }, shown),
    element('b', {}, label),
    element('span', { className: 'unseen' }, ' at distance '),
    element('span', { className: 'note' }, far),
  );
}
