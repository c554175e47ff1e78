"""Votes of the exact nearest neighbours."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Integral
from typing import Any, Literal, Self, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from handful import _core
from handful._jobs import n_threads, progress
from handful._types import Vectors
from handful._vectors import BYTES, convert, numbered, validate

Distances = NDArray[np.float64]
Indices = NDArray[np.int64]
Weights = str | Callable[[Distances], ArrayLike] | None


class Voting(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """What classifiers share whose neighbours vote: `n_neighbors`, `weights`, `tie_break` and labelled vectors."""

    n_neighbors: int
    weights: Weights
    tie_break: str
    algorithm: str = "auto"
    n_jobs: int | None
    verbose: int

    classes_: NDArray[Any]
    n_features_in_: int
    _vectors: Vectors
    _labels: NDArray[np.intp]
    _indexes: dict[np.dtype[Any], _core.Index | _core.InvertedIndex]

    _voting_constraints: dict[str, list[Any]] = {
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
        "weights": [StrOptions({"uniform", "distance"}), callable, None],
        "tie_break": [StrOptions({"lowest_label", "nearest"})],
        "n_jobs": [Integral, None],
        "verbose": ["verbose"],
    }

    def _index(self, vectors: Vectors, labels: NDArray[np.intp]) -> None:
        """Keep labelled vectors, and make them fast to search."""
        # A view has a shape of its own, whatever becomes of that of the array.
        self._vectors, self._labels, self._indexes = vectors.view(), labels, {}
        self._index_of(vectors.dtype)

    def _index_of(self, dtype: np.dtype[Any]) -> _core.Index | _core.InvertedIndex:
        """Return an index of the vectors in a type that can hold them; it is made once."""
        if dtype not in self._indexes:
            self._indexes[dtype] = self._new_index(convert(self._vectors, dtype))
        return self._indexes[dtype]

    def _new_index(self, points: Vectors) -> _core.Index | _core.InvertedIndex:
        return _core.Index(points, self.algorithm == "brute", n_threads(self.n_jobs))

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = super().__getstate__()
        return {**state, "_indexes": {}} if "_indexes" in state else state

    def _search(self, X: Vectors, n_neighbors: int) -> tuple[Distances, Indices]:
        """Find distances and indices of the nearest vectors; equally near ones in the order of their indices."""
        if n_neighbors < 1:
            raise ValueError(f"Expected n_neighbors > 0. Got {n_neighbors}")
        if n_neighbors > len(self._vectors):
            raise ValueError(
                f"Expected n_neighbors <= n_samples_fit, but n_neighbors = {n_neighbors}, "
                f"n_samples_fit = {len(self._vectors)}, n_samples = {len(X)}"
            )
        dtype = np.result_type(X, self._vectors)
        tell = progress(type(self).__name__, self.verbose)
        queries = convert(X, dtype)
        squares, indices = self._index_of(dtype).kneighbors(queries, n_neighbors, n_threads(self.n_jobs), tell)
        return np.sqrt(squares, out=squares), indices

    def _votes(self, distances: Distances, labels: Indices) -> Distances:
        """Add up the neighbours' votes for their classes; shape (n_queries, n_classes)."""
        votes = np.zeros((len(labels), len(self.classes_)))
        np.add.at(votes, (np.arange(len(labels))[:, None], labels), self._weigh(distances))
        if not votes.any(axis=1).all():
            raise ValueError("weights: expected some neighbour of each row to have a weight, found a row without")
        return votes

    def _weigh(self, distances: Distances) -> Distances | float:
        if self.weights is None or self.weights == "uniform":
            return 1.0
        if self.weights != "distance":
            assert callable(self.weights)
            weights = np.asarray(self.weights(distances), dtype=np.float64)
            if weights.shape != distances.shape:
                raise ValueError(f"weights: expected an array of shape {distances.shape}, found {weights.shape}")
            return weights
        with np.errstate(divide="ignore"):
            weights = 1.0 / distances
        # Neighbours at distance zero vote alone.
        coincident = np.isinf(weights)
        return np.where(coincident.any(axis=1, keepdims=True), coincident, weights)

    def _elect(self, votes: Distances, labels: Indices) -> NDArray[np.intp]:
        """Choose a class for each query from the votes, and from its neighbours' where votes are equal."""
        if self.tie_break == "lowest_label":
            lowest: NDArray[np.intp] = np.argmax(votes, axis=1)
            return lowest
        has_most = np.take_along_axis(votes, labels, axis=1) == votes.max(axis=1, keepdims=True)
        return np.take_along_axis(labels, has_most.argmax(axis=1)[:, None], axis=1)[:, 0]

    def _winners(self, distances: Distances, labels: Indices) -> NDArray[Any]:
        """Return the class that each query's neighbours, of which distances and labels are given, vote for."""
        # So many rows at a time that the votes for all classes take little memory.
        step = max(1, 2**20 // len(self.classes_))
        blocks = (slice(start, start + step) for start in range(0, max(1, len(labels)), step))
        elected = [self._elect(self._votes(distances[rows], labels[rows]), labels[rows]) for rows in blocks]
        return np.asarray(self.classes_[np.concatenate(elected)])

    def _shares(self, distances: Distances, labels: Indices) -> Distances:
        """Return each class's share of the votes of each query's neighbours."""
        votes = self._votes(distances, labels)
        shares: Distances = votes / votes.sum(axis=1, keepdims=True)
        return shares

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Predict the class that the nearest neighbours vote for.

        Parameters
        ----------
        X : array-like of shape (n_queries, n_features)
            Rows to classify.

        Returns
        -------
        ndarray of shape (n_queries,)
            Their classes.
        """
        check_is_fitted(self)
        distances, indices = self._search(validate(self, X, reset=False), self.n_neighbors)
        return self._winners(distances, self._labels[indices])

    def predict_proba(self, X: ArrayLike) -> Distances:
        """Return each class's share of the votes.

        Parameters
        ----------
        X : array-like of shape (n_queries, n_features)
            Rows to classify.

        Returns
        -------
        ndarray of shape (n_queries, n_classes)
            Shares in the order of `classes_`; each row sums to 1.
        """
        check_is_fitted(self)
        distances, indices = self._search(validate(self, X, reset=False), self.n_neighbors)
        return self._shares(distances, self._labels[indices])


class KNeighborsClassifier(Voting):
    """Classifier by the votes of the k nearest neighbours, exact unless told otherwise.

    Predictions and distances are those of scikit-learn's estimator of the same name with Euclidean distances,
    except that of equally far rows the first is the nearer one, always. The array that it is fitted on is
    kept, not copied, if it is one of bytes, or of floats in C order: it must not be written to, for answers
    would then be neither those of before nor of after.

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
        How to search: with a sketch of 64 bytes a row that rules most rows out, where trials show that it
        pays, or every row against every row. The answers are the same.
    index : {'exact', 'inverted'}, default='exact'
        What is searched: all rows, or lists of rows that are alike, made by K-Means, of which the nearest few
        to a query are looked into. That may miss neighbours; how many is measured in `fit`: see `recall_`. It
        pays for hundreds of thousands of rows, takes a copy of them, and is for bytes alone: whole numbers from
        0 to 255.
    n_lists : int or None, default=None
        Lists of an inverted index; None for twice the square root of the number of rows.
    n_probe : int or None, default=None
        Lists that a query looks into; None for the fewest that surely have a recall of 0.99.
    n_jobs : int or None, default=None
        Threads: None for all CPUs that the process may use, or its share of them in a worker of joblib.
    verbose : int, default=0
        Whether to print how far a search is.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The classes, sorted.
    n_samples_fit_ : int
        Rows that it was fitted on.
    recall_ : float
        Share of the 3 nearest neighbours that is found, measured on up to 1,000 of the rows; 1 if exact.
    n_lists_ : int or None
        Lists of an inverted index; None if there is none.
    n_probe_ : int or None
        Lists that a query looks into; None if there are none.
    n_features_in_ : int
        Features seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, if `X` had names that are all strings.

    See Also
    --------
    PrototypeClassifier : The same with fewer vectors that vote.

    Notes
    -----
    A search takes at most O(n_queries · n_samples · n_features), and beside the rows some 80 bytes of memory
    for each.

    Examples
    --------
    >>> from handful import KNeighborsClassifier
    >>> knn = KNeighborsClassifier(n_neighbors=3).fit([[0], [1], [2], [3]], ["low", "low", "high", "high"])
    >>> knn.predict([[1.1]]).tolist()
    ['low']
    >>> knn.predict_proba([[0.9]]).round(2).tolist()
    [[0.33, 0.67]]
    >>> distances, indices = knn.kneighbors([[2.2]], n_neighbors=2)
    >>> distances.round(1).tolist(), indices.tolist()
    ([[0.2, 0.8]], [[2, 3]])
    """

    _parameter_constraints: dict[str, list[Any]] = {
        **Voting._voting_constraints,
        "algorithm": [StrOptions({"auto", "brute"})],
        "index": [StrOptions({"exact", "inverted"})],
        "n_lists": [Interval(Integral, 1, None, closed="left"), None],
        "n_probe": [Interval(Integral, 1, None, closed="left"), None],
    }

    n_samples_fit_: int
    recall_: float
    n_lists_: int | None
    n_probe_: int | None

    def __init__(
        self,
        n_neighbors: int = 5,
        *,
        weights: Weights = "uniform",
        tie_break: str = "lowest_label",
        algorithm: str = "auto",
        index: str = "exact",
        n_lists: int | None = None,
        n_probe: int | None = None,
        n_jobs: int | None = None,
        verbose: int = 0,
    ) -> None:
        self.n_neighbors = n_neighbors
        self.weights = weights
        self.tie_break = tie_break
        self.algorithm = algorithm
        self.index = index
        self.n_lists = n_lists
        self.n_probe = n_probe
        self.n_jobs = n_jobs
        self.verbose = verbose

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Keep labelled rows to vote.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to search. An array of bytes is not copied.
        y : array-like of shape (n_samples,)
            Their classes: numbers, strings or anything that can be sorted.

        Returns
        -------
        KNeighborsClassifier
            The estimator itself.
        """
        self._validate_params()
        X, y = check_labelled(self, X, y)
        self.classes_, labels = numbered(X, y)
        self.n_samples_fit_ = len(X)
        if self.index == "exact" and not (self.n_lists is None and self.n_probe is None):
            raise ValueError("n_lists and n_probe go with index='inverted', found index='exact'")
        self._index(X, labels)
        made = self._indexes[X.dtype]
        inverted = made if isinstance(made, _core.InvertedIndex) else None
        self.recall_ = inverted.recall if inverted else 1.0
        self.n_lists_ = inverted.n_lists if inverted else None
        self.n_probe_ = inverted.n_probe if inverted else None
        return self

    def _new_index(self, points: Vectors) -> _core.Index | _core.InvertedIndex:
        if self.index == "exact":
            return super()._new_index(points)
        if points.dtype != BYTES:
            raise ValueError(
                "index='inverted' searches bytes: expected whole numbers from 0 to 255, found others; "
                "index='exact' searches them all"
            )
        tell = progress(type(self).__name__, self.verbose)
        return _core.InvertedIndex(points, self.n_lists, self.n_probe, n_threads(self.n_jobs), tell)

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
        """Find the nearest rows of those that it was fitted on.

        Parameters
        ----------
        X : array-like of shape (n_queries, n_features), default=None
            Rows whose neighbours are wanted; by default those that it was fitted on, which are then not
            neighbours of themselves.
        n_neighbors : int, default=None
            How many; by default as many as vote.
        return_distance : bool, default=True
            Whether distances are wanted too.

        Returns
        -------
        distances : ndarray of shape (n_queries, n_neighbors)
            Euclidean distances, ascending; only if `return_distance`.
        indices : ndarray of shape (n_queries, n_neighbors)
            Rows, nearest first; of equally far ones the first.
        """
        check_is_fitted(self)
        k = self._count(n_neighbors)
        if X is not None:
            distances, indices = self._search(validate(self, X, reset=False), k)
        else:
            distances, indices = self._search_own(k)
        return (distances, indices) if return_distance else indices

    def _count(self, n_neighbors: int | None) -> int:
        """Return how many neighbours are wanted, checked."""
        k = self.n_neighbors if n_neighbors is None else n_neighbors
        if not isinstance(k, Integral):
            raise TypeError(f"n_neighbors does not take {type(k)} value, enter integer value")
        if k <= 0:
            raise ValueError(f"Expected n_neighbors > 0. Got {k}")
        return int(k)

    def _search_own(self, k: int) -> tuple[Distances, Indices]:
        """Search for the rows themselves, and leave each out of its own neighbours."""
        if k >= self.n_samples_fit_:
            raise ValueError(
                f"Expected n_neighbors < n_samples_fit, but n_neighbors = {k}, "
                f"n_samples_fit = {self.n_samples_fit_}, as no row is a neighbour of itself"
            )
        distances, indices = self._search(self._vectors, k + 1)
        others = are_others(indices, 0)
        return distances[others].reshape(-1, k), indices[others].reshape(-1, k)

    def kneighbors_graph(
        self, X: ArrayLike | None = None, n_neighbors: int | None = None, mode: str = "connectivity"
    ) -> Any:
        """Return the neighbours as a sparse matrix.

        Parameters
        ----------
        X : array-like of shape (n_queries, n_features), default=None
            As in `kneighbors`.
        n_neighbors : int, default=None
            As in `kneighbors`.
        mode : {'connectivity', 'distance'}, default='connectivity'
            Whether entries are ones or distances.

        Returns
        -------
        csr_matrix of shape (n_queries, n_samples_fit)
            An entry for each neighbour.
        """
        from scipy.sparse import csr_matrix

        if mode not in ("connectivity", "distance"):
            raise ValueError(f"mode: expected 'connectivity' or 'distance', found {mode!r}")
        distances, indices = self.kneighbors(X, n_neighbors)
        n, k = indices.shape
        entries = distances.ravel() if mode == "distance" else np.ones(n * k)
        return csr_matrix((entries, indices.ravel(), np.arange(0, n * k + 1, k)), shape=(n, self.n_samples_fit_))


def are_others(indices: Indices, first: int) -> NDArray[np.bool_]:
    """Tell which neighbours of rows, of which the first is row `first`, are not the row itself: all but one of each."""
    others = indices != np.arange(first, first + len(indices))[:, None]
    # Among many that are the same a row may not have found itself.
    others[others.all(axis=1), -1] = False
    return np.asarray(others)


def check_labelled(estimator: Any, X: Any, y: Any) -> tuple[Vectors, Any]:
    """Check rows and their labels as scikit-learn does."""
    if y is None:
        raise ValueError(f"{type(estimator).__name__} requires y to be passed, but the target y is None")
    return validate(estimator, X, reset=True), y
