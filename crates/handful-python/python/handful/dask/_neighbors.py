"""Votes of the exact nearest neighbours, among rows that no machine has all of."""

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
from handful._neighbors import Distances, Indices, Weights, are_others
from handful._types import Bytes
from handful.dask._partitions import Labels, Partitions
from handful.dask._queries import accuracy, bytes_in_memory, is_dask, joined, query_blocks
from handful.dask._work import TASK_THREADS, Kept, compute, keep, merged, task

#: So many bytes of queries are sent at a time.
QUERY_BYTES = 1 << 23

#: What an index takes beside a row.
INDEX_BYTES = 80

#: Of each query's neighbours their squared distances, row numbers and labels.
Found = tuple[Distances, Indices, Indices]


class Shard(NamedTuple):
    """Rows that a worker searches, the first of them being row `start` of all."""

    index: Delayed
    rows: Delayed
    labels: Delayed
    start: int


class KNeighborsClassifier(handful.KNeighborsClassifier):
    """Classifier by the votes of the exact k nearest neighbours, among rows on the workers of a Dask cluster.

    Each worker searches its own rows, and the nearest of all are those with the smallest distances; of equally
    far ones the first rows. Predictions, distances and indices are those of `handful.KNeighborsClassifier` on one
    machine, for any number of workers and partitions, and after a worker is lost.

    Parameters
    ----------
    n_neighbors : int, default=5
        Neighbours that vote.
    weights : {'uniform', 'distance'}, callable or None, default='uniform'
        How much a vote counts: alike, by the inverse of the distance, or what a function makes of an array of
        distances.
    tie_break : {'lowest_label', 'nearest'}, default='lowest_label'
        Which class wins among those with the most votes: the first of `classes_`, as in scikit-learn, or that
        of the nearest neighbour among them.
    algorithm : {'auto', 'brute'}, default='auto'
        How workers search: with a sketch of 64 bytes a row that rules most rows out, where trials show that it
        pays, or every row against every row. The answers are the same.
    n_jobs : int or None, default=None
        Not used: a task has one of its worker's threads.
    verbose : int, default=0
        Whether to print how far a search for queries in memory is.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The classes, sorted.
    n_samples_fit_ : int
        Rows that it was fitted on.
    n_features_in_ : int
        Features seen in `fit`.

    See Also
    --------
    handful.KNeighborsClassifier : The same on one machine.

    Notes
    -----
    The rows and an index of them, some 80 bytes a row, stay on the workers as long as the classifier is there.
    Queries go to all of them; of each query and partition come back `n_neighbors` distances, indices and labels.

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

    def fit(self, X: Any, y: Any) -> Self:
        """Keep labelled rows to vote, on the workers.

        Parameters
        ----------
        X : dask.array.Array of shape (n_samples, n_features)
            Rows to search: bytes, or whole numbers from 0 to 255.
        y : dask.array.Array or array-like of shape (n_samples,)
            Their classes: numbers, strings or anything that can be sorted.

        Returns
        -------
        KNeighborsClassifier
            The estimator itself.
        """
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
            Rows to classify.

        Returns
        -------
        dask.array.Array or ndarray of shape (n_queries,)
            Their classes; of a Dask array a Dask array, which is computed when it is asked for.
        """
        answer = partial(_predicted, self._voter())
        return self._search_for(X, self.n_neighbors).each("vote", answer, self.classes_.dtype)

    def predict_proba(self, X: Any) -> Any:
        """Return each class's share of the votes.

        Parameters
        ----------
        X : dask.array.Array or array-like of shape (n_queries, n_features)
            Rows to classify.

        Returns
        -------
        dask.array.Array or ndarray of shape (n_queries, n_classes)
            Shares in the order of `classes_`; each row sums to 1.
        """
        answer = partial(_shares, self._voter())
        found = self._search_for(X, self.n_neighbors)
        return found.each("shares", answer, np.dtype(np.float64), len(self.classes_))

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the share of rows that are predicted right.

        Parameters
        ----------
        X : dask.array.Array or array-like of shape (n_queries, n_features)
            Rows to classify.
        y : dask.array.Array or array-like of shape (n_queries,)
            Their classes.
        sample_weight : array-like of shape (n_queries,), default=None
            How much each row counts; only for rows in memory.

        Returns
        -------
        float
            The accuracy.
        """
        return accuracy(self, super().score, X, y, sample_weight)

    def kneighbors(self, X: Any = None, n_neighbors: int | None = None, return_distance: bool = True) -> Any:
        """Find the nearest rows of those that it was fitted on.

        Parameters
        ----------
        X : dask.array.Array or array-like of shape (n_queries, n_features), default=None
            Rows whose neighbours are wanted; by default those that it was fitted on, which are then not
            neighbours of themselves, and are answered as a Dask array is.
        n_neighbors : int, default=None
            How many; by default as many as vote.
        return_distance : bool, default=True
            Whether distances are wanted too.

        Returns
        -------
        distances : dask.array.Array or ndarray of shape (n_queries, n_neighbors)
            Euclidean distances, ascending; only if `return_distance`.
        indices : dask.array.Array or ndarray of shape (n_queries, n_neighbors)
            Rows, counted through all partitions, nearest first; of equally far ones the first. Ask for both at
            once, as in ``dask.compute(distances, indices)``: there is then one search.
        """
        check_is_fitted(self)
        k = self._count(n_neighbors)
        found = self._search_own_rows(k) if X is None else self._search_for(X, k)
        indices = found.each("indices", itemgetter(1), np.dtype(np.int64), k)
        return (
            (found.each("distances", itemgetter(0), np.dtype(np.float64), k), indices) if return_distance else indices
        )

    def _voter(self) -> handful.KNeighborsClassifier:
        """Return what votes without rows of its own."""
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
        """Search all shards, and keep the nearest."""
        parts = [task("search", _search, *shard, queries, k) for shard in self._shards]
        return task("roots", _roots, merged("nearest", partial(_nearest, k), parts))

    def _search_own_rows(self, k: int) -> Neighbors:
        """Search for the rows themselves, and leave each out of its own neighbours."""
        if k >= self.n_samples_fit_:
            raise ValueError(
                f"Expected n_neighbors < n_samples_fit, but n_neighbors = {k}, "
                f"n_samples_fit = {self.n_samples_fit_}, as no row is a neighbour of itself"
            )
        found = [task("others", _others, self._search_block(shard.rows, k + 1), shard.start) for shard in self._shards]
        return Neighbors(found, [size for size in self._rows.sizes if size])


class Neighbors(NamedTuple):
    """What was found of queries in memory, or will be of each partition's."""

    found: Found | list[Delayed]
    sizes: Sequence[float]

    def each(self, name: str, answer: Callable[[Found], NDArray[Any]], dtype: np.dtype[Any], *columns: int) -> Any:
        """Return what becomes of the distances, indices and labels."""
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
    """Keep the nearest of what shards found; as these are in the order of their rows, so are equally far ones."""
    squares, indices, labels = (np.concatenate(part, axis=1) for part in zip(*parts, strict=True))
    order = np.argsort(squares, axis=1, kind="stable")[:, :k]
    rows = np.arange(len(order))[:, None]
    return squares[rows, order], indices[rows, order], labels[rows, order]


def _roots(found: Found) -> Found:
    squares, indices, labels = found
    return np.sqrt(squares), indices, labels


def _others(found: Found, start: int) -> Found:
    """Leave rows that follow each other out of their own neighbours."""
    others = are_others(found[1], start)
    shape = (len(others), -1)
    return found[0][others].reshape(shape), found[1][others].reshape(shape), found[2][others].reshape(shape)


def _predicted(voter: handful.KNeighborsClassifier, found: Found) -> NDArray[Any]:
    return voter._winners(found[0], found[2])


def _shares(voter: handful.KNeighborsClassifier, found: Found) -> Distances:
    return voter._shares(found[0], found[2])
