"""Estimators for more rows than one machine holds or gets through: on the workers of a Dask cluster.

=========================  ==========================================================================
`KNeighborsClassifier`     Votes of the exact nearest neighbours, searched for where the rows are.
`read_parquet`             Images and labels as Hugging Face publishes them, decoded by the workers.
=========================  ==========================================================================
"""

from handful.dask._neighbors import KNeighborsClassifier

__all__ = ["KNeighborsClassifier"]
