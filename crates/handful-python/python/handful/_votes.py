"""Votes of neighbours."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassifierMixin
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import _check_sample_weight, check_is_fitted

from handful._explanation import VoteExplanation, Voter
from handful._search import Search
from handful._types import Distances, Indices, Vectors, Weights
from handful._vectors import validate

#: Of the parameters of all estimators whose neighbours vote.
VOTE_CONSTRAINTS: dict[str, list[Any]] = {
    "n_neighbors": [Interval(Integral, 1, None, closed="left")],
    "weights": [StrOptions({"uniform", "distance"}), callable, None],
}


def weigh(weights: Weights, distances: Distances) -> Distances:
    """Return the weights of the votes of neighbours at these distances."""
    if weights is None or weights == "uniform":
        return np.ones(distances.shape)
    if weights != "distance":
        assert callable(weights)
        found = np.asarray(weights(distances), dtype=np.float64)
        if found.shape != distances.shape:
            raise ValueError(f"weights: expected an array of shape {distances.shape}, found {found.shape}")
        return found
    with np.errstate(divide="ignore"):
        inverse = 1.0 / distances
    # If there are neighbours at distance zero, only they vote.
    coincident = np.isinf(inverse)
    return np.where(coincident.any(axis=1, keepdims=True), coincident, inverse)


def weights_of(estimator: Any, distances: Distances, indices: Indices) -> Distances:
    """Return the weights of the votes of these neighbours, with those of the samples."""
    weights, factors = weigh(estimator.weights, distances), estimator._factors
    return weights if factors is None else weights * factors[indices]


def check_weights(sample_weight: ArrayLike | None, X: Vectors) -> Distances | None:
    """Check the weights of samples, which must not be negative."""
    if sample_weight is None:
        return None
    weights: Distances = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
    return weights


class Voting(ClassifierMixin, Search):  # type: ignore[misc]
    """Base class of classifiers by vote: `n_neighbors`, `weights`, `tie_break` and labelled vectors."""

    n_neighbors: int
    weights: Weights
    tie_break: str

    classes_: NDArray[Any]
    _labels: NDArray[np.intp]
    #: Factors of the votes of the vectors.
    _factors: Distances | None = None

    _voting_constraints: dict[str, list[Any]] = {
        **Search._search_constraints,
        **VOTE_CONSTRAINTS,
        "tie_break": [StrOptions({"lowest_label", "nearest"})],
    }

    def _votes(self, labels: Indices, weights: Distances) -> Distances:
        """Add up the weights of the neighbours of each class; shape (n_queries, n_classes)."""
        votes = np.zeros((len(labels), len(self.classes_)))
        np.add.at(votes, (np.arange(len(labels))[:, None], labels), weights)
        if not votes.any(axis=1).all():
            raise ValueError(
                "weights: expected at least one neighbour of each row to have a weight above 0, found a row of which "
                "no neighbour votes for a class"
            )
        return votes

    def _elect(self, votes: Distances, labels: Indices) -> NDArray[np.intp]:
        """Choose a class for each query by the votes, and use the labels of its neighbours to break ties."""
        if self.tie_break == "lowest_label":
            lowest: NDArray[np.intp] = np.argmax(votes, axis=1)
            return lowest
        has_most = np.take_along_axis(votes, labels, axis=1) == votes.max(axis=1, keepdims=True)
        return np.take_along_axis(labels, has_most.argmax(axis=1)[:, None], axis=1)[:, 0]

    def _winners(self, labels: Indices, weights: Distances) -> NDArray[Any]:
        """Return the class of each query, given the labels of its neighbours and the weights of their votes."""
        # Blocks of rows keep the memory for the votes small.
        step = max(1, 2**20 // len(self.classes_))
        blocks = (slice(start, start + step) for start in range(0, max(1, len(labels)), step))
        elected = [self._elect(self._votes(labels[rows], weights[rows]), labels[rows]) for rows in blocks]
        return np.asarray(self.classes_[np.concatenate(elected)])

    def _shares(self, labels: Indices, weights: Distances) -> Distances:
        """Return the share of the votes for each class, for each query."""
        votes = self._votes(labels, weights)
        shares: Distances = votes / votes.sum(axis=1, keepdims=True)
        return shares

    def _voters(self, X: Any) -> tuple[Distances, Indices, Indices, Distances]:
        """Find the neighbours that vote on each row: their distances, indices, labels and weights."""
        check_is_fitted(self)
        distances, indices = self._voters_near(X)
        return distances, indices, self._labels[indices], weights_of(self, distances, indices)

    def _voters_near(self, X: Any) -> tuple[Distances, Indices]:
        return self._nearest(validate(self, X, reset=False), self.n_neighbors)

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Predict the class that the nearest neighbours vote for.

        Parameters
        ----------
        X : array-like of shape (n_queries, n_features)
            Samples to classify.

        Returns
        -------
        ndarray of shape (n_queries,)
            Predicted class of each sample.
        """
        return self._winners(*self._voters(X)[2:])

    def predict_proba(self, X: ArrayLike) -> Distances:
        """Return the share of the votes for each class.

        Parameters
        ----------
        X : array-like of shape (n_queries, n_features)
            Samples to classify.

        Returns
        -------
        ndarray of shape (n_queries, n_classes)
            Shares in the order of `classes_`; each row sums to 1.
        """
        return self._shares(*self._voters(X)[2:])

    def explain(self, X: ArrayLike) -> list[VoteExplanation]:
        """Explain the predicted class of each sample: who voted for what.

        Parameters
        ----------
        X : array-like of shape (n_queries, n_features)
            Samples to classify.

        Returns
        -------
        list of VoteExplanation
            One explanation per sample.
        """
        distances, indices, labels, weights = self._voters(X)
        classes, votes = self.classes_.tolist(), self._votes(labels, weights)
        elected, names = self._elect(votes, labels).tolist(), self.classes_[labels]
        neighbors = zip(distances.tolist(), indices.tolist(), names.tolist(), weights.tolist(), strict=True)
        return [
            VoteExplanation(
                label=classes[winner],
                confidence=float(of_row[winner] / of_row.sum()),
                votes=dict(zip(classes, of_row.tolist(), strict=True)),
                neighbors=[
                    Voter(label, distance, index, weight) for distance, index, label, weight in zip(*near, strict=True)
                ],
            )
            for winner, of_row, near in zip(elected, votes, neighbors, strict=True)
        ]
