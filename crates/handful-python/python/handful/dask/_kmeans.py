"""K-Means of rows that are distributed over a Dask cluster."""

from __future__ import annotations

from typing import Any, Self

import numpy as np

import handful
from handful._jobs import progress, tell_end
from handful._kmeans import kmeans_params
from handful.dask._lloyd import Group, Rows, lloyd
from handful.dask._partitions import Partitions
from handful.dask._queries import answer, answers, check_unweighted, is_dask
from handful.dask._work import compute


class KMeans(handful.KMeans):
    """K-Means clustering on a Dask cluster, by Lloyd's algorithm with exact assignments.

    The rows stay on the workers. In each pass, the workers receive the centroids. For each centroid, they return the
    number, the sum and the squared lengths of the rows that are nearest to it. These are whole numbers. Centroids,
    labels, inertia and iterations are therefore the same, bit for bit, as those of `handful.KMeans` on one machine,
    for any number of workers and partitions, and even if a worker is lost.

    Parameters
    ----------
    n_clusters : int, default=8
        Number of clusters, and of centroids.
    init : {'k-means++', 'random'} or array of shape (n_clusters, n_features), default='k-means++'
        How to choose the initial centroids. 'k-means++' is greedy k-means++; 'random' draws distinct samples; an
        array contains the centroids.
    n_init : 'auto' or int, default='auto'
        Number of runs with different initial centroids. The run with the lowest inertia is kept. 'auto' means 10
        for 'random', and 1 otherwise.
    max_iter : int, default=300
        Maximum number of iterations of a run.
    tol : float, default=1e-4
        A run ends when the sum of the squared movements of the centroids is at most `tol` times the mean variance
        of the features.
    verbose : int, default=0
        Whether to print progress. In Dask's dashboard, the names of the tasks begin with ``handful``.
    random_state : int, RandomState instance or None, default=None
        Determines the random choices.
    copy_x : bool, default=True
        Not used: `X` is never written to.
    algorithm : {'lloyd', 'elkan'}, default='lloyd'
        Not used: both are names of scikit-learn for ways to the same clusters.
    n_jobs : int or None, default=None
        Number of threads for samples in this process's memory. A Dask task always uses one thread of its worker.

    Attributes
    ----------
    cluster_centers_ : ndarray of shape (n_clusters, n_features)
        The centroids, in double precision.
    labels_ : dask.array.Array of shape (n_samples,)
        Index of the nearest centroid of each sample. If several are equally near, the first is chosen. The labels
        are computed on demand.
    inertia_ : float
        Sum of squared distances of samples to their centroids.
    n_iter_ : int
        Number of iterations of the run that was kept.
    n_features_in_ : int
        Number of features seen in `fit`.

    See Also
    --------
    handful.KMeans : The same on one machine.

    Notes
    -----
    In addition to the rows, a worker keeps 2 bytes per row, and 8 bytes per row and run. A pass sends 8 bytes per
    feature of each centroid to every worker, and some workers send as much back. For each run, one worker does the
    k-means++ seeding, on at most 131,072 rows (or 256 per cluster, if that is more).

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
        """Cluster the samples of `X`.

        Parameters
        ----------
        X : dask.array.Array of shape (n_samples, n_features)
            Samples to cluster: bytes, or whole numbers from 0 to 255.
        y : None
            Not used.
        sample_weight : None, default=None
            Not supported: all samples have the same weight.

        Returns
        -------
        KMeans
            The fitted estimator.
        """
        self._validate_params()
        check_unweighted(sample_weight)
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
        tell_end("KMeans", self.verbose, [run.n_iter], self.max_iter)
        self.n_features_in_, self._n_features_out = rows.n_features, self.n_clusters
        self.labels_ = self.predict(X)
        self._warn_of_few(run.cluster_sizes)
        return self

    def predict(self, X: Any) -> Any:
        """Find the nearest centroid of each sample.

        Parameters
        ----------
        X : dask.array.Array or array-like of shape (n_samples, n_features)
            Samples to label.

        Returns
        -------
        dask.array.Array or ndarray of shape (n_samples,)
            Index of the nearest centroid of each sample. If several are equally near, the first is chosen. For a
            Dask array, the result is a Dask array, which is computed on demand.
        """
        return answer(self, handful.KMeans, "predict", X, np.dtype(np.int32))

    def transform(self, X: Any) -> Any:
        """Compute the distances of samples to all centroids.

        Parameters
        ----------
        X : dask.array.Array or array-like of shape (n_samples, n_features)
            Samples to measure the distances from.

        Returns
        -------
        dask.array.Array or ndarray of shape (n_samples, n_clusters)
            Euclidean distances.
        """
        return answer(self, handful.KMeans, "transform", X, np.dtype(np.float64), self.n_clusters)

    def fit_predict(self, X: Any, y: Any = None, sample_weight: Any = None) -> Any:
        """Cluster the samples of `X` and return their labels.

        Parameters
        ----------
        X : dask.array.Array of shape (n_samples, n_features)
            Samples to cluster.
        y : None
            Not used.
        sample_weight : None, default=None
            Not supported: all samples have the same weight.

        Returns
        -------
        dask.array.Array of shape (n_samples,)
            `labels_`.
        """
        return self.fit(X, sample_weight=sample_weight).labels_

    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:
        """Return the negative sum of squared distances of samples to their nearest centroids.

        Parameters
        ----------
        X : dask.array.Array or array-like of shape (n_samples, n_features)
            Samples to score.
        y : None
            Not used.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each sample. Only supported for samples in memory.

        Returns
        -------
        float
            The negative inertia of `X`.
        """
        if not is_dask(X):
            return super().score(X, y, sample_weight)
        check_unweighted(sample_weight)
        return float(sum(np.sum(part) for part in compute(answers(self, handful.KMeans, "score", X)[0])))
