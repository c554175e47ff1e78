"""Digits in Arrow's batches, from the engines that speak it."""

import io
import pickle

import handful
import matplotlib.image
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from handful.arrow import Scorer


@pytest.fixture(scope="module")
def digits():
    _, _, X_test, _ = handful.datasets.load_mnist()
    X = X_test[:60]
    return X, handful.load_model().predict(X)


def png(row):
    file = io.BytesIO()
    matplotlib.image.imsave(file, row.reshape(28, 28), cmap="gray", vmin=0, vmax=255, format="png")
    return file.getvalue()


def scored(table, **kwargs):
    return pa.Table.from_batches(Scorer(**kwargs)(table.to_batches(max_chunksize=25)))


def test_every_kind_of_column_gives_the_models_predictions(digits):
    X, expected = digits
    pictures = [png(row) for row in X]
    flat = pa.array(X.ravel())
    offsets = np.arange(len(X) + 1) * 784
    columns = [
        pa.array(pictures),
        pa.array(pictures, pa.large_binary()),
        pa.array([{"bytes": picture, "path": None} for picture in pictures]),
        pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), flat),
        pa.LargeListArray.from_arrays(pa.array(offsets, pa.int64()), flat),
        pa.FixedSizeListArray.from_arrays(flat, 784),
        pa.FixedSizeListArray.from_arrays(pa.array(X.ravel() / 255), 784),
    ]
    for column in columns:
        found = scored(pa.table({"id": range(60), "image": column, "label": ["?"] * 60}))
        assert found.column_names == ["id", "label", "prediction", "confidence", "is_digit"]
        assert found["prediction"].to_pylist() == expected.tolist(), column.type
        assert found["id"].to_pylist() == list(range(60))
        assert all(0 < confidence <= 1 for confidence in found["confidence"].to_pylist())


def test_frames_of_polars_and_pandas_come_back_with_predictions(digits):
    X, expected = digits
    frame = pl.DataFrame({"id": range(60), "image": [png(row) for row in X]})
    found = pl.from_arrow(pa.Table.from_batches(Scorer()(frame.to_arrow().to_batches())))
    assert found["prediction"].to_list() == expected.tolist()
    frame = pd.DataFrame({"pixels": list(X)})
    table = pa.Table.from_pandas(frame)
    found = pa.Table.from_batches(Scorer(column="pixels")(table.to_batches())).to_pandas()
    assert found["prediction"].tolist() == expected.tolist()


def test_a_pickled_scorer_takes_its_model_along(digits, tmp_path):
    X, expected = digits
    table = pa.table({"image": pa.FixedSizeListArray.from_arrays(pa.array(X.ravel()), 784)})
    model = handful.load_model()
    model.save(tmp_path / "own.safetensors")
    for choice in ["everyday", model, tmp_path / "own.safetensors"]:
        scorer = Scorer(choice)
        next(scorer(table.to_batches()))
        size = len(pickle.dumps(scorer))
        assert (size > 100_000) == (choice is model)
        batches = pickle.loads(pickle.dumps(scorer))(table.to_batches())
        assert pa.Table.from_batches(batches)["prediction"].to_pylist() == expected.tolist()


def test_rows_without_an_image_have_no_prediction_and_empty_batches_are_such(digits):
    X, expected = digits
    table = pa.table({"id": [0, 1, 2], "image": [png(X[0]), None, png(X[2])]})
    found = scored(table)
    assert found["prediction"].to_pylist() == [expected[0], None, expected[2]]
    assert found["is_digit"].to_pylist() == [True, None, True]
    scorer = Scorer()
    assert scorer.schema(table.schema) == found.schema
    assert next(scorer([pa.RecordBatch.from_pylist([], schema=table.schema)])).schema == found.schema
    nulls = pa.record_batch({"image": pa.nulls(4, pa.binary())})
    assert next(scorer([nulls])).column("prediction").null_count == 4


@pytest.mark.parametrize(
    ("column", "problem"),
    [
        ([b"GIF", b"no picture"], "batch 0, row 0, column 'image': "),
        ([[0] * 784, [0] * 783], "row 1, column 'image': expected 784 grey values, found 783"),
        ([[0] * 784, [None] * 784], "row 1, column 'image': expected grey values, found a null"),
        (["a", "b"], "expected a column of pictures .binary. or of lists of grey values, found string"),
        ([[7] * 784, [300] * 784], "batch 0, row 1, column 'image': expected grey values from 0 to 255, found 300"),
        ([[0.5] * 784, [float("nan")] * 784], "row 1, column 'image': expected grey values from 0 to 1, found nan"),
    ],
)
def test_what_is_no_image_is_told_with_its_row(column, problem):
    with pytest.raises(ValueError, match=problem):
        list(Scorer()(pa.table({"image": column}).to_batches()))


def test_floats_are_scaled_alike_however_batches_are_cut(digits):
    X, expected = digits
    column = pa.FixedSizeListArray.from_arrays(pa.array(X.ravel().astype(np.float32)), 784)
    dark = pa.record_batch({"image": pa.array([[1.0] * 300 + [0.0] * 484])})
    assert scored(pa.table({"image": column}), maximum=255.0)["prediction"].to_pylist() == expected.tolist()
    assert next(Scorer(maximum=255.0)([dark])) != next(Scorer()([dark]))


@pytest.mark.parametrize(
    ("labels", "kind"),
    [(np.int8, pa.int64()), (np.uint64, pa.uint64()), (bool, pa.bool_()), (float, pa.float64()), (str, pa.string())],
)
def test_predictions_are_of_the_type_of_labels(digits, labels, kind):
    X_train, y_train, _, _ = handful.datasets.load_mnist()
    model = handful.train_model(X_train[:500], (y_train[:500] % 2).astype(labels), preset="notebook")
    table = pa.table({"image": pa.FixedSizeListArray.from_arrays(pa.array(digits[0].ravel()), 784)})
    found = scored(table, model=model)["prediction"]
    assert found.type == kind
    assert found.to_pylist() == model.predict(digits[0]).tolist()


def test_wrong_columns_are_told():
    batch = pa.record_batch({"picture": [b""], "prediction": [1]})
    with pytest.raises(ValueError, match="expected a column 'image' of images, found the columns picture, prediction"):
        list(Scorer()([batch]))
    with pytest.raises(ValueError, match="'prediction' already exists in the batches"):
        list(Scorer(column="picture")([batch]))
