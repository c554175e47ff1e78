// The choice of a model, and of the number of neighbours that vote. The page's address keeps it.

import { byId, element } from './element.js';

/** Fires `model` and `neighbors` when the user chooses another one. */
export class Choice extends EventTarget {
  /** The name of the model, or null for the server's own. */
  #name;
  /** The number of neighbours, or null for that of the model's recipe. */
  #neighbors;
  /** The model in use. */
  #model = null;

  constructor() {
    super();
    const search = new URLSearchParams(window.location.search);
    this.#name = search.get('model');
    const neighbors = Number(search.get('n_neighbors'));
    this.#neighbors = Number.isInteger(neighbors) && search.has('n_neighbors') ? neighbors : null;
    byId('model').addEventListener('change', ({ target }) => {
      [this.#name, this.#neighbors] = [target.value, null];
      byId('neighbors').disabled = true;
      this.#tell(`Loading ${target.value}…`);
      this.dispatchEvent(new Event('model'));
    });
    byId('neighbors').addEventListener('change', () => {
      this.#chooseNeighbors();
      this.dispatchEvent(new Event('neighbors'));
    });
  }

  /** The parameters of requests about the model. */
  get ofModel() {
    return this.#name === null ? {} : { model: this.#name };
  }

  /** The parameters of predictions. */
  get ofPrediction() {
    return this.#neighbors === null ? this.ofModel : { ...this.ofModel, n_neighbors: this.#neighbors };
  }

  /** Offers these models. */
  offer(names) {
    // The server's own model may be a file somewhere.
    const last = (name) => name.split(/[\\/]/).at(-1);
    byId('model').replaceChildren(...names.map((name) => element('option', { value: name, title: name }, last(name))));
    // The address may name one of another server.
    if (this.#name !== null && !names.includes(this.#name)) [this.#name, this.#neighbors] = [null, null];
  }

  /** Shows the model that is now in use. */
  use(model) {
    this.#model = model;
    const { model: name, most_neighbors: most } = model;
    byId('model').value = name;
    byId('model').disabled = false;
    byId('neighbors').disabled = most === null;
    byId('neighbors').max = most ?? '';
    byId('neighbors').value = this.#neighbors ?? model.n_neighbors;
    if (most === null) byId('neighbors').value = '';
    this.#chooseNeighbors();
  }

  /** Goes back to the model that was in use, because the other one did not come. */
  fail(sentence) {
    this.#name = this.#model.model;
    this.use(this.#model);
    this.#tell(sentence);
  }

  #chooseNeighbors() {
    const { model: name, n_neighbors: own, most_neighbors: most } = this.#model;
    const found = byId('neighbors').valueAsNumber;
    const isRight = Number.isInteger(found) && found >= 1 && found <= most;
    this.#neighbors = isRight && found !== own ? found : null;
    if (most === null) {
      this.#tell(`${name}: hyperplanes through the neighbours decide, so that their number cannot be chosen.`);
    } else if (!isRight) {
      byId('neighbors').value = own;
      this.#tell(`Expected a whole number of neighbours from 1 to ${most}: ${own} vote, as in the model’s recipe.`);
    } else if (found !== own) {
      this.#tell(`The recipe of ${name} has ${own} neighbour${own === 1 ? '' : 's'}: probabilities are only right for that.`);
    } else {
      this.#tell('');
    }
    this.#remember();
  }

  #remember() {
    const search = new URLSearchParams(this.ofPrediction).toString();
    window.history.replaceState(null, '', search ? `?${search}` : window.location.pathname);
  }

  #tell(sentence) {
    byId('choice-note').textContent = sentence;
  }
}
