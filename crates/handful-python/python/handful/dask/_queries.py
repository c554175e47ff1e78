"""Rows that are asked about: in memory, or in a Dask array, which is answered by a Dask array."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import dask.array as da
import numpy as np
from dask.delayed import Delayed

from handful._types import Bytes
from handful._vectors import BYTES, validate
from handful.dask._partitions import byte_blocks, dask_array
from handful.dask._work import check_workers


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


def accuracy(estimator: Any, in_memory: Callable[..., float], X: Any, y: Any, sample_weight: Any) -> float:
    """Return the share of rows that are predicted right, counted where the rows are."""
    if not is_dask(X):
        return in_memory(X, y, sample_weight)
    if sample_weight is not None:
        raise ValueError("sample_weight: expected none for rows in a Dask array, found some")
    right = estimator.predict(X) == y
    return float(right.mean().compute())
