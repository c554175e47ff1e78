"""Classification by the votes of the exact nearest neighbours."""

from __future__ import annotations

from numbers import Integral
from typing import Any, Self

from numpy.typing import ArrayLike
from sklearn.utils._param_validation import Interval, StrOptions

from handful import _core
from handful._jobs import n_threads, progress
from handful._metrics import Metric
from handful._neighborhoods import Neighborhoods
from handful._search import Search
from handful._types import Distances, Indices, Vectors, Weights
from handful._vectors import BYTES, check_labelled, numbered
from handful._votes import Voting, check_weights


class KNeighborsClassifier(Voting, Neighborhoods):
    """Classifier by the votes of the k nearest neighbours, exact by default.

    Predictions and distances are the same as those of scikit-learn's `KNeighborsClassifier` with the same metric,
    with one exception: if several samples are equally far, the first always counts as the nearest. Unless the metric
    is 'cosine', an array of bytes, or of floats in C order, is kept without a copy. Do not write to it after `fit`:
    predictions would then match neither the old nor the new content.

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
    effective_metric_ : {'euclidean', 'sqeuclidean', 'cosine'}
        The metric.
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
    NearestNeighbors : The search alone.
    KNeighborsRegressor : Means of numbers instead of votes.

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
    >>> why = knn.explain([[1.1]])[0]
    >>> why.votes, [voter.index for voter in why.neighbors]
    ({'high': 1.0, 'low': 2.0}, [1, 2, 0])
    """

    _parameter_constraints: dict[str, list[Any]] = {
        **Voting._voting_constraints,
        **Search._metric_constraints,
        "index": [StrOptions({"exact", "inverted"})],
        "n_lists": [Interval(Integral, 1, None, closed="left"), None],
        "n_probe": [Interval(Integral, 1, None, closed="left"), None],
    }

    effective_metric_: str
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
        leaf_size: int = 30,
        p: float = 2,
        metric: str = "minkowski",
        metric_params: None = None,
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
        self.leaf_size = leaf_size
        self.p = p
        self.metric = metric
        self.metric_params = metric_params
        self.index = index
        self.n_lists = n_lists
        self.n_probe = n_probe
        self.n_jobs = n_jobs
        self.verbose = verbose

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Fit the classifier: store and index the labelled samples.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples to search. An array of bytes is not copied.
        y : array-like of shape (n_samples,)
            Class of each sample: numbers, strings or anything that can be sorted.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each sample, by which its vote is multiplied. It does not change which samples are neighbours:
            a weight of 2 is not a second sample, and a sample of weight 0 takes a place, but has no vote.

        Returns
        -------
        KNeighborsClassifier
            The fitted estimator.
        """
        self._validate_params()
        self._metric = Metric.of(self)
        if self.index == "exact" and not (self.n_lists is None and self.n_probe is None):
            raise ValueError("n_lists and n_probe need index='inverted', found index='exact'")
        X, y = check_labelled(self, X, y)
        self.classes_, self._labels = numbered(X, y)
        self._factors = check_weights(sample_weight, X)
        self.n_samples_fit_, self.effective_metric_ = len(X), self._metric.name
        self._index(X)
        made = self._indexes[self._vectors.dtype]
        inverted = made if isinstance(made, _core.InvertedIndex) else None
        self.recall_ = inverted.recall if inverted else 1.0
        self.n_lists_ = inverted.n_lists if inverted else None
        self.n_probe_ = inverted.n_probe if inverted else None
        return self

    def _voters_near(self, X: Any) -> tuple[Distances, Indices]:
        return self.kneighbors(X)

    def _new_index(self, points: Vectors) -> _core.Index | _core.InvertedIndex:
        if self.index == "exact":
            return super()._new_index(points)
        if self._metric.name == "cosine":
            raise ValueError("index='inverted' measures Euclidean distances: use index='exact' for metric='cosine'")
        if points.dtype != BYTES:
            raise ValueError(
                "index='inverted' searches bytes: expected whole numbers from 0 to 255, found other numbers; "
                "use index='exact' for other numbers"
            )
        tell = progress(type(self).__name__, self.verbose)
        return _core.InvertedIndex(points, self.n_lists, self.n_probe, n_threads(self.n_jobs), tell)
