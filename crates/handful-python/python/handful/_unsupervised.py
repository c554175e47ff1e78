"""Search for neighbours without labels."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, Self

from numpy.typing import ArrayLike
from sklearn.utils._param_validation import Interval

from handful._metrics import Metric
from handful._neighborhoods import Neighborhoods
from handful._search import Search
from handful._vectors import validate


class NearestNeighbors(Neighborhoods):
    """Exact search for the nearest neighbours, or for all within a radius.

    Distances are the same as those of scikit-learn's `NearestNeighbors` with the same metric. If several samples are
    equally far, the first always counts as the nearest. Unless the metric is 'cosine', an array of bytes, or of floats
    in C order, is kept without a copy. Do not write to it after `fit`: results would then match neither the old nor the
    new content.

    Parameters
    ----------
    n_neighbors : int, default=5
        Number of neighbours that `kneighbors` finds.
    radius : float, default=1.0
        Radius within which `radius_neighbors` finds all samples.
    algorithm : {'auto', 'ball_tree', 'kd_tree', 'brute'}, default='auto'
        How to search. 'brute' compares every query with every sample. The others use a sketch of 64 bytes per sample
        to rule out most samples, if trials show that this is faster. There are no trees; their names are accepted for
        scikit-learn's sake. The results are the same.
    leaf_size : int, default=30
        Not used: only trees have leaves.
    p : float, default=2
        Power of the metric 'minkowski', which must be 2.
    metric : {'minkowski', 'euclidean', 'l2', 'sqeuclidean', 'cosine'}, default='minkowski'
        How distances are measured. 'minkowski' with `p=2`, 'euclidean' and 'l2': Euclidean distances. 'sqeuclidean':
        their squares. 'cosine': 1 minus the cosine of the angle, for which normalised copies of the samples are kept
        in double precision. Use scikit-learn for other metrics.
    metric_params : None, default=None
        Not used: these metrics have no more parameters.
    n_jobs : int or None, default=None
        Number of threads. None means all CPUs that the process may use; in a joblib worker, its share of them.
    verbose : int, default=0
        Whether to print the progress of a search.

    Attributes
    ----------
    effective_metric_ : {'euclidean', 'sqeuclidean', 'cosine'}
        The metric.
    n_samples_fit_ : int
        Number of samples in the fitted data.
    n_features_in_ : int
        Number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features seen in `fit`. Only defined if `X` has feature names that are all strings.

    See Also
    --------
    KNeighborsClassifier : The neighbours vote for a class.
    KNeighborsRegressor : The mean of the neighbours' numbers.

    Notes
    -----
    A search takes at most O(n_queries · n_samples · n_features) time. The index takes about 80 bytes of memory per
    sample, in addition to the samples. A search within a radius takes 32 bytes for each sample that it finds.

    Examples
    --------
    >>> from handful import NearestNeighbors
    >>> search = NearestNeighbors(n_neighbors=2, radius=1.5).fit([[0], [1], [2], [9]])
    >>> distances, indices = search.kneighbors([[8]])
    >>> distances.tolist(), indices.tolist()
    ([[1.0, 6.0]], [[3, 2]])
    >>> [near.tolist() for near in search.radius_neighbors(return_distance=False)]
    [[1], [0, 2], [1], []]
    >>> search.radius_neighbors_graph([[1]]).toarray().tolist()
    [[1.0, 1.0, 1.0, 0.0]]
    """

    _parameter_constraints: dict[str, list[Any]] = {
        **Search._search_constraints,
        **Search._metric_constraints,
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
        "radius": [Interval(Real, 0, None, closed="both")],
    }

    effective_metric_: str

    def __init__(
        self,
        *,
        n_neighbors: int = 5,
        radius: float = 1.0,
        algorithm: str = "auto",
        leaf_size: int = 30,
        p: float = 2,
        metric: str = "minkowski",
        metric_params: None = None,
        n_jobs: int | None = None,
        verbose: int = 0,
    ) -> None:
        self.n_neighbors = n_neighbors
        self.radius = radius
        self.algorithm = algorithm
        self.leaf_size = leaf_size
        self.p = p
        self.metric = metric
        self.metric_params = metric_params
        self.n_jobs = n_jobs
        self.verbose = verbose

    def fit(self, X: ArrayLike, y: Any = None) -> Self:
        """Store and index the samples.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples to search. An array of bytes is not copied.
        y : None
            Not used.

        Returns
        -------
        NearestNeighbors
            The fitted estimator.
        """
        self._validate_params()
        self._metric = Metric.of(self)
        X = validate(self, X, reset=True)
        self.n_samples_fit_, self.effective_metric_ = len(X), self._metric.name
        self._index(X)
        return self
