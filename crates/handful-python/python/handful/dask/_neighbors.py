"""Votes of the exact nearest neighbours, among rows that are distributed over a Dask cluster."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from operator import itemgetter
from typing import Any, NamedTuple, Self

import numpy as np
from dask.delayed import Delayed
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

import handful
from handful import _core
from handful._jobs import progress
from handful._search import are_others
from handful._types import Bytes, Distances, Indices, Weights
from handful._votes import weigh
from handful.dask._partitions import Labels, Partitions
from handful.dask._queries import Scored, bytes_in_memory, check_unweighted, is_dask, joined, query_blocks
from handful.dask._work import TASK_THREADS, Kept, compute, keep, merged, task

#: Maximum number of bytes of queries that are sent at once.
QUERY_BYTES = 1 << 23

#: Memory of an index per row, in addition to the row.
INDEX_BYTES = 80

#: Squared distances, row indices and labels of the neighbours of each query.
Found = tuple[Distances, Indices, Indices]


class Shard(NamedTuple):
    """Rows that a worker searches. The first is row `start` of all rows."""

    index: Delayed
    rows: Delayed
    labels: Delayed
    start: int


class KNeighborsClassifier(Scored, handful.KNeighborsClassifier):
    """Classifier by the votes of the exact k nearest neighbours, on a Dask cluster.

    Each worker searches its own rows. The neighbours that the workers find are merged by distance; of equally far
    rows, the first count as nearer. Predictions, distances and indices are the same as those of
    `handful.KNeighborsClassifier` on one machine, for any number of workers and partitions, and even if a worker is
    lost.

    Parameters
    ----------
    n_neighbors : int, default=5
        Number of neighbours that vote.
    weights : {'uniform', 'distance'}, callable or None, default='uniform'
        Weight of each vote. 'uniform' or None: all votes count the same. 'distance': the weight is the inverse of
        the distance. A callable takes an array of distances and returns an array of weights.
    tie_break : {'lowest_label', 'nearest'}, default='lowest_label'
        How to choose between classes that have equally many votes: the one that comes first in `classes_`, as in
        scikit-learn, or the one of the nearest neighbour.
    algorithm : {'auto', 'brute'}, default='auto'
        How the workers search. 'auto' uses a sketch of 64 bytes per sample to rule out most samples, if trials show
        that this is faster. 'brute' compares every query with every sample. The results are the same.
    n_jobs : int or None, default=None
        Not used: each Dask task uses one thread of its worker.
    verbose : int, default=0
        Whether to print the progress of a search for queries in memory.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The classes, sorted.
    n_samples_fit_ : int
        Number of samples in the fitted data.
    n_features_in_ : int
        Number of features seen in `fit`.

    See Also
    --------
    handful.KNeighborsClassifier : The same on one machine.

    Notes
    -----
    The rows and their index, about 80 bytes per row, stay on the workers as long as the classifier exists. Queries
    are sent to all workers. For each query and partition, the result is `n_neighbors` distances, indices and labels.

    Examples
    --------
    >>> import dask.array as da
    >>> import numpy as np
    >>> from handful.dask import KNeighborsClassifier
    >>> X = da.from_array(np.array([[0], [1], [2], [3]], dtype=np.uint8), chunks=(2, 1))
    >>> knn = KNeighborsClassifier(n_neighbors=3).fit(X, ["low", "low", "high", "high"])
    >>> knn.predict(np.array([[1]], dtype=np.uint8)).tolist()
    ['low']
    >>> knn.predict(X).compute().tolist()
    ['low', 'low', 'high', 'high']
    """

    _rows: Partitions
    _shards: list[Shard]

    def __init__(
        self,
        n_neighbors: int = 5,
        *,
        weights: Weights = "uniform",
        tie_break: str = "lowest_label",
        algorithm: str = "auto",
        n_jobs: int | None = None,
        verbose: int = 0,
    ) -> None:
        self.n_neighbors = n_neighbors
        self.weights = weights
        self.tie_break = tie_break
        self.algorithm = algorithm
        self.n_jobs = n_jobs
        self.verbose = verbose

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Fit the classifier: store and index the labelled samples on the workers.

        Parameters
        ----------
        X : dask.array.Array of shape (n_samples, n_features)
            Samples to search: bytes, or whole numbers from 0 to 255.
        y : dask.array.Array or array-like of shape (n_samples,)
            Class of each sample: numbers, strings or anything that can be sorted.
        sample_weight : None, default=None
            Only supported by `handful.KNeighborsClassifier`.

        Returns
        -------
        KNeighborsClassifier
            The fitted estimator.
        """
        check_unweighted(sample_weight)
        self._validate_params()
        rows = Partitions.of(X, "KNeighborsClassifier")
        labels = Labels.of(y, rows)
        filled = rows.filled()
        make = partial(_index, self.algorithm == "brute")
        indexes = keep("index", make, INDEX_BYTES, [(rows.blocks[number],) for number in filled])
        self._rows, self._shards = (
            rows,
            [
                Shard(index, rows.blocks[number], labels.blocks[number], rows.starts[number])
                for number, index in zip(filled, indexes, strict=True)
            ],
        )
        self.classes_, self.n_features_in_, self.n_samples_fit_ = labels.classes, rows.n_features, len(rows)
        return self

    def predict(self, X: Any) -> Any:
        """Predict the class that the nearest neighbours vote for.

        Parameters
        ----------
        X : dask.array.Array or array-like of shape (n_queries, n_features)
            Samples to classify.

        Returns
        -------
        dask.array.Array or ndarray of shape (n_queries,)
            Predicted class of each sample. For a Dask array, the result is a Dask array, which is computed on demand.
        """
        answer = partial(_predicted, self._voter())
        return self._search_for(X, self.n_neighbors).each("vote", answer, self.classes_.dtype)

    def predict_proba(self, X: Any) -> Any:
        """Return the share of the votes for each class.

        Parameters
        ----------
        X : dask.array.Array or array-like of shape (n_queries, n_features)
            Samples to classify.

        Returns
        -------
        dask.array.Array or ndarray of shape (n_queries, n_classes)
            Shares in the order of `classes_`; each row sums to 1.
        """
        answer = partial(_shares, self._voter())
        found = self._search_for(X, self.n_neighbors)
        return found.each("shares", answer, np.dtype(np.float64), len(self.classes_))

    def kneighbors(self, X: Any = None, n_neighbors: int | None = None, return_distance: bool = True) -> Any:
        """Find the nearest neighbours among the fitted samples.

        Parameters
        ----------
        X : dask.array.Array or array-like of shape (n_queries, n_features), default=None
            Query samples. By default, the fitted samples are the queries. Then no sample is its own neighbour, and
            the result is a Dask array.
        n_neighbors : int, default=None
            Number of neighbours. By default, the number that vote.
        return_distance : bool, default=True
            Whether to return the distances too.

        Returns
        -------
        distances : dask.array.Array or ndarray of shape (n_queries, n_neighbors)
            Euclidean distances in ascending order. Only returned if `return_distance` is True.
        indices : dask.array.Array or ndarray of shape (n_queries, n_neighbors)
            Indices of the neighbours, counted over all partitions, nearest first. Equally far ones are ordered by
            index. Compute both together, with ``dask.compute(distances, indices)``, so that there is only one search.
        """
        check_is_fitted(self)
        k = self._count(n_neighbors)
        found = self._search_own_rows(k) if X is None else self._search_for(X, k)
        indices = found.each("indices", itemgetter(1), np.dtype(np.int64), k)
        return (
            (found.each("distances", itemgetter(0), np.dtype(np.float64), k), indices) if return_distance else indices
        )

    def _voters(self, X: Any) -> tuple[Distances, Indices, Indices, Distances]:
        check_is_fitted(self)
        if X is None or is_dask(X):
            raise ValueError("X: expected samples in memory, whose neighbours can be shown, found a Dask array or None")
        distances, indices, labels = self._search_for(X, self.n_neighbors).found
        return distances, indices, labels, weigh(self.weights, distances)

    def _within(self, X: Any, radius: float, nearest_first: bool) -> tuple[Indices, Distances, Indices]:
        raise NotImplementedError(
            "handful.dask.KNeighborsClassifier searches for a number of neighbours: use handful.KNeighborsClassifier "
            "or handful.NearestNeighbors for all neighbours within a radius"
        )

    def _voter(self) -> handful.KNeighborsClassifier:
        """Return a classifier in memory that can vote, but has no rows."""
        check_is_fitted(self)
        voter = handful.KNeighborsClassifier(**self.get_params())
        voter.classes_ = self.classes_
        return voter

    def _search_for(self, X: Any, k: int) -> Neighbors:
        if k > self.n_samples_fit_:
            raise ValueError(
                f"Expected n_neighbors <= n_samples_fit, but n_neighbors = {k}, n_samples_fit = {self.n_samples_fit_}"
            )
        if is_dask(X):
            blocks, sizes = query_blocks(self, X)
            return Neighbors([self._search_block(block, k) for block in blocks], sizes)
        X, tell = bytes_in_memory(self, X), progress(type(self).__name__, self.verbose)
        parts: list[Found] = []
        step = max(1, QUERY_BYTES // X.shape[1])
        for start in range(0, len(X), step):
            if tell is not None:
                tell("search", start, len(X))
            queries = task("queries", np.asarray, X[start : start + step])
            parts += compute([self._search_block(queries, k)])
        if tell is not None:
            tell("search", len(X), len(X))
        distances, indices, labels = (np.concatenate(part) for part in zip(*parts, strict=True))
        return Neighbors((distances, indices, labels), [len(X)])

    def _search_block(self, queries: Delayed, k: int) -> Delayed:
        """Search all shards, and keep the nearest rows."""
        parts = [task("search", _search, *shard, queries, k) for shard in self._shards]
        return task("roots", _roots, merged("nearest", partial(_nearest, k), parts))

    def _search_own_rows(self, k: int) -> Neighbors:
        """Search for the fitted rows, and exclude each row from its own neighbours."""
        if k >= self.n_samples_fit_:
            raise ValueError(
                f"Expected n_neighbors < n_samples_fit, but n_neighbors = {k}, "
                f"n_samples_fit = {self.n_samples_fit_}, as no row is a neighbour of itself"
            )
        found = [task("others", _others, self._search_block(shard.rows, k + 1), shard.start) for shard in self._shards]
        return Neighbors(found, [size for size in self._rows.sizes if size])


class Neighbors(NamedTuple):
    """The neighbours of queries in memory, or tasks that find those of each partition."""

    found: Found | list[Delayed]
    sizes: Sequence[float]

    def each(self, name: str, answer: Callable[[Found], NDArray[Any]], dtype: np.dtype[Any], *columns: int) -> Any:
        """Apply a function to the distances, indices and labels."""
        if isinstance(self.found, tuple):
            return answer(self.found)
        blocks = [task(name, answer, found) for found in self.found]
        return joined(blocks, self.sizes, dtype, *columns)


def _index(brute: bool, rows: Bytes) -> _core.Index:
    return _core.Index(rows, brute, TASK_THREADS)


def _search(index: Kept, rows: Bytes, labels: Indices, start: int, queries: Bytes, k: int) -> Found:
    rows, queries = np.ascontiguousarray(rows), np.ascontiguousarray(queries)
    squares, indices = index.of(rows).kneighbors(queries, min(k, len(rows)), TASK_THREADS, None)
    return squares, indices + start, labels[indices]


def _nearest(k: int, parts: list[Found]) -> Found:
    """Keep the nearest rows. The shards are in row order, so a stable sort keeps equally far rows in order."""
    squares, indices, labels = (np.concatenate(part, axis=1) for part in zip(*parts, strict=True))
    order = np.argsort(squares, axis=1, kind="stable")[:, :k]
    rows = np.arange(len(order))[:, None]
    return squares[rows, order], indices[rows, order], labels[rows, order]


def _roots(found: Found) -> Found:
    squares, indices, labels = found
    return np.sqrt(squares), indices, labels


def _others(found: Found, start: int) -> Found:
    """Exclude consecutive rows from their own neighbours."""
    others = are_others(found[1], start)
    shape = (len(others), -1)
    return found[0][others].reshape(shape), found[1][others].reshape(shape), found[2][others].reshape(shape)


def _predicted(voter: handful.KNeighborsClassifier, found: Found) -> NDArray[Any]:
    return voter._winners(found[2], weigh(voter.weights, found[0]))


def _shares(voter: handful.KNeighborsClassifier, found: Found) -> Distances:
    return voter._shares(found[2], weigh(voter.weights, found[0]))
