"""Regression: the mean of the nearest neighbours' numbers."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import RegressorMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from handful._metrics import Metric
from handful._neighborhoods import Neighborhoods
from handful._search import Search
from handful._types import Distances, Weights
from handful._vectors import as_vectors
from handful._votes import VOTE_CONSTRAINTS, check_weights, weights_of


class KNeighborsRegressor(RegressorMixin, Neighborhoods):  # type: ignore[misc]
    """Regression by the mean of the k nearest neighbours' numbers.

    Predictions are the same as those of scikit-learn's `KNeighborsRegressor` with the same metric, with one exception:
    if several samples are equally far, the first always counts as the nearest. Unless the metric is 'cosine', an array
    of bytes, or of floats in C order, is kept without a copy. Do not write to it after `fit`.

    Parameters
    ----------
    n_neighbors : int, default=5
        Number of neighbours whose numbers are averaged.
    weights : {'uniform', 'distance'}, callable or None, default='uniform'
        Weight of each neighbour. 'uniform' or None: all count the same. 'distance': the weight is the inverse of the
        distance. A callable takes an array of distances and returns an array of weights.
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
    NearestNeighbors : The search alone.

    Notes
    -----
    Time and memory are those of `KNeighborsClassifier`.

    Examples
    --------
    >>> from handful import KNeighborsRegressor
    >>> mean = KNeighborsRegressor(n_neighbors=2).fit([[0], [1], [2], [3]], [0, 10, 20, 40])
    >>> mean.predict([[0.4], [2.9]]).tolist()
    [5.0, 30.0]
    """

    _parameter_constraints: dict[str, list[Any]] = {
        **Search._search_constraints,
        **Search._metric_constraints,
        **VOTE_CONSTRAINTS,
    }

    effective_metric_: str
    _targets: NDArray[Any]
    _factors: Distances | None

    def __init__(
        self,
        n_neighbors: int = 5,
        *,
        weights: Weights = "uniform",
        algorithm: str = "auto",
        leaf_size: int = 30,
        p: float = 2,
        metric: str = "minkowski",
        metric_params: None = None,
        n_jobs: int | None = None,
        verbose: int = 0,
    ) -> None:
        self.n_neighbors = n_neighbors
        self.weights = weights
        self.algorithm = algorithm
        self.leaf_size = leaf_size
        self.p = p
        self.metric = metric
        self.metric_params = metric_params
        self.n_jobs = n_jobs
        self.verbose = verbose

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Store and index the samples and their numbers.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples to search. An array of bytes is not copied.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Number or numbers of each sample.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each sample, which multiplies its weight as a neighbour. It does not change which samples are
            neighbours.

        Returns
        -------
        KNeighborsRegressor
            The fitted estimator.
        """
        self._validate_params()
        self._metric = Metric.of(self)
        checked, self._targets = validate_data(self, X, y, multi_output=True, y_numeric=True)
        rows = as_vectors(checked, self.n_jobs)
        self._factors = check_weights(sample_weight, rows)
        self.n_samples_fit_, self.effective_metric_ = len(rows), self._metric.name
        self._index(rows)
        return self

    def predict(self, X: ArrayLike | None) -> NDArray[Any]:
        """Predict the mean of the nearest neighbours' numbers.

        Parameters
        ----------
        X : array-like of shape (n_queries, n_features) or None
            Samples to predict. None means the fitted samples; then no sample is its own neighbour.

        Returns
        -------
        ndarray of shape (n_queries,) or (n_queries, n_outputs)
            Predicted number or numbers of each sample.
        """
        check_is_fitted(self)
        distances, indices = self.kneighbors(X)
        numbers = self._targets[indices]
        if self._factors is None and (self.weights is None or self.weights == "uniform"):
            return np.asarray(numbers.mean(axis=1))
        weights = weights_of(self, distances, indices)
        totals = weights.sum(axis=1)
        if not totals.all():
            raise ValueError(
                "weights: expected at least one neighbour of each row to have a weight above 0, found a row without one"
            )
        if numbers.ndim == 2:
            return np.asarray((numbers * weights).sum(axis=1) / totals)
        return np.asarray((numbers * weights[:, :, None]).sum(axis=1) / totals[:, None])

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
