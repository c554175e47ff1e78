"""Metrics whose neighbours are those of Euclidean distances: what scikit-learn calls by other names, and cosines."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from handful._types import Distances, Vectors

#: The names that scikit-learn has for each metric.
NAMES = {
    "minkowski": "euclidean",
    "euclidean": "euclidean",
    "l2": "euclidean",
    "sqeuclidean": "sqeuclidean",
    "cosine": "cosine",
}

#: Maximum number of values that are normalised at once.
BLOCK = 1 << 20


class Metric(NamedTuple):
    """A metric: the vectors to search instead of the rows, and what their squared distances mean.

    The squared distance of two unit vectors is twice the cosine distance of the rows. A row of zeros has no direction:
    as in scikit-learn, its cosine distance to every row is 1. It becomes a unit vector in a dimension of its own, which
    is another one for queries than for the rows that are searched.
    """

    name: str

    @classmethod
    def of(cls, estimator: Any) -> Metric:
        """Return the metric that the parameters of an estimator choose."""
        name, p, others = estimator.metric, estimator.p, estimator.metric_params
        found = repr(name)
        if isinstance(name, str) and name in NAMES and not others:
            if name != "minkowski" or p == 2:
                return cls(NAMES[name])
            found = f"'minkowski' with p={p}"
        elif isinstance(name, str) and name in NAMES:
            found += f" with metric_params={others}"
        raise ValueError(
            "metric: expected 'euclidean', 'minkowski' with p=2, 'sqeuclidean' or 'cosine', without metric_params, "
            f"found {found}: use sklearn.neighbors.{type(estimator).__name__} for other metrics"
        )

    def points(self, X: Vectors) -> Vectors:
        """Return the vectors to search."""
        return directions(X, -2) if self.name == "cosine" else X

    def queries(self, X: Vectors) -> Vectors:
        """Return the vectors to search for."""
        return directions(X, -1) if self.name == "cosine" else X

    def own_queries(self, points: Vectors) -> Vectors:
        """Return the vectors to search for, if the queries are the rows that are searched."""
        if self.name != "cosine" or not points[:, -2].any():
            return points
        queries = points.copy()
        queries[:, [-2, -1]] = points[:, [-1, -2]]
        return queries

    def distances(self, squares: Distances) -> Distances:
        """Return the distances that squared Euclidean ones stand for; overwrite these."""
        if self.name == "euclidean":
            return np.sqrt(squares, out=squares)
        if self.name == "cosine":
            squares /= 2
            return np.minimum(squares, 2, out=squares)
        return squares

    def squared(self, radius: float) -> float:
        """Return the largest squared Euclidean distance that stands for a distance of at most `radius`."""
        if self.name == "sqeuclidean":
            return radius
        if self.name == "cosine":
            return math.inf if radius >= 2 else 2 * radius
        square = radius * radius
        # The root of the square is the radius, but some larger numbers have the same root.
        while math.isfinite(square) and math.sqrt(above := math.nextafter(square, math.inf)) <= radius:
            square = above
        return square


def directions(X: Vectors, column_of_zeros: int) -> NDArray[np.float64]:
    """Divide rows by their lengths, and append two columns, one of which is 1 for rows of zeros.

    Rows that are multiples of each other become the same, bit for bit: first, each is divided by its largest value.
    """
    n, d = X.shape
    units = np.zeros((n, d + 2))
    step = max(1, BLOCK // d)
    for start in range(0, n, step):
        rows, block = X[start : start + step].astype(np.float64), units[start : start + step]
        largest = np.abs(rows).max(axis=1, keepdims=True)
        zero = largest == 0
        rows /= np.where(zero, 1, largest)
        lengths = np.sqrt(np.square(rows).sum(axis=1, keepdims=True))
        np.divide(rows, np.where(zero, 1, lengths), out=block[:, :d])
        block[zero[:, 0], column_of_zeros] = 1
    return units
