"""K-Means within each class, of rows that are distributed over a Dask cluster."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

import handful
from handful import _core
from handful._jobs import progress, tell_end
from handful._kmeans import kmeans_params
from handful._prototypes import joined as joined_classes
from handful._prototypes import own_params, prototype_numbers
from handful._types import Bytes, Fractions
from handful.dask._lloyd import Group, Rows, lloyd
from handful.dask._partitions import Labels, Partitions, blocks_of, byte_blocks, dask_array, labels_beside
from handful.dask._queries import Scored, answer, check_unweighted, joined
from handful.dask._work import TASK_THREADS, same, task

#: The centroids of each class, and the index of the prototype that each of them is.
Centroids = list[tuple[Fractions, NDArray[np.int64]]]


class PrototypeClassifier(Scored, handful.PrototypeClassifier):
    """Classifier by the votes of the nearest prototypes, fitted on a Dask cluster.

    The prototypes are the K-Means centroids of each class. All classes are clustered in the same passes over the
    rows, which stay on the workers. Prototypes and predictions are the same, bit for bit, as those of
    `handful.PrototypeClassifier` on one machine, for any number of workers and partitions, and even if a worker is
    lost.

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
        Determines the random choices.
    n_jobs : int or None, default=None
        Number of threads for samples in this process's memory. A Dask task always uses one thread of its worker.
    verbose : int, default=0
        Whether to print progress.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The classes, sorted.
    prototypes_ : ndarray of shape (n_prototypes, n_features)
        The vectors that vote, ordered by class, as bytes.
    prototype_labels_ : ndarray of shape (n_prototypes,)
        Class of each prototype.
    cluster_sizes_ : ndarray of shape (n_prototypes,)
        Number of samples that each prototype represents.
    labels_ : dask.array.Array of shape (n_samples,)
        Index of the prototype of each sample. The labels are computed on demand.
    inertia_ : float
        Sum of squared distances of samples to their centroids, over all classes.
    n_iter_ : int
        Number of iterations of the runs that were kept, summed over the classes.
    n_features_in_ : int
        Number of features seen in `fit`.

    See Also
    --------
    handful.PrototypeClassifier : The same on one machine.

    Notes
    -----
    In each pass, the workers receive the centroids of all classes and runs, and return one sum per centroid. In
    addition to the rows, a worker keeps 2 bytes per row, and 8 bytes per row and run.

    Examples
    --------
    >>> import dask.array as da
    >>> from handful.dask import PrototypeClassifier
    >>> from handful.datasets import load_mnist
    >>> X_train, y_train, X_test, y_test = load_mnist()
    >>> X, y = da.from_array(X_train[:9000], chunks=(3000, 784)), y_train[:9000]
    >>> notebook = PrototypeClassifier(9, random_state=0).fit(X, y)
    >>> notebook.prototypes_.shape
    (90, 784)
    >>> notebook.score(X_test, y_test) > 0.88
    True
    """

    labels_: Any

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Cluster the samples of each class.

        Parameters
        ----------
        X : dask.array.Array of shape (n_samples, n_features)
            Rows to learn from: bytes, or whole numbers from 0 to 255.
        y : dask.array.Array or array-like of shape (n_samples,)
            Class of each sample: numbers, strings or anything that can be sorted.
        sample_weight : None, default=None
            Only supported by `handful.PrototypeClassifier`.

        Returns
        -------
        PrototypeClassifier
            The fitted estimator.
        """
        check_unweighted(sample_weight)
        self._validate_params()
        rows = Partitions.of(X, "PrototypeClassifier")
        labels = Labels.of(y, rows)
        params, sizes = kmeans_params(self, self.init, 1, self.tol), labels.counts.sum(axis=0)
        if sizes.min() >= self.n_clusters:
            groups = [Group(label, params) for label in range(len(sizes))]
        else:
            groups = [Group(0, own) for own in own_params(params, sizes)]
        runs = lloyd(Rows(rows, labels), groups, self.n_init, progress("PrototypeClassifier", self.verbose))
        parts: list[dict[str, Any]] = []
        centroids: Centroids = []
        first = 0
        for run in runs:
            sums, counts = run.centroids
            sizes, inertia, n_iter = run.cluster_sizes, run.inertia, run.n_iter
            parts.append({"sums": sums, "counts": counts, "cluster_sizes": sizes, "inertia": inertia, "n_iter": n_iter})
            centroids.append(((sums, counts), prototype_numbers(sizes, first)))
            first = int(centroids[-1][1][-1]) + 1
        tell_end("PrototypeClassifier", self.verbose, [part["n_iter"] for part in parts], self.max_iter)
        found = joined_classes(parts, bytes_=True)
        self.classes_, self.n_features_in_ = labels.classes, rows.n_features
        self.prototypes_ = found["prototypes"]
        self.prototype_labels_ = self.classes_[found["classes"]]
        self.cluster_sizes_, self.inertia_, self.n_iter_ = found["cluster_sizes"], found["inertia"], found["n_iter"]
        self._labels = found["classes"]
        self._index(self.prototypes_)
        self.labels_ = self._labels_of(X, y, rows, centroids)
        return self

    def _labels_of(self, X: Any, y: Any, rows: Partitions, centroids: Centroids) -> Any:
        """Return the index of the prototype of each row as a Dask array, which is computed from `X` on demand."""
        known = task("prototypes", same, centroids)
        blocks, names = byte_blocks(dask_array(X, "PrototypeClassifier")), blocks_of(labels_beside(y, rows))
        labels = [
            task("nearest", _nearest, block, y, self.classes_, known) for block, y in zip(blocks, names, strict=True)
        ]
        return joined(labels, rows.sizes, np.dtype(np.int32))

    def predict(self, X: Any) -> Any:
        """Predict the class that the nearest prototypes vote for.

        Parameters
        ----------
        X : dask.array.Array or array-like of shape (n_queries, n_features)
            Samples to classify.

        Returns
        -------
        dask.array.Array or ndarray of shape (n_queries,)
            Predicted class of each sample. For a Dask array, the result is a Dask array, which is computed on demand.
        """
        check_is_fitted(self)
        return answer(self, handful.PrototypeClassifier, "predict", X, self.classes_.dtype)

    def predict_proba(self, X: Any) -> Any:
        """Return the share of the votes for each class.

        Parameters
        ----------
        X : dask.array.Array or array-like of shape (n_queries, n_features)
            Samples to classify.

        Returns
        -------
        dask.array.Array or ndarray of shape (n_queries, n_classes)
            Shares in the order of `classes_`; each row sums to 1.
        """
        check_is_fitted(self)
        floats = np.dtype(np.float64)
        return answer(self, handful.PrototypeClassifier, "predict_proba", X, floats, len(self.classes_))


def _nearest(rows: Bytes, y: NDArray[Any], classes: NDArray[Any], centroids: Centroids) -> NDArray[np.int32]:
    """Return the index of the nearest prototype of each row, among those of its class."""
    labels = np.empty(len(rows), np.int32)
    for name, (fractions, numbers) in zip(classes, centroids, strict=True):
        own = np.flatnonzero(y == name)
        if len(own):
            labels[own] = numbers[_core.nearest_exact(rows[own], *fractions, TASK_THREADS)]
    return labels
