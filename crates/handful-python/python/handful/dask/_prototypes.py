"""K-Means within each class of rows that no machine has all of."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

import handful
from handful import _core
from handful._jobs import progress
from handful._kmeans import kmeans_params
from handful._prototypes import joined as joined_classes
from handful._prototypes import own_params, prototype_numbers
from handful._types import Bytes, Fractions
from handful.dask._lloyd import Group, Rows, lloyd
from handful.dask._partitions import Labels, Partitions, blocks_of, byte_blocks, dask_array, labels_beside
from handful.dask._queries import accuracy, answer, joined
from handful.dask._work import TASK_THREADS, same, task

#: Of each class its centroids, and which prototype each of them is.
Centroids = list[tuple[Fractions, NDArray[np.int64]]]


class PrototypeClassifier(handful.PrototypeClassifier):
    """Classifier by the votes of the nearest prototypes, learned from rows on the workers of a Dask cluster.

    The prototypes are the K-Means centroids of each class. All classes are clustered in the same passes over the
    rows, which stay where they are. Prototypes and predictions are those of `handful.PrototypeClassifier` on one
    machine, bit for bit, for any number of workers and partitions, and after a worker is lost.

    Parameters
    ----------
    n_clusters : int, default=9
        Prototypes of each class; of a class with fewer rows each row is one.
    n_neighbors : int, default=1
        Prototypes that vote.
    weights : {'uniform', 'distance'}, callable or None, default='uniform'
        How much a vote counts: alike, by the inverse of the distance, or what a function makes of an array of
        distances.
    tie_break : {'lowest_label', 'nearest'}, default='lowest_label'
        Which class wins among those with the most votes: the first of `classes_`, or that of the nearest
        prototype among them.
    init : {'k-means++', 'random'}, default='k-means++'
        Where centroids start.
    n_init : int, default=1
        K-Means runs for each class, of which the best is kept.
    max_iter : int, default=300
        Most iterations of a run.
    tol : float, default=1e-4
        When a run ends: see `KMeans`.
    random_state : int, RandomState instance or None, default=None
        What random choices follow from.
    n_jobs : int or None, default=None
        Threads for rows in this process's memory; a task has one of its worker's threads.
    verbose : int, default=0
        Whether to print how far the work is.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The classes, sorted.
    prototypes_ : ndarray of shape (n_prototypes, n_features)
        The vectors that vote, class by class: bytes.
    prototype_labels_ : ndarray of shape (n_prototypes,)
        Their classes.
    cluster_sizes_ : ndarray of shape (n_prototypes,)
        Rows that each stands for.
    labels_ : dask.array.Array of shape (n_samples,)
        The prototype of each row. They are computed when they are asked for.
    inertia_ : float
        Squared distances of the rows to their centroids, summed over the classes.
    n_iter_ : int
        Iterations of the runs that were kept, summed over the classes.
    n_features_in_ : int
        Features seen in `fit`.

    See Also
    --------
    handful.PrototypeClassifier : The same on one machine.

    Notes
    -----
    In a pass the centroids of all classes and runs go out and as many sums come back. Beside the rows a worker keeps
    2 bytes for each, and 8 for each run.

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

    def fit(self, X: Any, y: Any) -> Self:
        """Cluster the rows of each class.

        Parameters
        ----------
        X : dask.array.Array of shape (n_samples, n_features)
            Rows to learn from: bytes, or whole numbers from 0 to 255.
        y : dask.array.Array or array-like of shape (n_samples,)
            Their classes: numbers, strings or anything that can be sorted.

        Returns
        -------
        PrototypeClassifier
            The estimator itself.
        """
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
        found = joined_classes(parts, bytes_=True)
        self.classes_, self.n_features_in_ = labels.classes, rows.n_features
        self.prototypes_ = found["prototypes"]
        self.prototype_labels_ = self.classes_[found["classes"]]
        self.cluster_sizes_, self.inertia_, self.n_iter_ = found["cluster_sizes"], found["inertia"], found["n_iter"]
        self._index(self.prototypes_, found["classes"])
        self.labels_ = self._labels_of(X, y, rows, centroids)
        return self

    def _labels_of(self, X: Any, y: Any, rows: Partitions, centroids: Centroids) -> Any:
        """Return the number of each row's prototype, to be computed from the rows as they were given."""
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
            Rows to classify.

        Returns
        -------
        dask.array.Array or ndarray of shape (n_queries,)
            Their classes; of a Dask array a Dask array, which is computed when it is asked for.
        """
        check_is_fitted(self)
        return answer(self, handful.PrototypeClassifier, "predict", X, self.classes_.dtype)

    def predict_proba(self, X: Any) -> Any:
        """Return each class's share of the votes.

        Parameters
        ----------
        X : dask.array.Array or array-like of shape (n_queries, n_features)
            Rows to classify.

        Returns
        -------
        dask.array.Array or ndarray of shape (n_queries, n_classes)
            Shares in the order of `classes_`; each row sums to 1.
        """
        check_is_fitted(self)
        floats = np.dtype(np.float64)
        return answer(self, handful.PrototypeClassifier, "predict_proba", X, floats, len(self.classes_))

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the share of rows that are predicted right.

        Parameters
        ----------
        X : dask.array.Array or array-like of shape (n_queries, n_features)
            Rows to classify.
        y : dask.array.Array or array-like of shape (n_queries,)
            Their classes.
        sample_weight : array-like of shape (n_queries,), default=None
            How much each row counts; only for rows in memory.

        Returns
        -------
        float
            The accuracy.
        """
        return accuracy(self, super().score, X, y, sample_weight)


def _nearest(rows: Bytes, y: NDArray[Any], classes: NDArray[Any], centroids: Centroids) -> NDArray[np.int32]:
    """Return the number of each row's nearest prototype among those of its class."""
    labels = np.empty(len(rows), np.int32)
    for name, (fractions, numbers) in zip(classes, centroids, strict=True):
        own = np.flatnonzero(y == name)
        if len(own):
            labels[own] = numbers[_core.nearest_exact(rows[own], *fractions, TASK_THREADS)]
    return labels
