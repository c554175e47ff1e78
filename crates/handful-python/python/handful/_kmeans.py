"""K-Means with scikit-learn's API, exact on bytes."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, ClusterMixin, TransformerMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics.pairwise import euclidean_distances
from sklearn.utils import check_array, check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from handful import _core
from handful._jobs import n_threads, progress, seed, tell_end
from handful._types import KMeansParams, Vectors
from handful._vectors import BYTES, check_squares, validate

#: More runs or iterations than anyone has time for.
MOST = 2**62


class KMeans(ClassNamePrefixFeaturesOutMixin, TransformerMixin, ClusterMixin, BaseEstimator):  # type: ignore[misc]
    """K-Means clustering, by Lloyd's algorithm with exact assignments.

    On bytes, everything is exact: sums are whole numbers, and labels, centroids and inertia are the same bits for
    any number of threads on any CPU. On floats, and on bytes with sample weights that are not whole numbers,
    distances are computed in double precision, and each is summed in a fixed order.

    Parameters
    ----------
    n_clusters : int, default=8
        Number of clusters, and of centroids.
    init : {'k-means++', 'random'}, callable or array of shape (n_clusters, n_features), default='k-means++'
        How to choose the initial centroids. 'k-means++' is greedy k-means++; 'random' draws distinct samples; an
        array contains the centroids; a callable is called as ``init(X, n_clusters, random_state)`` and returns them.
    n_init : 'auto' or int, default='auto'
        Number of runs with different initial centroids. The run with the lowest inertia is kept. 'auto' means 10
        for 'random' and callables, and 1 otherwise.
    max_iter : int, default=300
        Maximum number of iterations of a run.
    tol : float, default=1e-4
        A run ends when the sum of the squared movements of the centroids is at most `tol` times the mean variance
        of the features.
    verbose : int, default=0
        Whether to print progress.
    random_state : int, RandomState instance or None, default=None
        Determines the random choices. The same whole number gives the same clusters as
        ``handful cluster --seed``.
    copy_x : bool, default=True
        Not used: `X` is never written to.
    algorithm : {'lloyd', 'elkan'}, default='lloyd'
        Not used: both are names of scikit-learn for ways to the same clusters.
    n_jobs : int or None, default=None
        Number of threads. None means all CPUs that the process may use; in a joblib worker, its share of them.

    Attributes
    ----------
    cluster_centers_ : ndarray of shape (n_clusters, n_features)
        The centroids, in double precision.
    labels_ : ndarray of shape (n_samples,)
        Index of the nearest centroid of each sample. If several are equally near, the first is chosen.
    inertia_ : float
        Sum of squared distances of samples to their centroids, weighted by the sample weights if given.
    n_iter_ : int
        Number of iterations of the run that was kept.
    n_features_in_ : int
        Number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features seen in `fit`. Only defined if `X` has feature names that are all strings.

    See Also
    --------
    PrototypeClassifier : K-Means within each class.
    KMeansFeatures : Similarities to centroids, as features.

    Notes
    -----
    An iteration takes at most O(n_samples · n_clusters · n_features) time. k-means++ uses all samples if there are
    at most 131,072 (or 256 per cluster, if that is more). Otherwise, it uses a random subset of that size.

    Examples
    --------
    >>> import numpy as np
    >>> from handful import KMeans
    >>> X = np.array([[1, 2], [1, 4], [1, 0], [10, 2], [10, 4], [10, 0]], dtype=np.uint8)
    >>> kmeans = KMeans(n_clusters=2, random_state=0).fit(X)
    >>> kmeans.inertia_
    16.0
    >>> sorted(kmeans.cluster_centers_.tolist())
    [[1.0, 2.0], [10.0, 2.0]]
    >>> same = kmeans.predict([[0, 0], [2, 3]])
    >>> bool(same[0] == same[1] == kmeans.labels_[0])
    True
    """

    _parameter_constraints: dict[str, list[Any]] = {
        "n_clusters": [Interval(Integral, 1, None, closed="left")],
        "init": [StrOptions({"k-means++", "random"}), callable, "array-like"],
        "n_init": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "verbose": ["verbose"],
        "random_state": ["random_state"],
        "copy_x": ["boolean"],
        "algorithm": [StrOptions({"lloyd", "elkan"})],
        "n_jobs": [Integral, None],
    }

    cluster_centers_: NDArray[np.float64]
    labels_: NDArray[np.int32]
    inertia_: float
    n_iter_: int
    n_features_in_: int

    def __init__(
        self,
        n_clusters: int = 8,
        *,
        init: str | Callable[..., ArrayLike] | ArrayLike = "k-means++",
        n_init: int | str = "auto",
        max_iter: int = 300,
        tol: float = 1e-4,
        verbose: int = 0,
        random_state: int | np.random.RandomState | None = None,
        copy_x: bool = True,
        algorithm: str = "lloyd",
        n_jobs: int | None = None,
    ) -> None:
        self.n_clusters = n_clusters
        self.init = init
        self.n_init = n_init
        self.max_iter = max_iter
        self.tol = tol
        self.verbose = verbose
        self.random_state = random_state
        self.copy_x = copy_x
        self.algorithm = algorithm
        self.n_jobs = n_jobs

    def fit(self, X: ArrayLike, y: Any = None, sample_weight: ArrayLike | None = None) -> Self:
        """Cluster the samples of `X`.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples to cluster. An array of bytes is not copied.
        y : None
            Not used.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each sample. Samples with weight 0 are labelled, but do not move the centroids.

        Returns
        -------
        KMeans
            The fitted estimator.
        """
        self._validate_params()
        # The Rust code checks that all numbers are finite, and reports the position of the first that is not.
        X = validate(self, X, reset=True, finite=False)
        if self.n_clusters > len(X):
            raise ValueError(f"n_samples={len(X)} should be >= n_clusters={self.n_clusters}.")
        weights = None
        if sample_weight is not None:
            weights = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
            X = weighable(X, weights)
        found = self._best_run(X, weights)
        self.cluster_centers_ = found["centroids"]
        self.labels_ = found["labels"]
        self.inertia_ = found["inertia"]
        self.n_iter_ = found["n_iter"]
        tell_end(type(self).__name__, self.verbose, [self.n_iter_], self.max_iter)
        self._n_features_out = self.n_clusters
        # Centroids of bytes are exact fractions; the floats above are rounded.
        self._sums, self._counts = found.get("sums"), found.get("counts")
        self._warn_of_few(found["cluster_sizes"])
        return self

    def _warn_of_few(self, cluster_sizes: NDArray[np.int64]) -> None:
        """Warn if some clusters are empty."""
        if (n_distinct := int(np.count_nonzero(cluster_sizes))) < self.n_clusters:
            warnings.warn(
                f"Number of distinct clusters ({n_distinct}) found smaller than n_clusters ({self.n_clusters}). "
                "Possibly due to duplicate points in X.",
                ConvergenceWarning,
                stacklevel=3,
            )

    def _n_runs(self) -> int:
        """Return the number of runs, unless the initial centroids are given."""
        if self.n_init != "auto":
            return int(self.n_init)
        return 1 if isinstance(self.init, str) and self.init == "k-means++" else 10

    def _best_run(self, X: Vectors, weights: NDArray[np.float64] | None) -> dict[str, Any]:
        """Run K-Means from all initial centroids, and return the run with the lowest inertia."""
        if isinstance(self.init, str):
            return self._run(X, weights, self.init, self._n_runs())
        if not callable(self.init):
            return self._run(X, weights, self._places(X.shape[1], self.init), 1)
        random_state = check_random_state(self.random_state)
        # A callable's arithmetic on bytes would overflow.
        floats = X.astype(np.float64) if X.dtype == BYTES else X
        starts = (
            self._places(X.shape[1], self.init(floats, self.n_clusters, random_state=random_state))
            for _ in range(self._n_runs())
        )
        runs = (self._run(X, weights, start, 1) for start in starts)
        return min(runs, key=lambda found: float(found["inertia"]))

    def _run(self, X: Vectors, weights: NDArray[np.float64] | None, init: Any, n_init: Any) -> dict[str, Any]:
        if X.dtype == BYTES and not isinstance(init, str) and (init.min() < 0 or init.max() > 255):
            # Such centroids cannot be means of bytes.
            X = X.astype(np.float64)
        params = kmeans_params(self, init, n_init, self.tol)
        return _core.kmeans(X, params, weights, n_threads(self.n_jobs), progress(type(self).__name__, self.verbose))

    def _places(self, n_features: int, init: Any) -> NDArray[np.float64]:
        """Check the given initial centroids, and return them."""
        places: NDArray[np.float64] = check_array(init, dtype=np.float64, order="C", input_name="init")
        if len(places) != self.n_clusters:
            raise ValueError(
                f"The shape of the initial centers {places.shape} does not match "
                f"the number of clusters {self.n_clusters}."
            )
        if places.shape[1] != n_features:
            raise ValueError(
                f"The shape of the initial centers {places.shape} does not match "
                f"the number of features of the data {n_features}."
            )
        return places

    def predict(self, X: ArrayLike) -> NDArray[np.int32]:
        """Find the nearest centroid of each sample.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples to label.

        Returns
        -------
        ndarray of shape (n_samples,)
            Index of the nearest centroid of each sample. If several are equally near, the first is chosen.
        """
        check_is_fitted(self)
        return self._nearest(validate(self, X, reset=False))

    def _fractions(self) -> tuple[NDArray[np.uint64], NDArray[np.uint64]] | None:
        """Return the exact centroids of bytes, unless `cluster_centers_` has been changed."""
        if self._sums is None or self._counts is None:
            return None
        own = np.array_equal(self.cluster_centers_, self._sums / self._counts[:, None])
        return (self._sums, self._counts) if own else None

    def _nearest(self, X: Vectors) -> NDArray[np.int32]:
        threads, fractions = n_threads(self.n_jobs), self._fractions()
        if X.dtype == BYTES and fractions is not None:
            return _core.nearest_exact(X, *fractions, threads)
        X = X if X.dtype != BYTES else X.astype(np.float32)
        return _core.nearest_centroids(X, self.cluster_centers_, threads)

    def fit_predict(self, X: ArrayLike, y: Any = None, sample_weight: ArrayLike | None = None) -> NDArray[np.int32]:
        """Cluster the samples of `X` and return their labels.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples to cluster.
        y : None
            Not used.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each sample.

        Returns
        -------
        ndarray of shape (n_samples,)
            `labels_`.
        """
        return self.fit(X, sample_weight=sample_weight).labels_

    def transform(self, X: ArrayLike) -> NDArray[Any]:
        """Compute the distances of samples to all centroids.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples to measure the distances from.

        Returns
        -------
        ndarray of shape (n_samples, n_clusters)
            Euclidean distances, in single precision if `X` is in single precision, otherwise in double precision.
        """
        check_is_fitted(self)
        rows: NDArray[Any] = validate_data(self, X, reset=False, dtype=[np.float64, np.float32])
        check_squares(rows)
        return np.asarray(euclidean_distances(rows, self.cluster_centers_.astype(rows.dtype)))

    def score(self, X: ArrayLike, y: Any = None, sample_weight: ArrayLike | None = None) -> float:
        """Return the negative sum of squared distances of samples to their nearest centroids.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples to score.
        y : None
            Not used.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each sample.

        Returns
        -------
        float
            The negative inertia of `X`.
        """
        check_is_fitted(self)
        X = validate(self, X, reset=False)
        weights = _check_sample_weight(sample_weight, X, dtype=np.float64)
        centers, labels = self.cluster_centers_, self._nearest(X)
        inertia = 0.0
        # Blocks of rows keep the memory for their differences small.
        step = max(1, 2**20 // X.shape[1])
        for start in range(0, len(X), step):
            rows = slice(start, start + step)
            differences = X[rows] - centers[labels[rows]]
            inertia += float(np.einsum("ij,ij,i->", differences, differences, weights[rows]))
        return -inertia

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def weighable(X: Vectors, weights: NDArray[np.float64]) -> Vectors:
    """Return rows that can have these weights: bytes, only if the weights are whole and small enough for exact sums."""
    are_counts = bool((weights <= 2**20).all() and (weights % 1 == 0).all())
    return X if X.dtype != BYTES or are_counts else X.astype(np.float64)


def kmeans_params(estimator: Any, init: Any, n_init: Any, tol: float) -> KMeansParams:
    """Return an estimator's parameters of K-Means."""
    return {
        "n_clusters": estimator.n_clusters,
        "init": init,
        "n_init": min(n_init, MOST),
        "max_iter": min(estimator.max_iter, MOST),
        "tol": tol,
        "seed": seed(estimator.random_state),
    }


def rounded(found: dict[str, Any]) -> NDArray[np.uint8]:
    """Round centroids of bytes to the nearest byte, halves upwards."""
    if "sums" not in found:
        # The rows had weights that are not whole.
        return np.asarray(np.floor(found["centroids"] + 0.5).clip(0, 255), dtype=BYTES)
    sums, counts = found["sums"], found["counts"][:, None]
    return np.asarray((2 * sums + counts) // (2 * counts), dtype=BYTES)
