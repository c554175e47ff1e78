"""K-Means of rows that no machine has all of."""

from __future__ import annotations

from typing import Any, Self

import numpy as np

import handful
from handful._jobs import progress
from handful._kmeans import kmeans_params
from handful.dask._lloyd import Group, Rows, lloyd
from handful.dask._partitions import Partitions
from handful.dask._queries import answer, answers, is_dask
from handful.dask._work import compute


class KMeans(handful.KMeans):
    """K-Means clustering of rows on the workers of a Dask cluster, by Lloyd's algorithm with exact assignments.

    Rows stay where they are. In each pass the centroids go to the workers, and the number, the sum and the squared
    lengths of the rows nearest to each come back: whole numbers, so that centroids, labels, inertia and iterations are
    those of `handful.KMeans` on one machine, bit for bit, for any number of workers and partitions, and after a worker
    is lost.

    Parameters
    ----------
    n_clusters : int, default=8
        Clusters, and centroids.
    init : {'k-means++', 'random'} or array of shape (n_clusters, n_features), default='k-means++'
        Where centroids start: greedy k-means++, distinct rows at random, or at these places.
    n_init : 'auto' or int, default='auto'
        Runs from different starts, of which the one with the lowest inertia is kept. 'auto' is 10 for
        'random', else 1.
    max_iter : int, default=300
        Most iterations of a run.
    tol : float, default=1e-4
        A run ends when the centroids' squared movement, summed, is at most `tol` times the features' mean
        variance.
    verbose : int, default=0
        Whether to print how far the work is. Dask's dashboard shows tasks by names that begin with ``handful``.
    random_state : int, RandomState instance or None, default=None
        What random choices follow from.
    n_jobs : int or None, default=None
        Threads for rows in this process's memory; a task has one of its worker's threads.

    Attributes
    ----------
    cluster_centers_ : ndarray of shape (n_clusters, n_features)
        The centroids, in double precision.
    labels_ : dask.array.Array of shape (n_samples,)
        The nearest centroid of each row; of equally near ones the first. They are computed when they are asked for.
    inertia_ : float
        Squared distances of the rows to their centroids, summed.
    n_iter_ : int
        Iterations of the run that was kept.
    n_features_in_ : int
        Features seen in `fit`.

    See Also
    --------
    handful.KMeans : The same on one machine.

    Notes
    -----
    Beside the rows a worker keeps 2 bytes for each, and 8 for each run. A pass sends 8 bytes for each feature of each
    centroid to every worker, and as much back from some of them. Seeding by k-means++ is done by one worker for each
    run, on at most 131,072 rows (or 256 for each cluster, if that is more).

    Examples
    --------
    >>> import dask.array as da
    >>> import numpy as np
    >>> from handful.dask import KMeans
    >>> X = np.array([[1, 2], [1, 4], [1, 0], [10, 2], [10, 4], [10, 0]], dtype=np.uint8)
    >>> kmeans = KMeans(n_clusters=2, random_state=0).fit(da.from_array(X, chunks=(2, 2)))
    >>> kmeans.inertia_
    16.0
    >>> sorted(kmeans.cluster_centers_.tolist())
    [[1.0, 2.0], [10.0, 2.0]]
    >>> labels = kmeans.labels_.compute()
    >>> bool(labels[0] == labels[1] == labels[2])
    True
    """

    labels_: Any

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Cluster the rows of `X`.

        Parameters
        ----------
        X : dask.array.Array of shape (n_samples, n_features)
            Rows to cluster: bytes, or whole numbers from 0 to 255.
        y : None
            Not used.
        sample_weight : None, default=None
            Not used: all rows count alike.

        Returns
        -------
        KMeans
            The estimator itself.
        """
        self._validate_params()
        if sample_weight is not None:
            raise ValueError("sample_weight: expected none, as all rows of a Dask array count alike, found some")
        rows = Partitions.of(X, "KMeans")
        if self.n_clusters > len(rows):
            raise ValueError(f"n_samples={len(rows)} should be >= n_clusters={self.n_clusters}.")
        if callable(self.init):
            raise TypeError(
                "init: expected 'k-means++', 'random' or an array for rows of a Dask array, found a callable"
            )
        is_given = not isinstance(self.init, str)
        init = self._places(rows.n_features, self.init) if is_given else self.init
        group = Group(0, kmeans_params(self, init, 1, self.tol))
        tell = progress("KMeans", self.verbose)
        (run,) = lloyd(Rows(rows), [group], 1 if is_given else self._n_runs(), tell)
        self._sums, self._counts = run.centroids
        self.cluster_centers_ = self._sums / self._counts[:, None]
        self.inertia_, self.n_iter_ = run.inertia, run.n_iter
        self.n_features_in_, self._n_features_out = rows.n_features, self.n_clusters
        self.labels_ = self.predict(X)
        self._warn_of_few(run.cluster_sizes)
        return self

    def predict(self, X: Any) -> Any:
        """Find the nearest centroid of each row.

        Parameters
        ----------
        X : dask.array.Array or array-like of shape (n_samples, n_features)
            Rows to label.

        Returns
        -------
        dask.array.Array or ndarray of shape (n_samples,)
            Indices of the nearest centroids; of equally near ones the first. Of a Dask array a Dask array, which is
            computed when it is asked for.
        """
        return answer(self, handful.KMeans, "predict", X, np.dtype(np.int32))

    def transform(self, X: Any) -> Any:
        """Measure the distances of rows to all centroids.

        Parameters
        ----------
        X : dask.array.Array or array-like of shape (n_samples, n_features)
            Rows to measure from.

        Returns
        -------
        dask.array.Array or ndarray of shape (n_samples, n_clusters)
            Euclidean distances.
        """
        return answer(self, handful.KMeans, "transform", X, np.dtype(np.float64), self.n_clusters)

    def fit_predict(self, X: Any, y: Any = None, sample_weight: Any = None) -> Any:
        """Cluster the rows of `X`, and return their labels.

        Parameters
        ----------
        X : dask.array.Array of shape (n_samples, n_features)
            Rows to cluster.
        y : None
            Not used.
        sample_weight : None, default=None
            Not used: all rows count alike.

        Returns
        -------
        dask.array.Array of shape (n_samples,)
            `labels_`.
        """
        return self.fit(X, sample_weight=sample_weight).labels_

    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:
        """Return the negative sum of squared distances of rows to their nearest centroids.

        Parameters
        ----------
        X : dask.array.Array or array-like of shape (n_samples, n_features)
            Rows to measure.
        y : None
            Not used.
        sample_weight : array-like of shape (n_samples,), default=None
            How much each row counts; only for rows in memory.

        Returns
        -------
        float
            The negative inertia of `X`.
        """
        if not is_dask(X):
            return super().score(X, y, sample_weight)
        if sample_weight is not None:
            raise ValueError("sample_weight: expected none for rows in a Dask array, found some")
        return float(sum(np.sum(part) for part in compute(answers(self, handful.KMeans, "score", X)[0])))
