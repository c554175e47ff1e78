"""Rows and labels of Dask arrays. They are checked on the workers and stay there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import dask.array as da
import numpy as np
from dask.delayed import Delayed
from numpy.typing import NDArray
from sklearn.utils import column_or_1d
from sklearn.utils.multiclass import check_classification_targets

from handful._types import Bytes
from handful._vectors import BYTES, as_vectors
from handful.dask._work import TASK_THREADS, check_workers, compute, persist, spread, task


@dataclass(frozen=True)
class Partitions:
    """Rows of bytes on the workers, in the order of their partitions."""

    blocks: list[Delayed]
    sizes: list[int]
    n_features: int

    @classmethod
    def of(cls, X: Any, name: str) -> Partitions:
        """Have the workers load and check the partitions of `X`."""
        X = dask_array(X, name)
        check_workers()
        # Persist `X` as its owner would, so that partitions that are already loaded are not loaded again.
        blocks = blocks_of(X.persist()) if X.dtype == BYTES else persist(byte_blocks(X))
        shapes = compute([task("check", _shape, block, number) for number, block in enumerate(blocks)])
        sizes, widths = [shape[0] for shape in shapes], [shape[1] for shape in shapes]
        if not (n_samples := sum(sizes)):
            raise ValueError(f"X: expected at least one row, found {len(shapes)} empty partitions")
        # The width of an empty partition does not matter.
        n_features = widths[np.argmax(np.array(sizes) > 0)]
        for number, (size, width) in enumerate(shapes):
            if size and width != n_features:
                raise ValueError(
                    f"partition {number}: expected rows of {n_features} features, like the partitions before it, "
                    f"found {width}"
                )
        if n_features == 0:
            raise ValueError(f"X: expected at least one feature, found {n_samples} rows without features")
        return cls(spread(blocks, sizes), sizes, n_features)

    @property
    def starts(self) -> list[int]:
        """Index of the first row of each partition."""
        return [0, *np.cumsum(self.sizes).tolist()][:-1]

    def __len__(self) -> int:
        return sum(self.sizes)

    def filled(self) -> list[int]:
        """Return the numbers of the non-empty partitions."""
        return [number for number, size in enumerate(self.sizes) if size]


def dask_array(X: Any, name: str) -> da.Array:
    """Check that `X` is a Dask array of two dimensions; return it with whole rows in each partition."""
    if not isinstance(X, da.Array):
        raise TypeError(
            f"X: expected a Dask array, found {type(X).__name__}; make one with dask.array.from_array, or "
            f"the to_dask_array() of a Dask data frame, or use handful.{name} for rows in this process's memory"
        )
    if X.ndim != 2:
        raise ValueError(f"X: expected an array of shape (n_samples, n_features), found {X.ndim} dimension(s)")
    return X if X.numblocks[1] == 1 else X.rechunk({1: -1})


def blocks_of(X: da.Array) -> list[Delayed]:
    """Return the partitions, without optimising the graph: that is done once, when it is complete."""
    return list(X.to_delayed(optimize_graph=False).ravel())


def byte_blocks(X: da.Array) -> list[Delayed]:
    """Return the partitions unchanged if their dtype is bytes; otherwise, convert them to bytes."""
    blocks = blocks_of(X)
    if X.dtype == BYTES:
        return blocks
    return [task("bytes", as_bytes, block, number) for number, block in enumerate(blocks)]


def as_bytes(block: Any, number: int) -> Bytes:
    """Convert a partition to bytes; its numbers must be whole and from 0 to 255."""
    if not isinstance(block, np.ndarray) or block.ndim != 2 or block.dtype.kind not in "buif":
        raise TypeError(f"partition {number}: expected a NumPy array of numbers, found {_kind(block)}")
    rows: Bytes = as_vectors(block, TASK_THREADS)
    if rows.dtype == BYTES:
        return rows
    fits = (block >= 0) & (block <= 255) & (block == np.floor(block))
    row, column = np.argwhere(~fits)[0].tolist()
    raise ValueError(
        f"partition {number}, row {row} of it: expected bytes, or whole numbers from 0 to 255, found "
        f"{block[row, column]} in column {column}; clean the data, or scale it to bytes"
    )


def _shape(block: Any, number: int) -> tuple[int, int]:
    if not isinstance(block, np.ndarray) or block.ndim != 2 or block.dtype != BYTES:
        raise TypeError(
            f"partition {number}: expected an array of bytes, as the Dask array declares, found {_kind(block)}: "
            "convert it, or declare what it is (dtype and meta of dask.array.map_blocks or from_delayed)"
        )
    return len(block), block.shape[1]


def _kind(block: Any) -> str:
    if isinstance(block, np.ndarray):
        return f"an array of {block.dtype} of shape {block.shape}"
    return type(block).__name__


@dataclass(frozen=True)
class Labels:
    """The class of each row as a number, in partitions on the workers."""

    classes: NDArray[Any]
    blocks: list[Delayed]
    counts: NDArray[np.int64]

    @classmethod
    def of(cls, y: Any, rows: Partitions) -> Labels:
        """Number the classes of `y`, and align them with the rows."""
        blocks = blocks_of(labels_beside(y, rows).persist())
        found = compute(
            [
                task("classes", _classes, block, number, size)
                for number, (block, size) in enumerate(zip(blocks, rows.sizes, strict=True))
            ]
        )
        there = [(number, classes) for number, classes in enumerate(found) if len(classes)]
        first, kind = there[0][0], there[0][1].dtype.kind
        for number, names in there:
            if names.dtype.kind != kind:
                raise TypeError(
                    f"partition {number}: expected labels of {there[0][1].dtype}, as in partition {first}, found "
                    f"{names.dtype}; convert y to one type"
                )
        classes = np.unique(np.concatenate([names for _, names in there]))
        check_classification_targets(classes)
        numbers = persist([task("labels", np.searchsorted, classes, block) for block in blocks])
        counts = compute([task("count", np.bincount, block, None, len(classes)) for block in numbers])
        return cls(classes, numbers, np.array(counts, np.int64))


def labels_beside(y: Any, rows: Partitions) -> da.Array:
    """Return `y` as a Dask array with the same partitions as the rows."""
    sizes = tuple(rows.sizes)
    if not isinstance(y, da.Array):
        y = column_or_1d(y)
        if len(y) != len(rows):
            raise ValueError(f"y: expected a label for each of {len(rows)} rows, found {len(y)}")
        y = da.from_array(y, chunks=(sizes,))
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.ndim != 1:
        raise ValueError(f"y: expected one label for each row, found an array of {y.ndim} dimensions")
    if not np.isnan(y.chunks[0]).any():
        if y.shape[0] != len(rows):
            raise ValueError(f"y: expected a label for each of {len(rows)} rows, found {y.shape[0]}")
        y = y.rechunk((sizes,))
    elif y.numblocks[0] != len(sizes):
        raise ValueError(f"y: expected {len(sizes)} partitions, as many as X has, found {y.numblocks[0]}")
    return y


def _classes(block: Any, number: int, size: int) -> NDArray[Any]:
    if not isinstance(block, np.ndarray) or block.shape != (size,):
        raise ValueError(f"partition {number}: expected labels for {size} rows, found {_kind(block)}")
    missing = block != block if block.dtype.kind in "fcO" else np.zeros(size, bool)
    if block.dtype.kind == "O":
        missing = missing | (block == None)  # noqa: E711
    if missing.any():
        row = int(np.argmax(missing))
        raise ValueError(f"partition {number}, row {row} of it: expected a label, found {block[row]}")
    try:
        return np.unique(block)
    except TypeError as error:
        raise TypeError(
            f"partition {number}: expected labels that can be sorted, such as only numbers ({error})"
        ) from None
