"""Estimators on a Dask cluster, for data that is too large or too slow for one machine.

=========================  ==========================================================================
`KMeans`                   Lloyd's algorithm. Workers receive centroids and return sums; the rows stay in place.
`KNeighborsClassifier`     Votes of the exact nearest neighbours. Each worker searches its own rows.
`PrototypeClassifier`      Votes of the nearest prototypes: K-Means centroids of each class.
`read_parquet`             Images and labels from Parquet, as Hugging Face publishes them.
=========================  ==========================================================================

The results are the same, bit for bit, as those of the estimators of the same names in `handful`. They do not depend
on the number of workers or partitions. If a worker is lost, others load its partitions again, and the results are
still the same. The rows are a Dask array of bytes, partitioned by rows.

With a ``distributed.Client``, the work is done on its cluster, which must have the same version of handful. Without a
client, it is done on the threads of this process.

Each task uses one thread of its worker. To keep all threads busy, use at least as many partitions as threads.
"""

from handful.dask._kmeans import KMeans
from handful.dask._neighbors import KNeighborsClassifier
from handful.dask._parquet import Images, read_parquet
from handful.dask._prototypes import PrototypeClassifier

__all__ = ["Images", "KMeans", "KNeighborsClassifier", "PrototypeClassifier", "read_parquet"]
