"""K-Means within each class: the centroids vote instead of all samples."""

from __future__ import annotations

import functools
import operator
from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils._param_validation import Interval, StrOptions

from handful import _core
from handful._jobs import n_threads, progress, tell_end
from handful._kmeans import kmeans_params, rounded, weighable
from handful._types import Distances, KMeansParams, Vectors, Weights
from handful._vectors import BYTES, check_labelled, check_squares, numbered
from handful._votes import Voting, check_weights


class PrototypeClassifier(Voting):
    """Classifier by the votes of the nearest prototypes: the K-Means centroids of each class.

    A handful of prototypes is nearly as accurate as all samples as neighbours, but takes a small part of the time
    and memory. If `fit` is given bytes, the prototypes are rounded to bytes, so that the search is exact.

    Parameters
    ----------
    n_clusters : int, default=9
        Number of prototypes of each class. In a class with fewer samples, each sample is a prototype.
    n_neighbors : int, default=1
        Number of prototypes that vote.
    weights : {'uniform', 'distance'}, callable or None, default='uniform'
        Weight of each vote. 'uniform' or None: all votes count the same. 'distance': the weight is the inverse of
        the distance. A callable takes an array of distances and returns an array of weights.
    tie_break : {'lowest_label', 'nearest'}, default='lowest_label'
        How to choose between classes that have equally many votes: the one that comes first in `classes_`, or the
        one of the nearest prototype.
    init : {'k-means++', 'random'}, default='k-means++'
        How the initial centroids are chosen: see `KMeans`.
    n_init : int, default=1
        Number of K-Means runs for each class. The run with the lowest inertia is kept.
    max_iter : int, default=300
        Maximum number of iterations of a run.
    tol : float, default=1e-4
        Tolerance that decides when a run ends: see `KMeans`.
    random_state : int, RandomState instance or None, default=None
        Determines the random choices. For bytes, a whole number gives the same prototypes as
        ``handful compare --seed``.
    n_jobs : int or None, default=None
        Number of threads. None means all CPUs that the process may use; in a joblib worker, its share of them.
    verbose : int, default=0
        Whether to print progress.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The classes, sorted.
    prototypes_ : ndarray of shape (n_prototypes, n_features)
        The vectors that vote, ordered by class. They are bytes if `fit` was given bytes.
    prototype_labels_ : ndarray of shape (n_prototypes,)
        Class of each prototype.
    cluster_sizes_ : ndarray of shape (n_prototypes,)
        Number of samples that each prototype represents.
    labels_ : ndarray of shape (n_samples,)
        Index of the prototype of each sample.
    inertia_ : float
        Sum of squared distances of samples to their centroids, over all classes.
    n_iter_ : int
        Number of iterations of the runs that were kept, summed over the classes.
    n_features_in_ : int
        Number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features seen in `fit`. Only defined if `X` has feature names that are all strings.

    See Also
    --------
    KNeighborsClassifier : All samples vote.
    load_model : Prototypes in better feature spaces than pixels.

    Notes
    -----
    Fitting takes as long as K-Means of each class. Predicting a sample takes O(n_prototypes · n_features) time.

    Examples
    --------
    >>> from handful import PrototypeClassifier
    >>> from handful.datasets import load_mnist
    >>> X_train, y_train, X_test, y_test = load_mnist()
    >>> notebook = PrototypeClassifier(9, n_init=10, random_state=0).fit(X_train, y_train)
    >>> notebook.prototypes_.shape
    (90, 784)
    >>> 0.92 < notebook.score(X_test, y_test) < 0.93
    True
    """

    _parameter_constraints: dict[str, list[Any]] = {
        **Voting._voting_constraints,
        "n_clusters": [Interval(Integral, 1, None, closed="left")],
        "init": [StrOptions({"k-means++", "random"})],
        "n_init": [Interval(Integral, 1, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "random_state": ["random_state"],
    }

    prototypes_: Vectors
    prototype_labels_: NDArray[Any]
    cluster_sizes_: NDArray[np.int64]
    labels_: NDArray[np.int32]
    inertia_: float
    n_iter_: int

    def __init__(
        self,
        n_clusters: int = 9,
        *,
        n_neighbors: int = 1,
        weights: Weights = "uniform",
        tie_break: str = "lowest_label",
        init: str = "k-means++",
        n_init: int = 1,
        max_iter: int = 300,
        tol: float = 1e-4,
        random_state: int | np.random.RandomState | None = None,
        n_jobs: int | None = None,
        verbose: int = 0,
    ) -> None:
        self.n_clusters = n_clusters
        self.n_neighbors = n_neighbors
        self.weights = weights
        self.tie_break = tie_break
        self.init = init
        self.n_init = n_init
        self.max_iter = max_iter
        self.tol = tol
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.verbose = verbose

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Cluster the samples of each class.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples to learn from.
        y : array-like of shape (n_samples,)
            Class of each sample: numbers, strings or anything that can be sorted.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each sample. It moves the centroids and adds to the inertia as if the sample were there as often,
            as in `KMeans`. All prototypes have the same vote. Samples of weight 0 get labels, but are not learned
            from. Weights that are not whole are exact to double precision.

        Returns
        -------
        PrototypeClassifier
            The fitted estimator.
        """
        self._validate_params()
        X, y = check_labelled(self, X, y)
        self.classes_, labels = numbered(X, y)
        found = self._cluster(X, labels, check_weights(sample_weight, X))
        self.prototypes_ = found["prototypes"]
        self.prototype_labels_ = self.classes_[found["classes"]]
        self.cluster_sizes_ = found["cluster_sizes"]
        self.labels_ = found["labels"]
        self.inertia_ = found["inertia"]
        self.n_iter_ = found["n_iter"]
        self._labels = found["classes"]
        self._index(self.prototypes_)
        return self

    def _cluster(self, X: Vectors, labels: NDArray[np.intp], weights: Distances | None) -> dict[str, Any]:
        """Cluster each class; return the same dictionary as `_core.kmeans_per_class`."""
        params = kmeans_params(self, self.init, self.n_init, self.tol)
        threads, tell = n_threads(self.n_jobs), progress(type(self).__name__, self.verbose)
        n_classes = len(self.classes_)
        sizes = np.bincount(labels if weights is None else labels[weights > 0], minlength=n_classes)
        if X.dtype == BYTES and sizes.min() >= self.n_clusters and weights is None:
            return _core.kmeans_per_class(X, labels.astype(np.uint32), n_classes, params, threads, tell)
        if sizes.min() == 0:
            name = self.classes_.tolist()[sizes.argmin()]
            raise ValueError(f"sample_weight: expected a weight above 0 in each class, found none in class {name!r}")

        check_squares(X)
        rows = X if weights is None else weighable(X, weights)
        parts = []
        for label, own in enumerate(own_params(params, sizes)):
            members = labels == label
            own_weights = None if weights is None else weights[members]
            parts.append(_core.kmeans(rows[members], own, own_weights, threads, tell))
        tell_end(type(self).__name__, self.verbose, [part["n_iter"] for part in parts], self.max_iter)
        row_labels, first = np.empty(len(X), np.int32), 0
        for label, found in enumerate(parts):
            numbers = prototype_numbers(found["cluster_sizes"], first)
            row_labels[labels == label] = numbers[found["labels"]]
            first = numbers[-1] + 1
        return {**joined(parts, bytes_=X.dtype == BYTES), "labels": row_labels}


def own_params(params: KMeansParams, sizes: NDArray[np.int64]) -> list[KMeansParams]:
    """Return the K-Means parameters of each class, given the class sizes, if some classes have too few rows."""
    return [
        {**params, "n_clusters": min(params["n_clusters"], int(size)), "seed": params["seed"] + label}
        for label, size in enumerate(sizes)
    ]


def prototype_numbers(cluster_sizes: NDArray[np.int64], first: int) -> NDArray[np.int64]:
    """Number the non-empty clusters of a class from `first`; an empty one gets the number of the one before it."""
    return np.asarray(first - 1 + np.cumsum(cluster_sizes > 0))


def joined(parts: list[dict[str, Any]], *, bytes_: bool) -> dict[str, Any]:
    """Join the clusterings of all classes, without empty clusters."""
    there = [part["cluster_sizes"] > 0 for part in parts]
    centroids = [rounded(part) if bytes_ else part["centroids"] for part in parts]
    return {
        "prototypes": np.concatenate([of_class[full] for of_class, full in zip(centroids, there, strict=True)]),
        "classes": np.repeat(np.arange(len(parts), dtype=np.int32), [int(full.sum()) for full in there]),
        "cluster_sizes": np.concatenate([part["cluster_sizes"][full] for part, full in zip(parts, there, strict=True)]),
        # Plain addition from left to right, as elsewhere: `sum` is more exact from Python 3.12 on.
        "inertia": functools.reduce(operator.add, [part["inertia"] for part in parts]),
        "n_iter": sum(part["n_iter"] for part in parts),
    }
