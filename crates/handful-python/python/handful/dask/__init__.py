"""Estimators for more rows than one machine holds or gets through: on the workers of a Dask cluster.

=========================  ==========================================================================
`KMeans`                   Lloyd's algorithm; rows stay where they are, centroids go out, sums come back.
`KNeighborsClassifier`     Votes of the exact nearest neighbours, searched for where the rows are.
`PrototypeClassifier`      Votes of the nearest prototypes: K-Means centroids of each class.
`read_parquet`             Images and labels from Parquet, as Hugging Face publishes them.
=========================  ==========================================================================

They are the estimators of the same names in `handful`, with their results: bit for bit, for any number of workers and
partitions, and after a worker is lost, whose partitions others then load again. Rows are a Dask array of bytes,
partitioned by rows. With a ``distributed.Client`` the work is done on its cluster, which must have the same version of
handful; without one, on this process's threads.

A task takes one of its worker's threads. For all threads to work there must be at least as many partitions.
"""

from handful.dask._kmeans import KMeans
from handful.dask._neighbors import KNeighborsClassifier
from handful.dask._parquet import Images, read_parquet
from handful.dask._prototypes import PrototypeClassifier

__all__ = ["Images", "KMeans", "KNeighborsClassifier", "PrototypeClassifier", "read_parquet"]
