"""Search for the neighbours of rows in an index of vectors that an estimator keeps."""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import Interval, StrOptions

from handful import _core
from handful._jobs import n_threads, progress
from handful._metrics import Metric
from handful._types import Distances, Indices, Vectors
from handful._vectors import convert, validate


class Search(BaseEstimator):  # type: ignore[misc]
    """Base class of estimators that search vectors: keeps the vectors and their indexes."""

    algorithm: str = "auto"
    n_jobs: int | None
    verbose: int

    n_features_in_: int
    _metric: Metric = Metric("euclidean")
    _vectors: Vectors
    _indexes: dict[np.dtype[Any], _core.Index | _core.InvertedIndex]

    _search_constraints: dict[str, list[Any]] = {
        "n_jobs": [Integral, None],
        "verbose": ["verbose"],
    }

    #: Of the estimators whose metric can be chosen.
    _metric_constraints: dict[str, list[Any]] = {
        "algorithm": [StrOptions({"auto", "ball_tree", "kd_tree", "brute"})],
        "leaf_size": [Interval(Integral, 1, None, closed="left")],
        "p": [Interval(Real, 0, None, closed="right"), None],
        "metric_params": [dict, None],
    }

    def _index(self, vectors: Vectors) -> None:
        """Store vectors, and build an index of them."""
        # The shape of a view does not change if someone changes the shape of the array.
        self._vectors, self._indexes = self._metric.points(vectors).view(), {}
        self._index_of(self._vectors.dtype)

    def _index_of(self, dtype: np.dtype[Any]) -> _core.Index | _core.InvertedIndex:
        """Return an index of the vectors in `dtype`, which must be able to hold them; build it only once."""
        if dtype not in self._indexes:
            self._indexes[dtype] = self._new_index(convert(self._vectors, dtype))
        return self._indexes[dtype]

    def _new_index(self, points: Vectors) -> _core.Index | _core.InvertedIndex:
        return _core.Index(points, self.algorithm == "brute", n_threads(self.n_jobs))

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = super().__getstate__()
        return {**state, "_indexes": {}} if "_indexes" in state else state

    def _queries(self, X: ArrayLike) -> Vectors:
        """Check rows to search for, and return their vectors."""
        return self._metric.queries(validate(self, X, reset=False))

    def _nearest(self, queries: Vectors, n_neighbors: int) -> tuple[Distances, Indices]:
        """Find the distances and indices of the nearest vectors; equally near ones are ordered by index."""
        if n_neighbors < 1:
            raise ValueError(f"Expected n_neighbors > 0. Got {n_neighbors}")
        if n_neighbors > len(self._vectors):
            raise ValueError(
                f"Expected n_neighbors <= n_samples_fit, but n_neighbors = {n_neighbors}, "
                f"n_samples_fit = {len(self._vectors)}, n_samples = {len(queries)}"
            )
        dtype = np.result_type(queries, self._vectors)
        tell = progress(type(self).__name__, self.verbose)
        index = self._index_of(dtype)
        squares, indices = index.kneighbors(convert(queries, dtype), n_neighbors, n_threads(self.n_jobs), tell)
        return self._metric.distances(squares), indices

    def _nearest_others(self, k: int) -> tuple[Distances, Indices]:
        """Search for the stored rows, and exclude each row from its own neighbours."""
        if k >= len(self._vectors):
            raise ValueError(
                f"Expected n_neighbors < n_samples_fit, but n_neighbors = {k}, "
                f"n_samples_fit = {len(self._vectors)}, as no row is a neighbour of itself"
            )
        distances, indices = self._nearest(self._metric.own_queries(self._vectors), k + 1)
        others = are_others(indices, 0)
        return distances[others].reshape(-1, k), indices[others].reshape(-1, k)

    def _within(self, X: ArrayLike | None, radius: float, nearest_first: bool) -> tuple[Indices, Distances, Indices]:
        """Find all rows within a radius: where those of each query begin, their distances and their indices."""
        if not isinstance(radius, Real) or math.isnan(radius) or radius < 0:
            raise ValueError(f"radius: expected a number of at least 0, found {radius!r}")
        queries = self._metric.own_queries(self._vectors) if X is None else self._queries(X)
        dtype = np.result_type(queries, self._vectors)
        index = self._index_of(dtype)
        if isinstance(index, _core.InvertedIndex):
            raise ValueError("index='inverted' searches for a number of neighbours: use index='exact' for a radius")
        tell = progress(type(self).__name__, self.verbose)
        squared = self._metric.squared(float(radius))
        starts, squares, indices = index.radius_neighbors(
            convert(queries, dtype), squared, n_threads(self.n_jobs), tell
        )
        distances, rows = self._metric.distances(squares), np.repeat(np.arange(len(queries)), np.diff(starts))
        if X is None:
            others = indices != rows
            distances, indices, rows = distances[others], indices[others], rows[others]
            starts = np.searchsorted(rows, np.arange(len(queries) + 1))
        if not nearest_first:
            order = np.lexsort((indices, rows))
            distances, indices = distances[order], indices[order]
        return starts, distances, indices


def are_others(indices: Indices, first: int) -> NDArray[np.bool_]:
    """Return a mask of the neighbours that are not the row itself, which excludes exactly one neighbour per row.

    The rows are numbered from `first`.
    """
    others = indices != np.arange(first, first + len(indices))[:, None]
    # If many rows are equal, a row may not be among its own neighbours.
    others[others.all(axis=1), -1] = False
    return np.asarray(others)
