"""Parquet files that are read on the workers."""

from io import BytesIO

import handful
import handful.dask
import numpy as np
import polars as pl
import pytest
from numpy.testing import assert_array_equal
from PIL import Image

from cluster.shared import assert_same_prototypes


def png(image):
    file = BytesIO()
    Image.fromarray(image.reshape(28, 28)).save(file, "PNG")
    return file.getvalue()


def write_parquet(path, X, y, group, damaged=None):
    """Write a file as those on Hugging Face are, with one picture that is none perhaps."""
    image = [{"bytes": png(row), "path": f"{number}.png"} for number, row in enumerate(X)]
    if damaged is not None:
        image[damaged]["bytes"] = b"no picture"
    pl.DataFrame({"image": image, "label": y}).write_parquet(path, row_group_size=group)


@pytest.fixture(scope="module")
def folder(tmp_path_factory, digits):
    X, y, queries, labels = digits
    folder = tmp_path_factory.mktemp("parquet")
    (folder / "data").mkdir()
    write_parquet(folder / "data" / "train-00000-of-00002.parquet", X[:330], y[:330], 100)
    write_parquet(folder / "data" / "train-00001-of-00002.parquet", X[330:600], y[330:600], 50)
    write_parquet(folder / "data" / "test-00000-of-00001.parquet", queries[:60], labels[:60], 1000)
    return folder


def test_parquet_is_decoded_partition_by_partition(client, digits, folder):
    X, y = handful.dask.read_parquet(folder, partition_rows=200)
    assert X.chunks == ((200, 130, 200, 70), (784,))
    assert y.chunks == ((200, 130, 200, 70),)
    assert_array_equal(X.compute(), digits[0][:600])
    assert_array_equal(y.compute(), digits[1][:600])
    assert (X.dtype, y.dtype) == (X.compute().dtype, y.compute().dtype) == (np.uint8, np.int64)
    queries, labels = handful.dask.read_parquet(folder, split="test")
    assert queries.shape == (60, 784)
    one = handful.KNeighborsClassifier(3).fit(digits[0][:600], digits[1][:600])
    found = handful.dask.KNeighborsClassifier(3).fit(X, y)
    assert found.score(queries, labels) == one.score(digits[2][:60], digits[3][:60])
    assert_same_prototypes(
        handful.dask.PrototypeClassifier(2, random_state=0).fit(X, y),
        handful.PrototypeClassifier(2, random_state=0).fit(digits[0][:600], digits[1][:600]),
    )


def test_labels_of_parquet_may_be_names(client, digits, tmp_path):
    names = np.array(["seven", "one", "no", "1"] * 5)
    write_parquet(tmp_path / "train.parquet", digits[0][:20], names, 8)
    y = handful.dask.read_parquet(tmp_path, partition_rows=1).y
    assert y.chunks == ((8, 8, 4),)
    assert_array_equal(y.compute(), names)


def test_what_is_wrong_with_parquet_is_told(client, digits, folder, tmp_path):
    X, y = digits[0][:10], digits[1][:10]
    with pytest.raises(FileNotFoundError, match="expected files such as validation-00000-of-00001.parquet, found te"):
        handful.dask.read_parquet(folder, split="validation")
    with pytest.raises(FileNotFoundError, match="expected a folder of Parquet files, found no such folder"):
        handful.dask.read_parquet(tmp_path / "nowhere")
    with pytest.raises(ValueError, match="partition_rows: expected at least 1, found 0"):
        handful.dask.read_parquet(folder, partition_rows=0)
    write_parquet(tmp_path / "train-00001-of-00002.parquet", X, y, 4, damaged=6)
    with pytest.raises(FileNotFoundError, match="expected 2 files of train, .* found 1"):
        handful.dask.read_parquet(tmp_path)
    write_parquet(tmp_path / "train-00000-of-00002.parquet", X, y, 4)
    found = handful.dask.read_parquet(tmp_path, partition_rows=1)
    assert_array_equal(found.y.compute(), np.concatenate([y, y]))
    for call in (found.X.compute, lambda: handful.dask.KMeans(2).fit(found.X)):
        with pytest.raises(ValueError, match=r"train-00001-of-00002.parquet.*row 7"):
            call()
    (tmp_path / "train-00001-of-00002.parquet").unlink()
    with pytest.raises(FileNotFoundError, match="must be at the same place on every worker"):
        found.y.compute()
