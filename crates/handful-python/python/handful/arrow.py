"""Digit recognition in any engine that uses Arrow: Spark, Polars, pandas, DuckDB and others.

`Scorer` takes record batches and returns record batches, so it works with any engine. It requires pyarrow:
``pip install "handful[arrow]"``.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.types as types

from handful._jobs import n_threads
from handful._model import Model, load_model
from handful._types import Bytes
from handful._vectors import BYTES

__all__ = ["Scorer"]


class Scorer:
    """Predict the digits in a column of images, batch by batch.

    The column of images may contain picture files of any size, in PNG, JPEG or a similar format. It is then a
    binary column, or a struct with a field `bytes`, as in the Parquet files of Hugging Face. Pictures that are not
    framed yet are put into the model's frame. The column may also contain lists of grey values, one value per pixel
    of the model's images.

    The result contains the other columns unchanged, followed by `prediction`, `confidence` (from 0 to 1) and
    `is_digit`. Predictions have the type of the model's classes: booleans, integers, floats or strings. The
    prediction is null if there is no image, or if the image has no ink.

    Parameters
    ----------
    model : str, path-like or Model, default='everyday'
        A preset, a model file or a model. A file must be accessible on all machines that do the work; a model is
        sent to them.
    column : str, default='image'
        Name of the column of images.
    maximum : float or None, default=None
        Grey value of the brightest ink in lists. None means 255 for lists of whole numbers, and 1 for lists of
        floats.
    n_jobs : int or None, default=1
        Number of threads. The default of one suits engines that run many tasks in parallel; None means all CPUs.

    Notes
    -----
    A scorer can be pickled, so Spark accepts it directly. The model is loaded once in each process.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from handful.arrow import Scorer
    >>> from handful.datasets import load_mnist
    >>> _, _, X_test, _ = load_mnist()
    >>> table = pa.table({"id": [0, 1, 2], "image": X_test[:3].tolist()})
    >>> scored = pa.Table.from_batches(Scorer()(table.to_batches()))
    >>> scored.column_names, scored["prediction"].to_pylist()
    (['id', 'prediction', 'confidence', 'is_digit'], [7, 2, 1])

    In Spark, Polars and pandas::

        scorer = Scorer(column="image")
        frame.mapInArrow(scorer, "id long, prediction long, confidence double, is_digit boolean")
        polars.from_arrow(pyarrow.Table.from_batches(scorer(frame.to_arrow().to_batches())))
        pyarrow.Table.from_batches(scorer(pyarrow.Table.from_pandas(frame).to_batches())).to_pandas()
    """

    def __init__(
        self,
        model: str | os.PathLike[str] | Model = "everyday",
        *,
        column: str = "image",
        maximum: float | None = None,
        n_jobs: int | None = 1,
    ) -> None:
        self.model = model
        self.column = column
        self.maximum = maximum
        self.n_jobs = n_jobs
        self._loaded: Model | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_loaded": None}

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Predict the digits of each batch.

        Parameters
        ----------
        batches : iterable of RecordBatch
            Record batches with a column of images.

        Yields
        ------
        RecordBatch
            One batch per input batch, with the same number of rows.
        """
        if self._loaded is None:
            self._loaded = self.model if isinstance(self.model, Model) else load_model(self.model)
        for number, batch in enumerate(batches):
            yield self._score(self._loaded, batch, number)

    def schema(self, schema: pa.Schema) -> pa.Schema:
        """Return the schema of the result.

        Parameters
        ----------
        schema : Schema
            Schema of the input batches.

        Returns
        -------
        Schema
            The columns of `schema` without the images, followed by the columns of the predictions.
        """
        empty = pa.RecordBatch.from_pylist([], schema=schema)
        return next(self([empty])).schema

    def _score(self, model: Model, batch: pa.RecordBatch, number: int) -> pa.RecordBatch:
        names = batch.schema.names
        if self.column not in names:
            raise ValueError(f"expected a column {self.column!r} of images, found the columns {', '.join(names)}")
        added = ["prediction", "confidence", "is_digit"]
        if taken := [name for name in added if name in names]:
            raise ValueError(
                f"column {taken[0]!r} already exists in the batches, but the predictions need this name: rename it"
            )
        column = batch.column(self.column)
        there = np.flatnonzero(column.is_valid().to_numpy(zero_copy_only=False))
        try:
            rows = _rows(column.drop_null(), model, self.maximum, self.n_jobs)
        except _Wrong as error:
            row = int(there[error.row])
            raise ValueError(f"batch {number}, row {row}, column {self.column!r}: {error.problem}") from None
        found = model._core.explain(rows, n_threads(self.n_jobs)) if len(rows) else None
        labels = model.classes_[found["label"]] if found else model.classes_[:0]
        kind = _kind(labels.dtype)
        columns = [labels.astype(object if kind == pa.string() else kind.to_pandas_dtype())]
        columns += [found["confidence"], found["is_digit"]] if found else [np.empty(0), np.empty(0, bool)]
        kinds = [kind, pa.float64(), pa.bool_()]
        kept = [(name, batch.column(name)) for name in names if name != self.column]
        is_blank = ~found["has_ink"] if found else np.empty(0, bool)
        for name, values, kind in zip(added, columns, kinds, strict=True):
            values = pa.array(values, kind, mask=is_blank if name == "prediction" else None)
            if len(values) < len(column):
                places = np.full(len(column), -1)
                places[there] = np.arange(len(there))
                values = values.take(pa.array(places, mask=places < 0))
            kept.append((name, values))
        return pa.RecordBatch.from_arrays([values for _, values in kept], [name for name, _ in kept])


def _kind(dtype: np.dtype[Any]) -> Any:
    """Return the type of a column of classes: engines support only one size of integers and of floats."""
    if dtype == np.uint64:
        return pa.uint64()
    return {"i": pa.int64(), "u": pa.int64(), "f": pa.float64(), "b": pa.bool_()}.get(dtype.kind, pa.string())


class _Wrong(Exception):
    """A row is not a valid image."""

    def __init__(self, row: int, problem: str) -> None:
        self.row, self.problem = row, problem


def _rows(column: pa.Array, model: Model, maximum: float | None, n_jobs: int | None) -> Bytes:
    """Convert a column of images, without nulls, to rows of bytes."""
    kind, n_pixels = column.type, model.n_features_in_
    if isinstance(column, pa.ExtensionArray):
        return _rows(column.storage, model, maximum, n_jobs)
    if types.is_struct(kind) and kind.get_field_index("bytes") >= 0:
        column = column.field("bytes")
        kind = column.type
    if types.is_binary(kind) or types.is_large_binary(kind):
        files = column.to_pylist()
        if None in files:
            raise _Wrong(files.index(None), "expected the bytes of a picture, found none")
        try:
            return model._core.read_pictures(files, n_threads(n_jobs))
        except ValueError as error:
            if len(error.args) == 2:
                raise _Wrong(*error.args) from None
            raise
    is_list = types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind)
    if is_list and (types.is_integer(kind.value_type) or types.is_floating(kind.value_type)):
        lengths = column.value_lengths().to_numpy() if not types.is_fixed_size_list(kind) else [kind.list_size]
        if len(wrong := np.flatnonzero(np.asarray(lengths) != n_pixels)):
            raise _Wrong(int(wrong[0]), f"expected {n_pixels} grey values, found {lengths[wrong[0]]}")
        values = column.flatten()
        if values.null_count:
            raise _Wrong(int(np.argmin(values.is_valid())) // n_pixels, "expected grey values, found a null")
        most = maximum if maximum is not None else 255.0 if types.is_integer(kind.value_type) else 1.0
        grey = values.to_numpy(zero_copy_only=False).reshape(-1, n_pixels)
        # The negation also catches NaN, which is in no range.
        if len(outside := np.argwhere(~((grey >= 0) & (grey <= most)))):
            row, pixel = outside[0]
            raise _Wrong(int(row), f"expected grey values from 0 to {most:g}, found {grey[row, pixel]:g}")
        if grey.dtype == BYTES and most == 255:
            return np.asarray(grey, BYTES)
        return np.asarray(np.rint(grey * (255 / most)), BYTES)
    raise ValueError(f"expected a column of pictures (binary) or of lists of grey values, found {kind}")
