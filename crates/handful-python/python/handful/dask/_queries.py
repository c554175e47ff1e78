"""Rows that are asked about: in memory, or in a Dask array, which is answered by a Dask array."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import dask.array as da
import numpy as np
from dask.delayed import Delayed
from sklearn.utils.validation import check_is_fitted

from handful._types import Bytes
from handful._vectors import BYTES, validate
from handful.dask._partitions import byte_blocks, dask_array
from handful.dask._work import TASK_THREADS, check_workers, same, task


def is_dask(X: Any) -> bool:
    """Tell whether rows are answered partition by partition."""
    return isinstance(X, da.Array)


def query_blocks(estimator: Any, X: da.Array) -> tuple[list[Delayed], list[float]]:
    """Return the partitions of a Dask array as bytes, and their sizes, which may not be known (NaN)."""
    X, name = dask_array(X, type(estimator).__name__), type(estimator).__name__
    if not np.isnan(X.shape[1]) and X.shape[1] != estimator.n_features_in_:
        raise ValueError(
            f"X has {X.shape[1]} features, but {name} is expecting {estimator.n_features_in_} features as input."
        )
    check_workers()
    return byte_blocks(X), list(X.chunks[0])


def bytes_in_memory(estimator: Any, X: Any) -> Bytes:
    """Check rows as scikit-learn does; they must be bytes, as those that the estimator was fitted on."""
    rows: Bytes = validate(estimator, X, reset=False)
    if rows.dtype != BYTES:
        raise ValueError("X: expected bytes, or whole numbers from 0 to 255, found others; scale them to bytes")
    return rows


def joined(blocks: list[Delayed], sizes: Sequence[float], dtype: np.dtype[Any], *columns: int) -> da.Array:
    """Return arrays, of which each is the answer to a partition, as one."""
    parts = [da.from_delayed(block, (size, *columns), dtype) for block, size in zip(blocks, sizes, strict=True)]
    return da.concatenate(parts)


def answers(estimator: Any, kind: type[Any], method: str, X: da.Array) -> tuple[list[Delayed], list[float]]:
    """Ask a copy of an estimator, which is one of a kind for rows in memory, about each partition."""
    check_is_fitted(estimator)
    blocks, sizes = query_blocks(estimator, X)
    copy = object.__new__(kind)
    # What is told of the rows that it was fitted on stays with them.
    known = {name: value for name, value in vars(estimator).items() if not is_dask(value)}
    vars(copy).update(known, n_jobs=TASK_THREADS, verbose=0)
    model = task("model", same, copy)
    return [task(method, _ask, model, method, block) for block in blocks], sizes


def answer(estimator: Any, kind: type[Any], method: str, X: Any, dtype: np.dtype[Any], *columns: int) -> Any:
    """Return what an estimator that is one of a kind for rows in memory says of rows, wherever they are."""
    if not is_dask(X):
        return getattr(kind, method)(estimator, X)
    return joined(*answers(estimator, kind, method, X), dtype, *columns)


def _ask(model: Any, method: str, rows: Bytes) -> Any:
    """Ask about rows, of which there may be none."""
    if len(rows):
        return getattr(model, method)(rows)
    return np.atleast_1d(getattr(model, method)(np.zeros((1, rows.shape[1]), BYTES)))[:0]


def accuracy(estimator: Any, in_memory: Callable[..., float], X: Any, y: Any, sample_weight: Any) -> float:
    """Return the share of rows that are predicted right, counted where the rows are."""
    if not is_dask(X):
        return in_memory(X, y, sample_weight)
    if sample_weight is not None:
        raise ValueError("sample_weight: expected none for rows in a Dask array, found some")
    right = estimator.predict(X) == y
    return float(right.mean().compute())
