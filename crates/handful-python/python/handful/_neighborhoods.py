"""Neighbours of rows as arrays and as graphs, with scikit-learn's methods."""

from __future__ import annotations

from numbers import Integral
from typing import Any, Literal, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_is_fitted

from handful._search import Search
from handful._types import Distances, Indices


class Neighborhoods(Search):
    """Base class of estimators that find neighbours among the fitted samples."""

    n_neighbors: int
    radius: float = 1.0
    n_samples_fit_: int

    @overload
    def kneighbors(
        self, X: ArrayLike | None = None, n_neighbors: int | None = None, return_distance: Literal[True] = True
    ) -> tuple[Distances, Indices]: ...

    @overload
    def kneighbors(
        self, X: ArrayLike | None = None, n_neighbors: int | None = None, *, return_distance: Literal[False]
    ) -> Indices: ...

    def kneighbors(
        self, X: ArrayLike | None = None, n_neighbors: int | None = None, return_distance: bool = True
    ) -> tuple[Distances, Indices] | Indices:
        """Find the nearest neighbours among the fitted samples.

        Parameters
        ----------
        X : array-like of shape (n_queries, n_features), default=None
            Query samples. By default, the fitted samples are the queries; then no sample is its own neighbour.
        n_neighbors : int, default=None
            Number of neighbours. By default, the parameter `n_neighbors` of the estimator.
        return_distance : bool, default=True
            Whether to return the distances too.

        Returns
        -------
        distances : ndarray of shape (n_queries, n_neighbors)
            Distances in ascending order. Only returned if `return_distance` is True.
        indices : ndarray of shape (n_queries, n_neighbors)
            Indices of the neighbours, nearest first. Equally far ones are ordered by index.
        """
        check_is_fitted(self)
        k = self._count(n_neighbors)
        distances, indices = self._nearest_others(k) if X is None else self._nearest(self._queries(X), k)
        return (distances, indices) if return_distance else indices

    def _count(self, n_neighbors: int | None) -> int:
        """Check the number of neighbours, and return it."""
        k = self.n_neighbors if n_neighbors is None else n_neighbors
        if not isinstance(k, Integral):
            raise TypeError(f"n_neighbors does not take {type(k)} value, enter integer value")
        if k <= 0:
            raise ValueError(f"Expected n_neighbors > 0. Got {k}")
        return int(k)

    def kneighbors_graph(
        self, X: ArrayLike | None = None, n_neighbors: int | None = None, mode: str = "connectivity"
    ) -> Any:
        """Return the nearest neighbours as a sparse matrix.

        Parameters
        ----------
        X : array-like of shape (n_queries, n_features), default=None
            As in `kneighbors`.
        n_neighbors : int, default=None
            As in `kneighbors`.
        mode : {'connectivity', 'distance'}, default='connectivity'
            Whether the entries are ones or distances.

        Returns
        -------
        csr_matrix of shape (n_queries, n_samples_fit)
            Matrix with one entry per neighbour.
        """
        check_mode(mode)
        distances, indices = self.kneighbors(X, n_neighbors)
        n, k = indices.shape
        return self._graph(np.arange(0, n * k + 1, k), distances.ravel(), indices.ravel(), mode)

    def radius_neighbors(
        self,
        X: ArrayLike | None = None,
        radius: float | None = None,
        return_distance: bool = True,
        sort_results: bool = False,
    ) -> tuple[NDArray[Any], NDArray[Any]] | NDArray[Any]:
        """Find all fitted samples within a radius.

        A sample is within the radius if its distance, as `kneighbors` returns it, is at most the radius.

        Parameters
        ----------
        X : array-like of shape (n_queries, n_features), default=None
            Query samples. By default, the fitted samples are the queries; then no sample is its own neighbour.
        radius : float, default=None
            The radius. By default, the parameter `radius` of the estimator, or 1 if it has none.
        return_distance : bool, default=True
            Whether to return the distances too.
        sort_results : bool, default=False
            Whether the samples are in the order of their distances, and equally far ones in that of their indices. By
            default, all are in the order of their indices.

        Returns
        -------
        distances : ndarray of shape (n_queries,) of arrays
            For each query, the distances of the samples within the radius. Only returned if `return_distance` is True.
        indices : ndarray of shape (n_queries,) of arrays
            For each query, the indices of these samples.
        """
        check_is_fitted(self)
        starts, distances, indices = self._within(X, self.radius if radius is None else radius, sort_results)
        parts = in_parts(indices, starts)
        return (in_parts(distances, starts), parts) if return_distance else parts

    def radius_neighbors_graph(
        self,
        X: ArrayLike | None = None,
        radius: float | None = None,
        mode: str = "connectivity",
        sort_results: bool = False,
    ) -> Any:
        """Return all fitted samples within a radius as a sparse matrix.

        Parameters
        ----------
        X : array-like of shape (n_queries, n_features), default=None
            As in `radius_neighbors`.
        radius : float, default=None
            As in `radius_neighbors`.
        mode : {'connectivity', 'distance'}, default='connectivity'
            Whether the entries are ones or distances.
        sort_results : bool, default=False
            Whether the entries of a row are stored in the order of their distances instead of their columns.

        Returns
        -------
        csr_matrix of shape (n_queries, n_samples_fit)
            Matrix with one entry per sample within the radius.
        """
        check_is_fitted(self)
        check_mode(mode)
        starts, distances, indices = self._within(X, self.radius if radius is None else radius, sort_results)
        return self._graph(starts, distances, indices, mode)

    def _graph(self, starts: Indices, distances: Distances, indices: Indices, mode: str) -> Any:
        # scikit-learn needs SciPy too, so it is there; most users of this module do not need it.
        from scipy.sparse import csr_matrix

        entries = distances if mode == "distance" else np.ones(len(indices))
        return csr_matrix((entries, indices, starts), shape=(len(starts) - 1, self.n_samples_fit_))


def check_mode(mode: str) -> None:
    """Check what the entries of a graph shall be."""
    if mode not in ("connectivity", "distance"):
        raise ValueError(f"mode: expected 'connectivity' or 'distance', found {mode!r}")


def in_parts(values: NDArray[Any], starts: Indices) -> NDArray[Any]:
    """Return an array of arrays: the values of each query."""
    parts = np.empty(len(starts) - 1, dtype=object)
    parts[:] = np.split(values, starts[1:-1])
    return parts
