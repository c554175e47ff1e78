"""Rows in partitions, and what it means that results are the same as those of one machine."""

import dask.array as da
import numpy as np
from numpy.testing import assert_array_equal

N = 4000
#: Unequal ones, and empty ones at the start, in between and at the end.
PARTITIONS = [(N,), (N // 4,) * 4, (0, 1700, 0, 3, 1, 2000, 296, 0)]


def partitioned(array, sizes=PARTITIONS[2]):
    """A Dask array of rows."""
    return da.from_array(array, chunks=(sizes, *array.shape[1:]))


def assert_same_kmeans(found, expected):
    assert found.inertia_ == expected.inertia_
    assert found.n_iter_ == expected.n_iter_
    assert_array_equal(found.cluster_centers_, expected.cluster_centers_)
    assert_array_equal(found.labels_.compute(), expected.labels_)


def assert_same_prototypes(found, expected):
    for name in ("classes_", "prototypes_", "prototype_labels_", "cluster_sizes_", "inertia_", "n_iter_"):
        assert_array_equal(getattr(found, name), getattr(expected, name))
    assert found.prototypes_.dtype == np.uint8
    assert_array_equal(found.labels_.compute(), expected.labels_)
