// The prediction: the label, the confidence, and the neighbours that voted.

import { byId, element, isWord, percent, picture } from './element.js';
import { drawingsOf } from './teaching.js';
import { distanceOf, why } from './why.js';

/** Maximum number of bars. If there are more classes, the most probable are shown. */
const MOST_BARS = 12;
/** Maximum number of voters shown. Some models have a hundred. */
const MOST_VOTERS = 10;
/** Time without drawing before the prediction is read aloud, in milliseconds. */
const SILENCE = 700;
const NO_DIGIT = 'This does not look like one digit';

export class Verdict {
  #model;
  #bars = new Map();
  #timer = 0;

  /** Shows predictions of another model from now on. */
  use(model) {
    this.#model = model;
    this.#showBars(model.classes.slice(0, MOST_BARS));
    this.showNothing();
  }

  show(answer) {
    if (answer.label === null) {
      this.#showNoInk(answer);
      return;
    }
    const { label, confidence, is_digit: isDigit, probabilities, neighbors, input } = answer;
    // Digits that only their author knows are read, too, although they are like no other digit.
    const isOwn = isByOwn(answer);
    this.#showLabel(isDigit || isOwn ? label : '?', isDigit);
    const sure = `${percent(confidence)} sure`;
    const doubt = isOwn
      ? `Most like your own ${label}; otherwise not like one digit`
      : `${NO_DIGIT}; the most similar is ${label}`;
    byId('sure').textContent = isDigit ? sure : doubt;
    this.#showLesson(answer);
    byId('latency').textContent = latency(answer);
    byId('seen').replaceChildren(picture(input, 'The image that the model sees'));
    if (this.#model.classes.length > MOST_BARS) this.#showBars(mostProbable(probabilities));
    for (const [name, bar] of this.#bars) fillBar(bar, probabilities[name], name === label);
    byId('bars').ariaLabel = isDigit ? 'Probabilities' : 'Probabilities if it is a digit';
    byId('voters').replaceChildren(...neighbors.slice(0, MOST_VOTERS).map(voter));
    byId('voters-title').textContent = votersTitle(neighbors.length, this.#model);
    this.#showTruth(answer);
    this.#say(isDigit ? `${label}, ${sure}` : byId('sure').textContent);
  }

  /** Shows that nothing is drawn, and perhaps why. */
  showNothing(problem = null) {
    this.#showLabel('?', true);
    byId('sure').textContent = problem ? 'No picture' : 'Nothing drawn yet';
    byId('latency').textContent = problem ?? '';
    byId('seen').replaceChildren();
    for (const bar of this.#bars.values()) fillBar(bar, 0, false);
    byId('voters').replaceChildren(element('li', { className: 'note' }, 'They appear as you draw.'));
    this.#showTruth({ truth: null });
    this.#showLesson({ lesson: null });
    this.#say(problem ?? '');
  }

  #showNoInk(answer) {
    this.showNothing();
    this.#showLabel('?', false);
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

  /** While busy, the prediction may be of an earlier drawing. */
  setBusy(isBusy) {
    byId('verdict').ariaBusy = String(isBusy);
  }

  /** What is no digit has no verdict, so that no colour may say that it has. */
  #showLabel(label, isDigit) {
    byId('label').textContent = label;
    byId('verdict').classList.toggle('is-doubtful', !isDigit);
    byId('verdict').classList.toggle('has-word', isWord(label));
  }

  /** The true label, if it is known, and its nearest prototypes if they lost. */
  #showTruth(answer) {
    const { truth, label, is_digit: isDigit } = answer;
    const [isKnown, isRight] = [truth !== null, truth === label];
    byId('truth').hidden = !isKnown;
    const [right, wrong] = isDigit
      ? ['read right', `read as ${label}`]
      : ['which is the most similar', `and the most similar is ${label}`];
    byId('truth').textContent = `True label: ${truth}, ${isRight ? right : wrong}`;
    byId('truth').classList.toggle('is-wrong', !isRight);
    byId('losers-section').hidden = !isKnown || isRight;
    if (!isKnown || isRight) return;
    byId('losers-title').textContent = `Why not “${truth}”? Its nearest prototypes`;
    byId('losers-why').textContent = why(answer, this.#model);
    byId('losers').replaceChildren(...(answer.true_label_neighbors ?? []).map(voter));
  }

  /** What the model has learned, if it has. */
  #showLesson({ lesson }) {
    byId('lesson').hidden = lesson === null;
    byId('lesson').textContent = lesson ? `Read by ${this.#model.model}, taught ${drawingsOf(lesson)}` : '';
  }

  #showBars(classes) {
    this.#bars = new Map(classes.map((name) => [name, bar(name)]));
    byId('bars').replaceChildren(...this.#bars.values());
    byId('bars').style.setProperty('--n', classes.length);
    byId('bars').classList.toggle('has-words', classes.some(isWord));
  }

  #say(text) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      byId('spoken').textContent = text;
    }, SILENCE);
  }
}

/** Whether most neighbours of the label are the user's own drawings. */
function isByOwn({ label, neighbors }) {
  const ofLabel = neighbors.filter((neighbor) => neighbor.label === label);
  return 2 * ofLabel.filter((neighbor) => 'taught' in neighbor).length > ofLabel.length;
}

function votersTitle(n, { most_neighbors: most }) {
  const title = most === null ? 'The neighbours that were considered' : 'The neighbours that voted';
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
    element('span', { className: 'class', title: name }, name),
  );
}

function fillBar(bar, share, isFirst) {
  bar.style.setProperty('--share', share);
  bar.classList.toggle('is-first', isFirst);
  bar.firstChild.textContent = percent(share);
  bar.firstChild.classList.toggle('unseen', share < 0.01);
}

function voter(neighbor) {
  const { label, image } = neighbor;
  const isOwn = 'taught' in neighbor;
  const className = isWord(label) ? 'no-picture is-word' : 'no-picture';
  const blank = () => element('span', { className, 'aria-hidden': 'true' }, label);
  const shown = image ? picture(image, '') : blank();
  return element(
    'li', {},
    element('span', { className: isOwn ? 'frame is-own' : 'frame' }, shown),
    element('b', { title: label }, label),
    element('span', { className: 'unseen' }, ' at distance '),
    element('span', { className: 'note' }, distanceOf(neighbor)),
    ...(isOwn ? [element('span', { className: 'note own' }, ' your drawing')] : []),
  );
}
