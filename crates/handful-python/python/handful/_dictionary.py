"""Features that describe vectors by their similarity to K-Means centroids."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassNamePrefixFeaturesOutMixin
from sklearn.utils._param_validation import Interval, StrOptions

from handful import _core
from handful._images import ByteTransformer
from handful._jobs import n_threads, progress, tell_end
from handful._kmeans import kmeans_params, rounded
from handful._types import Bytes
from handful._vectors import numbered


class KMeansFeatures(ClassNamePrefixFeaturesOutMixin, ByteTransformer):  # type: ignore[misc]
    """Similarities of samples to K-Means centroids: a learned dictionary.

    Parameters
    ----------
    n_clusters : int, default=100
        Number of centroids: in total, or of each class if `per_class`.
    per_class : bool, default=False
        Whether to cluster each class separately. `fit` then needs `y`.
    activation : {'triangle', 'rbf'}, default='triangle'
        How a distance becomes a feature. 'triangle': the amount by which the distance is below the mean distance
        to all centroids, or 0 if it is not below. 'rbf': ``255 exp(-d²/2v)``, for which only near centroids count.
    spread : float, default=0.3
        The variance v of 'rbf', as a fraction of the median squared distance between samples and centroids.
    max_iter : int, default=20
        Maximum number of iterations of K-Means.
    random_state : int, RandomState instance or None, default=None
        Determines the random choices.
    n_jobs : int or None, default=None
        Number of threads. None means all CPUs that the process may use; in a joblib worker, its share of them.
    verbose : int, default=0
        Whether to print progress.

    Attributes
    ----------
    cluster_centers_ : ndarray of shape (n_centroids, n_features)
        The centroids, rounded to bytes.
    n_iter_ : int
        Number of iterations of K-Means. Summed over the classes if each is clustered separately.
    data_min_, data_max_ : float
        Values that become 0 and 255. For bytes, they are 0 and 255; otherwise, they are the smallest and the
        largest value seen in `fit`.
    n_features_in_ : int
        Number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features seen in `fit`. Only defined if `X` has feature names that are all strings.

    References
    ----------
    A. Coates, H. Lee and A. Y. Ng, "An analysis of single-layer networks in unsupervised feature learning",
    2011.

    Examples
    --------
    >>> import numpy as np
    >>> from handful import KMeansFeatures
    >>> X = np.array([[0, 0], [0, 10], [200, 0], [200, 10]], dtype=np.uint8)
    >>> features = KMeansFeatures(n_clusters=2, random_state=0).fit(X)
    >>> near, far = sorted(features.transform(np.array([[0, 5]], dtype=np.uint8))[0].tolist())
    >>> near, far
    (0, 100)
    """

    _parameter_constraints: dict[str, list[Any]] = {
        "n_clusters": [Interval(Integral, 1, None, closed="left")],
        "per_class": ["boolean"],
        "activation": [StrOptions({"triangle", "rbf"})],
        "spread": [Interval(Real, 0, None, closed="neither")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
        "n_jobs": [Integral, None],
        "verbose": ["verbose"],
    }

    cluster_centers_: Bytes
    n_iter_: int

    def __init__(
        self,
        n_clusters: int = 100,
        *,
        per_class: bool = False,
        activation: str = "triangle",
        spread: float = 0.3,
        max_iter: int = 20,
        random_state: int | np.random.RandomState | None = None,
        n_jobs: int | None = None,
        verbose: int = 0,
    ) -> None:
        self.n_clusters = n_clusters
        self.per_class = per_class
        self.activation = activation
        self.spread = spread
        self.max_iter = max_iter
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.verbose = verbose

    def fit(self, X: ArrayLike, y: ArrayLike | None = None) -> Self:
        """Learn the centroids.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples to learn from.
        y : array-like of shape (n_samples,), default=None
            Class of each sample. Required if `per_class`, otherwise not used.

        Returns
        -------
        KMeansFeatures
            The fitted transformer.
        """
        rows, threads = self._fit_bytes(X), n_threads(self.n_jobs)
        params = kmeans_params(self, "k-means++", 1, 1e-4)
        tell = progress(type(self).__name__, self.verbose)
        if self.per_class:
            labels, n_classes = self._classes(rows, y)
            found = _core.kmeans_per_class(rows, labels, n_classes, params, threads, tell)
            self.cluster_centers_ = found["prototypes"]
        else:
            found = _core.kmeans(rows, params, None, threads, tell)
            tell_end(type(self).__name__, self.verbose, [found["n_iter"]], self.max_iter)
            self.cluster_centers_ = rounded(found)
        self.n_iter_ = found["n_iter"]
        self._variance = (
            _core.radial_variance(rows, self.cluster_centers_, self.spread, threads)
            if self.activation == "rbf"
            else None
        )
        return self

    def _classes(self, rows: Bytes, y: Any) -> tuple[NDArray[np.uint32], int]:
        """Check the classes of the rows; return the index of each row's class, and the number of classes."""
        if y is None:
            raise ValueError("per_class=True requires y to be passed, but the target y is None")
        classes, labels = numbered(rows, y)
        sizes = np.bincount(labels)
        if sizes.min() < self.n_clusters:
            least, size = classes[sizes.argmin()], sizes.min()
            raise ValueError(
                f"n_clusters is {self.n_clusters}: expected at most {size}, the number of rows of class {least}"
            )
        return labels.astype(np.uint32), len(classes)

    @property
    def _n_features_out(self) -> int:
        return len(self.cluster_centers_)

    def transform(self, X: ArrayLike) -> Bytes:
        """Compute the similarity of each sample to each centroid.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples to transform.

        Returns
        -------
        ndarray of shape (n_samples, n_centroids)
            Similarities as bytes: 0 for centroids that are not near.
        """
        return _core.look_up(self._bytes(X), self.cluster_centers_, self._variance, n_threads(self.n_jobs))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = self.per_class
        return tags
