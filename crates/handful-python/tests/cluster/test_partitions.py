"""What partitions of rows and labels may be, and what errors say about those that are wrong."""

import dask
import dask.array as da
import handful
import handful.dask
import numpy as np
import pytest
from numpy.testing import assert_array_equal

from cluster.shared import assert_same_kmeans, partitioned


def bad(array, partition, change):
    """Rows in three partitions, one of which is not as it should be."""
    blocks = [array[:5], array[5:12], array[12:20]]
    blocks[partition] = change(blocks[partition])
    parts = [dask.delayed(block) for block in blocks]
    return da.concatenate(
        [
            da.from_delayed(part, (size, *array.shape[1:]), array.dtype)
            for part, size in zip(parts, (5, 7, 8), strict=True)
        ]
    )


def with_value(row, value):
    def change(block):
        block = block.copy()
        block[row] = value
        return block

    return change


@pytest.mark.parametrize(
    ("dtype", "partition", "change", "told"),
    [
        (float, 1, with_value((3, 2), np.nan), "partition 1, row 3 of it: expected bytes, .* found nan in column 2"),
        (float, 2, with_value((0, 1), 0.5), "partition 2, row 0 of it: .* found 0.5 in column 1"),
        (int, 0, with_value((4, 0), 256), "partition 0, row 4 of it: .* found 256 in column 0"),
        (np.uint8, 1, lambda block: block.astype(np.float32), "partition 1: expected an array of bytes, .* float32"),
        (np.uint8, 2, lambda block: block.tolist(), "partition 2: expected an array of bytes, .* found list"),
        (np.uint8, 2, lambda block: block[:, :3], "partition 2: expected rows of 4 features, like .*, found 3"),
        (float, 1, lambda block: np.full(block.shape, "x"), "partition 1: expected a NumPy array of numbers, found"),
    ],
)
def test_a_bad_partition_is_named(client, dtype, partition, change, told):
    X = bad(np.arange(80).reshape(20, 4).astype(dtype), partition, change)
    with pytest.raises((TypeError, ValueError), match=told):
        handful.dask.KMeans(2).fit(X)
    with pytest.raises((TypeError, ValueError), match=told):
        handful.dask.KNeighborsClassifier().fit(X, np.arange(20) % 2)


@pytest.mark.parametrize(
    ("y", "told"),
    [
        (bad(np.arange(20.0) % 3, 1, with_value(2, np.nan)), "partition 1, row 2 of it: expected a label, found nan"),
        (bad(np.array(["a", "b"] * 10, object), 2, with_value(4, None)), "partition 2, row 4 .* a label, found None"),
        (bad(np.arange(20) % 3, 2, lambda block: block.astype(str)), "partition 2: expected labels of int64, .* <U"),
        (bad(np.array(["a"] * 20, object), 1, with_value(0, 3)), "partition 1: expected labels that can be sorted"),
        (bad(np.arange(20) % 3, 0, lambda block: block[:4]), "partition 0: expected labels for 5 rows, found"),
        (np.arange(19), "y: expected a label for each of 20 rows, found 19"),
        (da.arange(21, chunks=7), "y: expected a label for each of 20 rows, found 21"),
        (np.linspace(0, 1, 20), "Unknown label type: continuous"),
    ],
    ids=range(8),
)
def test_bad_labels_are_told(client, y, told):
    X = partitioned(np.arange(80, dtype=np.uint8).reshape(20, 4), (5, 7, 8))
    for kind in (handful.dask.KNeighborsClassifier, handful.dask.PrototypeClassifier):
        with pytest.raises((TypeError, ValueError), match=told):
            kind().fit(X, y)


def test_what_makes_no_sense_is_told(client, digits):
    X, y, queries, _ = digits
    some = partitioned(X[:50], (20, 30))
    knn = handful.dask.KNeighborsClassifier(3).fit(some, y[:50])

    def fails():
        raise OSError("the disk is gone")

    lost = da.from_delayed(dask.delayed(fails)(), (5, 4), np.uint8)
    for call, told in [
        (lambda: handful.dask.KMeans(51).fit(some), "n_samples=50 should be >= n_clusters=51"),
        (lambda: handful.dask.KMeans(0).fit(some), "'n_clusters' parameter"),
        (lambda: handful.dask.KMeans(2).fit(X), "X: expected a Dask array, found ndarray; .* handful.KMeans"),
        (lambda: handful.dask.KMeans(2).fit(some, sample_weight=y), "sample_weight: expected None"),
        (lambda: handful.dask.KMeans(2, init=np.full((2, 784), 256.0)).fit(some), "from 0 to 255, found 256"),
        (lambda: handful.dask.KMeans(2, init=np.zeros((2, 3))).fit(some), "does not match the number of features"),
        (lambda: handful.dask.KMeans(2, init=lambda *_, **__: X[:2]).fit(some), "init: expected .* a callable"),
        (lambda: handful.dask.KMeans(2).fit(some[:, 0]), r"expected an array of shape \(n_samples, n_features\)"),
        (lambda: handful.dask.KMeans(2).fit(some[:0]), "X: expected at least one row, found 1 empty partitions"),
        (lambda: handful.dask.KMeans(2).fit(lost), "the disk is gone"),
        (lambda: knn.kneighbors(queries, 51), "Expected n_neighbors <= n_samples_fit"),
        (lambda: knn.kneighbors(None, 50), "Expected n_neighbors < n_samples_fit"),
        (lambda: knn.kneighbors(queries, 0), "Expected n_neighbors > 0"),
        (lambda: knn.predict(partitioned(queries[:, :9], (500,))), "X has 9 features, but KNeighborsClassifier is"),
        (lambda: knn.predict(queries / 7), "X: expected bytes, or whole numbers from 0 to 255"),
    ]:
        with pytest.raises((TypeError, ValueError, OSError), match=told):
            call()


def test_numbers_that_are_whole_are_taken_as_bytes_and_unknown_sizes_are_found_out(client, digits):
    X, y, queries, _ = digits
    X, y, keep = X[:2000], y[:2000], np.arange(2000) % 7 != 0
    expected = handful.KMeans(5, random_state=0, max_iter=3).fit(X[keep])
    rows = partitioned(X.astype(np.float32), (500, 1500))[da.from_array(keep, chunks=1000)]
    assert np.isnan(rows.shape[0])
    assert_same_kmeans(handful.dask.KMeans(5, random_state=0, max_iter=3).fit(rows), expected)
    knn = handful.dask.KNeighborsClassifier().fit(rows, partitioned(y, (500, 1500))[da.from_array(keep, chunks=1000)])
    one = handful.KNeighborsClassifier().fit(X[keep], y[keep])
    lazy = partitioned(queries, (500,))[da.from_array(np.arange(500) % 2 == 0, chunks=500)]
    assert_array_equal(knn.predict(lazy).compute(), one.predict(queries[::2]))


def test_columns_may_be_partitioned_too(client, digits):
    X = digits[0]
    expected = handful.KMeans(5, random_state=0, max_iter=3).fit(X)
    assert_same_kmeans(
        handful.dask.KMeans(5, random_state=0, max_iter=3).fit(da.from_array(X, chunks=(1000, 300))), expected
    )
