"""Queries in memory or in a Dask array. The result for a Dask array is a Dask array."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dask.array as da
import numpy as np
from dask.delayed import Delayed
from sklearn.base import ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from handful._types import Bytes
from handful._vectors import BYTES, validate
from handful.dask._partitions import byte_blocks, dask_array
from handful.dask._work import TASK_THREADS, check_workers, same, task


def is_dask(X: Any) -> bool:
    """Return whether rows are processed by partition."""
    return isinstance(X, da.Array)


def query_blocks(estimator: Any, X: da.Array) -> tuple[list[Delayed], list[float]]:
    """Return the partitions of a Dask array as bytes, and their sizes, which are NaN if unknown."""
    X, name = dask_array(X, type(estimator).__name__), type(estimator).__name__
    if not np.isnan(X.shape[1]) and X.shape[1] != estimator.n_features_in_:
        raise ValueError(
            f"X has {X.shape[1]} features, but {name} is expecting {estimator.n_features_in_} features as input."
        )
    check_workers()
    return byte_blocks(X), list(X.chunks[0])


def bytes_in_memory(estimator: Any, X: Any) -> Bytes:
    """Check rows as scikit-learn does; they must be bytes, like the fitted rows."""
    rows: Bytes = validate(estimator, X, reset=False)
    if rows.dtype != BYTES:
        raise ValueError("X: expected bytes, or whole numbers from 0 to 255, found other numbers: scale them to bytes")
    return rows


def joined(blocks: list[Delayed], sizes: Sequence[float], dtype: np.dtype[Any], *columns: int) -> da.Array:
    """Concatenate the results of the partitions into one array."""
    parts = [da.from_delayed(block, (size, *columns), dtype) for block, size in zip(blocks, sizes, strict=True)]
    return da.concatenate(parts)


def answers(estimator: Any, kind: type[Any], method: str, X: da.Array) -> tuple[list[Delayed], list[float]]:
    """Call a method on each partition, with a copy of the estimator as class `kind`, which is for rows in memory."""
    check_is_fitted(estimator)
    blocks, sizes = query_blocks(estimator, X)
    copy = object.__new__(kind)
    # Dask arrays about the fitted rows, such as `labels_`, are not copied.
    known = {name: value for name, value in vars(estimator).items() if not is_dask(value)}
    vars(copy).update(known, n_jobs=TASK_THREADS, verbose=0)
    model = task("model", same, copy)
    return [task(method, _ask, model, method, block) for block in blocks], sizes


def answer(estimator: Any, kind: type[Any], method: str, X: Any, dtype: np.dtype[Any], *columns: int) -> Any:
    """Call a method of class `kind` on rows in memory or in a Dask array."""
    if not is_dask(X):
        return getattr(kind, method)(estimator, X)
    return joined(*answers(estimator, kind, method, X), dtype, *columns)


def _ask(model: Any, method: str, rows: Bytes) -> Any:
    """Call a method on rows; there may be none."""
    if len(rows):
        return getattr(model, method)(rows)
    return np.atleast_1d(getattr(model, method)(np.zeros((1, rows.shape[1]), BYTES)))[:0]


class Scored(ClassifierMixin):  # type: ignore[misc]
    """Mixin of classifiers whose accuracy is computed on the workers for a Dask array."""

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the accuracy on labelled samples.

        Parameters
        ----------
        X : dask.array.Array or array-like of shape (n_queries, n_features)
            Samples to classify.
        y : dask.array.Array or array-like of shape (n_queries,)
            True class of each sample.
        sample_weight : array-like of shape (n_queries,), default=None
            Weight of each sample. Only supported for samples in memory.

        Returns
        -------
        float
            The share of samples that are classified correctly.
        """
        if not is_dask(X):
            return float(super().score(X, y, sample_weight))
        check_unweighted(sample_weight)
        right = self.predict(X) == y
        return float(right.mean().compute())


def check_unweighted(sample_weight: Any) -> None:
    """Raise an error for weights: estimators have this parameter for scikit-learn's sake."""
    if sample_weight is not None:
        raise ValueError("sample_weight: expected None, because Dask arrays cannot be weighted, found weights")
