// Why a picture did not get its true label, in a few sentences.

/** Maximum number of labels that are listed. */
const MOST_LISTED = 10;

/** The distance that is shown: those of answers are squared. */
export const distanceOf = ({ distance }) => Math.sqrt(distance).toFixed(1);

/** Sentences about an answer whose label is not the true one, by a model. */
export function why(answer, { most_neighbors: mostNeighbors }) {
  const { label, truth, neighbors, true_label_neighbors: losers } = answer;
  if (!losers) return `The model does not know ${truth}.`;
  if (losers.length === 0) return `The model has no prototypes of ${truth}.`;
  const told = mostNeighbors === null ? byHyperplanes(label, truth) : byVotes(label, truth, neighbors);
  const what = mostNeighbors === null ? 'were considered' : 'voted';
  return `${told} ${nearest(truth, losers[0], neighbors, what)}`;
}

function byHyperplanes(label, truth) {
  return `In this model, the nearest prototypes of each class span a hyperplane. That of “${label}” is nearer than ` +
    `that of “${truth}”.`;
}

function byVotes(label, truth, neighbors) {
  const votes = (name) => neighbors.filter((neighbor) => neighbor.label === name).length;
  if (neighbors.length === 1) return `Only the nearest prototype votes, and it is a “${label}”.`;
  const listed = neighbors.slice(0, MOST_LISTED).map((neighbor) => neighbor.label).join(', ');
  const more = neighbors.length > MOST_LISTED ? ', …' : '';
  const tie = votes(label) === votes(truth) ? '. The nearest of them breaks the tie' : '';
  return `The ${neighbors.length} nearest prototypes are ${listed}${more}: “${label}” gets ` +
    `${counted(votes(label))}, “${truth}” gets ${counted(votes(truth))}${tie}.`;
}

function counted(votes) {
  return votes === 0 ? 'none' : `${votes} vote${votes === 1 ? '' : 's'}`;
}

function nearest(truth, loser, neighbors, what) {
  const place = neighbors.findIndex(({ prototype }) => prototype === loser.prototype) + 1;
  const where = place > 0 ? `, in place ${place}` : `; those that ${what} are at most ${distanceOf(neighbors.at(-1))} away`;
  return `The nearest “${truth}” is at distance ${distanceOf(loser)}${where}.`;
}
