"""Labels for many samples from the answers to a few questions."""

from __future__ import annotations

from numbers import Integral
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassifierMixin
from sklearn.exceptions import NotFittedError
from sklearn.utils import assert_all_finite, check_consistent_length, column_or_1d
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from handful import _core
from handful._images import range_of, shape_of, stretched
from handful._jobs import n_threads, progress, seed
from handful._search import Search
from handful._types import Distances, Indices, Shape, Vectors
from handful._vectors import check_labelled, validate


class AccuracyEstimate(NamedTuple):
    """How many labels are right, as far as samples drawn at random tell.

    Attributes
    ----------
    accuracy : float
        The share of right labels among the `n` samples.
    low, high : float
        The 95 % score interval of the accuracy of all labels (Wilson 1927).
    n : int
        Number of samples that were compared.
    """

    accuracy: float
    low: float
    high: float
    n: int


class ClusterLabeler(ClassifierMixin, Search):  # type: ignore[misc]
    """Labels all samples from the labels of a few, and says which ones to label.

    K-Means and Ward's method group the samples. `query_indices_` has the medoid of each group: label these first.
    The labels then spread along the graph of nearest neighbours. Ten labels of MNIST's 60,000 training images give
    all of them a label, and 1.5 % of these are wrong.

    `y` follows scikit-learn's convention for semi-supervised learning: -1 marks a sample without a label. If the
    labels are words, use an array of objects, in which -1 is a number.

    Parameters
    ----------
    n_clusters : int, default=10
        Number of samples to ask about first, and in each later round.
    features : {'gradients'} or None, default=None
        What is compared. None: the samples as they are; their features should have comparable scales. 'gradients':
        the samples are images of handwriting, from which features are learned without labels: principal components
        of the gradients of upright images.
    image_shape : tuple of (int, int) or None, default=None
        Height and width of an image, for 'gradients'. None means square images, or one row of pixels if no square
        fits.
    n_neighbors : int, default=5
        Number of neighbours whose labels predict the label of a new sample.
    random_state : int, RandomState instance or None, default=None
        Determines the random choices.
    n_jobs : int or None, default=None
        Number of threads. None means all CPUs that the process may use; in a joblib worker, its share of them.
    verbose : int, default=0
        Whether to print progress.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The classes, sorted, without -1.
    query_indices_ : ndarray
        Samples to label next, the most useful first. As long as there are groups without a label, they are medoids;
        groups with different labels are split. After that, they are samples whose labels would settle the most doubt.
    transduction_ : ndarray of shape (n_samples,)
        The label of each sample; -1 for all if no label was given.
    label_distributions_ : ndarray of shape (n_samples, n_classes)
        The share of each class in what has spread to each sample.
    n_features_in_ : int
        Number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features seen in `fit`. Only defined if `X` has feature names that are all strings.

    See Also
    --------
    sklearn.semi_supervised.LabelSpreading : Spreads labels, but does not say which ones to give.

    Notes
    -----
    `fit` takes the time of a K-Means with up to 1,000 clusters, and of an exact search of ten neighbours of each
    sample. `update` takes more labels into account in a small part of this time.

    Examples
    --------
    >>> import numpy as np
    >>> from handful import ClusterLabeler
    >>> from sklearn.datasets import load_digits
    >>> X, truth = load_digits(return_X_y=True)
    >>> labeler = ClusterLabeler(n_clusters=20, random_state=0)
    >>> y = np.full(len(X), -1)
    >>> labeler.fit(X, y).query_indices_.shape
    (20,)
    >>> y[labeler.query_indices_] = truth[labeler.query_indices_]  # a person looks at these 20 images
    >>> bool(np.mean(labeler.update(y).transduction_ == truth) > 0.9)
    True
    """

    _parameter_constraints: dict[str, list[Any]] = {
        **Search._search_constraints,
        "n_clusters": [Interval(Integral, 1, None, closed="left")],
        "features": [StrOptions({"gradients"}), None],
        "image_shape": [tuple, list, None],
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
    }

    classes_: NDArray[Any]
    query_indices_: Indices
    transduction_: NDArray[Any]
    label_distributions_: NDArray[np.float32]

    def __init__(
        self,
        n_clusters: int = 10,
        *,
        features: str | None = None,
        image_shape: Shape | None = None,
        n_neighbors: int = 5,
        random_state: int | np.random.RandomState | None = None,
        n_jobs: int | None = None,
        verbose: int = 0,
    ) -> None:
        self.n_clusters = n_clusters
        self.features = features
        self.image_shape = image_shape
        self.n_neighbors = n_neighbors
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.verbose = verbose

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Group the samples, and spread the labels that there are.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples.
        y : array-like of shape (n_samples,)
            Labels; -1 for samples without a label.

        Returns
        -------
        ClusterLabeler
            The fitted estimator.
        """
        self._validate_params()
        X, y = check_labelled(self, X, y)
        given = self._given(y, len(X))
        if self.n_clusters > len(X):
            raise ValueError(f"n_samples={len(X)} should be >= n_clusters={self.n_clusters}.")
        self._seed = seed(self.random_state)
        self._features: _core.Features | None = None
        if self.features == "gradients":
            self._range = range_of(X)
            shape, images = shape_of(self.n_features_in_, self.image_shape), stretched(X, *self._range)
            tell = progress(type(self).__name__, self.verbose)
            self._features = _core.Features(images, shape, n_threads(self.n_jobs), tell)
        self._labeler: _core.Labeler | None = None
        self._index(self._as_features(X))
        return self._spread(*given)

    def update(self, y: ArrayLike) -> Self:
        """Spread other labels of the samples seen in `fit`, which are not grouped again.

        Parameters
        ----------
        y : array-like of shape (n_samples,)
            All labels so far; -1 for samples without a label.

        Returns
        -------
        ClusterLabeler
            The estimator, as if it had been fitted with these labels.
        """
        check_is_fitted(self)
        return self._spread(*self._given(y, len(self._vectors)))

    def sample(self, n: int) -> Indices:
        """Draw samples to label for `estimate`; leave them out of `y`.

        Parameters
        ----------
        n : int
            Number of samples.

        Returns
        -------
        ndarray of shape (n,)
            Their indices. A larger `n` gives the same first ones.
        """
        check_is_fitted(self)
        if not 1 <= n <= len(self._vectors):
            raise ValueError(f"n: expected 1 to {len(self._vectors)}, the number of samples, found {n}")
        return self._own_labeler().sample()[:n]

    def estimate(self, indices: ArrayLike, y: ArrayLike) -> AccuracyEstimate:
        """Estimate how many of the labels in `transduction_` are right.

        The estimate is unbiased if the samples come from `sample`, and their labels were not given to `fit`.

        Parameters
        ----------
        indices : array-like of shape (n,)
            Indices of samples.
        y : array-like of shape (n,)
            Their true labels.

        Returns
        -------
        AccuracyEstimate
            The share of right labels, with the 95 % interval of the accuracy of all labels.
        """
        check_is_fitted(self)
        rows, truth = column_or_1d(indices, dtype=np.int64), column_or_1d(y)
        check_consistent_length(rows, truth)
        if len(rows) == 0 or rows.min() < 0 or rows.max() >= len(self._vectors):
            raise ValueError(f"indices: expected indices from 0 to {len(self._vectors) - 1}, and at least one")
        correct = int(np.count_nonzero(self.transduction_[rows] == truth))
        low, high = _core.wilson_interval(correct, len(rows))
        return AccuracyEstimate(correct / len(rows), low, high, len(rows))

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Predict the class of new samples.

        Parameters
        ----------
        X : array-like of shape (n_queries, n_features)
            Samples to classify.

        Returns
        -------
        ndarray of shape (n_queries,)
            Predicted class of each sample.
        """
        best = self.predict_proba(X).argmax(axis=1)
        return np.asarray(self.classes_[best])

    def predict_proba(self, X: ArrayLike) -> Distances:
        """Return the share of each class: the mean over the nearest samples seen in `fit`.

        Parameters
        ----------
        X : array-like of shape (n_queries, n_features)
            Samples to classify.

        Returns
        -------
        ndarray of shape (n_queries, n_classes)
            Share of each class.
        """
        check_is_fitted(self)
        queries = self._as_features(validate(self, X, reset=False))
        if len(self.classes_) == 0:
            raise NotFittedError("no sample has a label yet: label those in query_indices_, and call update(y)")
        neighbors = self._nearest(queries, min(self.n_neighbors, len(self._vectors)))[1]
        shares: Distances = self.label_distributions_[neighbors].mean(axis=1, dtype=np.float64)
        return shares

    def _given(self, y: Any, n_samples: int) -> tuple[NDArray[Any], Indices, NDArray[np.uint32]]:
        """Return the classes, and the samples that have labels with the index of the class of each."""
        y = column_or_1d(y, warn=True)
        if len(y) != n_samples:
            raise ValueError(f"y: expected a label or -1 for each of {n_samples} samples, found {len(y)} labels")
        assert_all_finite(y, input_name="y")
        # Words that are not objects cannot be -1.
        is_given = np.array([label != -1 for label in y]) if y.dtype.kind in "OUS" else y != -1
        rows = np.flatnonzero(is_given)
        check_classification_targets(y[rows].astype(str) if y.dtype.kind == "O" else y)
        try:
            classes, numbers = np.unique(y[rows], return_inverse=True)
        except TypeError as error:
            raise TypeError(f"y: expected classes that can be sorted, such as only words ({error})") from None
        return classes, rows, numbers.astype(np.uint32)

    def _spread(self, classes: NDArray[Any], rows: Indices, numbers: NDArray[np.uint32]) -> Self:
        self.classes_ = classes
        labeler, threads = self._own_labeler(), n_threads(self.n_jobs)
        if len(rows) == 0:
            self.query_indices_ = labeler.first_questions(threads)
            self.label_distributions_ = np.zeros((len(self._vectors), 0), np.float32)
            self.transduction_ = np.full(len(self._vectors), -1)
            return self
        self.label_distributions_, self.query_indices_ = labeler.spread(rows, numbers, len(classes), threads)
        self.transduction_ = classes[self.label_distributions_.argmax(axis=1)]
        return self

    def _as_features(self, X: Vectors) -> Vectors:
        if self._features is None:
            return X
        return self._features.transform(stretched(X, *self._range), n_threads(self.n_jobs))

    def _own_labeler(self) -> _core.Labeler:
        """Return the groups and the graph of the samples; make them only once."""
        if self._labeler is None:
            tell = progress(type(self).__name__, self.verbose)
            threads = n_threads(self.n_jobs)
            self._labeler = _core.Labeler(self._vectors, self.n_clusters, self._seed, threads, tell)
        return self._labeler

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = super().__getstate__()
        return {**state, "_labeler": None} if "_labeler" in state else state
