"""Classification by the votes of the exact nearest neighbours."""

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
    """Base class of classifiers by vote: `n_neighbors`, `weights`, `tie_break` and labelled vectors."""

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
        """Store labelled vectors, and build an index of them."""
        # The shape of a view does not change if someone changes the shape of the array.
        self._vectors, self._labels, self._indexes = vectors.view(), labels, {}
        self._index_of(vectors.dtype)

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

    def _search(self, X: Vectors, n_neighbors: int) -> tuple[Distances, Indices]:
        """Find the distances and indices of the nearest vectors; equally near ones are ordered by index."""
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
        """Add up the votes of the neighbours for each class; shape (n_queries, n_classes)."""
        votes = np.zeros((len(labels), len(self.classes_)))
        np.add.at(votes, (np.arange(len(labels))[:, None], labels), self._weigh(distances))
        if not votes.any(axis=1).all():
            raise ValueError(
                "weights: expected at least one neighbour of each row to have a weight above 0, found a row without one"
            )
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
        # If there are neighbours at distance zero, only they vote.
        coincident = np.isinf(weights)
        return np.where(coincident.any(axis=1, keepdims=True), coincident, weights)

    def _elect(self, votes: Distances, labels: Indices) -> NDArray[np.intp]:
        """Choose a class for each query by the votes, and use the labels of its neighbours to break ties."""
        if self.tie_break == "lowest_label":
            lowest: NDArray[np.intp] = np.argmax(votes, axis=1)
            return lowest
        has_most = np.take_along_axis(votes, labels, axis=1) == votes.max(axis=1, keepdims=True)
        return np.take_along_axis(labels, has_most.argmax(axis=1)[:, None], axis=1)[:, 0]

    def _winners(self, distances: Distances, labels: Indices) -> NDArray[Any]:
        """Return the class of each query, given the distances and labels of its neighbours."""
        # Blocks of rows keep the memory for the votes small.
        step = max(1, 2**20 // len(self.classes_))
        blocks = (slice(start, start + step) for start in range(0, max(1, len(labels)), step))
        elected = [self._elect(self._votes(distances[rows], labels[rows]), labels[rows]) for rows in blocks]
        return np.asarray(self.classes_[np.concatenate(elected)])

    def _shares(self, distances: Distances, labels: Indices) -> Distances:
        """Return the share of the votes for each class, for each query."""
        votes = self._votes(distances, labels)
        shares: Distances = votes / votes.sum(axis=1, keepdims=True)
        return shares

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
        check_is_fitted(self)
        distances, indices = self._search(validate(self, X, reset=False), self.n_neighbors)
        return self._winners(distances, self._labels[indices])

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
        check_is_fitted(self)
        distances, indices = self._search(validate(self, X, reset=False), self.n_neighbors)
        return self._shares(distances, self._labels[indices])


class KNeighborsClassifier(Voting):
    """Classifier by the votes of the k nearest neighbours, exact by default.

    Predictions and distances are the same as those of scikit-learn's `KNeighborsClassifier` with Euclidean
    distances, with one exception: if several samples are equally far, the first always counts as the nearest. An
    array of bytes, or of floats in C order, is kept without a copy. Do not write to it after `fit`: predictions
    would then match neither the old nor the new content.

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
        How to search. 'auto' uses a sketch of 64 bytes per sample to rule out most samples, if trials show that
        this is faster. 'brute' compares every query with every sample. The results are the same.
    index : {'exact', 'inverted'}, default='exact'
        What to search. 'exact' searches all samples. 'inverted' groups similar samples into lists by K-Means, and
        searches only the lists that are nearest to a query. It may miss neighbours; `fit` measures how many it
        finds: see `recall_`. It is worthwhile for hundreds of thousands of samples, copies them, and supports only
        bytes, that is, whole numbers from 0 to 255.
    n_lists : int or None, default=None
        Number of lists of an inverted index. None means twice the square root of the number of samples.
    n_probe : int or None, default=None
        Number of lists that each query searches. None means the smallest number that surely has a recall of 0.99.
    n_jobs : int or None, default=None
        Number of threads. None means all CPUs that the process may use; in a joblib worker, its share of them.
    verbose : int, default=0
        Whether to print the progress of a search.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The classes, sorted.
    n_samples_fit_ : int
        Number of samples in the fitted data.
    recall_ : float
        Share of the 3 nearest neighbours that a search finds, measured on up to 1,000 samples; 1 if exact.
    n_lists_ : int or None
        Number of lists of an inverted index; None for an exact index.
    n_probe_ : int or None
        Number of lists that each query searches; None for an exact index.
    n_features_in_ : int
        Number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features seen in `fit`. Only defined if `X` has feature names that are all strings.

    See Also
    --------
    PrototypeClassifier : Only a few prototypes vote instead of all samples.

    Notes
    -----
    A search takes at most O(n_queries · n_samples · n_features) time. The index takes about 80 bytes of memory per
    sample, in addition to the samples.

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
        """Fit the classifier: store and index the labelled samples.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples to search. An array of bytes is not copied.
        y : array-like of shape (n_samples,)
            Class of each sample: numbers, strings or anything that can be sorted.

        Returns
        -------
        KNeighborsClassifier
            The fitted estimator.
        """
        self._validate_params()
        X, y = check_labelled(self, X, y)
        self.classes_, labels = numbered(X, y)
        self.n_samples_fit_ = len(X)
        if self.index == "exact" and not (self.n_lists is None and self.n_probe is None):
            raise ValueError("n_lists and n_probe need index='inverted', found index='exact'")
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
                "index='inverted' searches bytes: expected whole numbers from 0 to 255, found other numbers; "
                "use index='exact' for other numbers"
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
        """Find the nearest neighbours among the fitted samples.

        Parameters
        ----------
        X : array-like of shape (n_queries, n_features), default=None
            Query samples. By default, the fitted samples are the queries; then no sample is its own neighbour.
        n_neighbors : int, default=None
            Number of neighbours. By default, the number that vote.
        return_distance : bool, default=True
            Whether to return the distances too.

        Returns
        -------
        distances : ndarray of shape (n_queries, n_neighbors)
            Euclidean distances in ascending order. Only returned if `return_distance` is True.
        indices : ndarray of shape (n_queries, n_neighbors)
            Indices of the neighbours, nearest first. Equally far ones are ordered by index.
        """
        check_is_fitted(self)
        k = self._count(n_neighbors)
        if X is not None:
            distances, indices = self._search(validate(self, X, reset=False), k)
        else:
            distances, indices = self._search_own(k)
        return (distances, indices) if return_distance else indices

    def _count(self, n_neighbors: int | None) -> int:
        """Check the number of neighbours, and return it."""
        k = self.n_neighbors if n_neighbors is None else n_neighbors
        if not isinstance(k, Integral):
            raise TypeError(f"n_neighbors does not take {type(k)} value, enter integer value")
        if k <= 0:
            raise ValueError(f"Expected n_neighbors > 0. Got {k}")
        return int(k)

    def _search_own(self, k: int) -> tuple[Distances, Indices]:
        """Search for the fitted rows, and exclude each row from its own neighbours."""
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
            Whether the entries are ones or distances.

        Returns
        -------
        csr_matrix of shape (n_queries, n_samples_fit)
            Matrix with one entry per neighbour.
        """
        from scipy.sparse import csr_matrix

        if mode not in ("connectivity", "distance"):
            raise ValueError(f"mode: expected 'connectivity' or 'distance', found {mode!r}")
        distances, indices = self.kneighbors(X, n_neighbors)
        n, k = indices.shape
        entries = distances.ravel() if mode == "distance" else np.ones(n * k)
        return csr_matrix((entries, indices.ravel(), np.arange(0, n * k + 1, k)), shape=(n, self.n_samples_fit_))


def are_others(indices: Indices, first: int) -> NDArray[np.bool_]:
    """Return a mask of the neighbours that are not the row itself, which excludes exactly one neighbour per row.

    The rows are numbered from `first`.
    """
    others = indices != np.arange(first, first + len(indices))[:, None]
    # If many rows are equal, a row may not be among its own neighbours.
    others[others.all(axis=1), -1] = False
    return np.asarray(others)


def check_labelled(estimator: Any, X: Any, y: Any) -> tuple[Vectors, Any]:
    """Check samples and their labels as scikit-learn does."""
    if y is None:
        raise ValueError(f"{type(estimator).__name__} requires y to be passed, but the target y is None")
    return validate(estimator, X, reset=True), y
