"""Conversion of the input of estimators to arrays that Rust reads without a copy."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import assert_all_finite, check_consistent_length, column_or_1d
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import validate_data

from handful import _core
from handful._jobs import n_threads
from handful._types import Vectors

BYTES = np.dtype(np.uint8)

#: The sum of squared differences of larger numbers might overflow.
LARGEST = 1e150


def validate(estimator: Any, X: Any, *, reset: bool, finite: bool = True) -> Vectors:
    """Check `X` as scikit-learn does, and convert it to vectors."""
    return as_vectors(validate_data(estimator, X, reset=reset, ensure_all_finite=finite), estimator.n_jobs)


def check_labelled(estimator: Any, X: Any, y: Any) -> tuple[Vectors, Any]:
    """Check samples and their labels as scikit-learn does."""
    if y is None:
        raise ValueError(f"{type(estimator).__name__} requires y to be passed, but the target y is None")
    return validate(estimator, X, reset=True), y


def as_vectors(X: NDArray[Any], n_jobs: int | None = None) -> Vectors:
    """Return bytes if all numbers are whole and from 0 to 255, otherwise floats; avoid a copy if possible."""
    if X.dtype.kind == "b" or (X.dtype.kind in "iu" and X.dtype != BYTES and are_bytes(X)):
        X = X.astype(BYTES)
    elif X.dtype.kind != "f" and X.dtype != BYTES:
        X = X.astype(np.float64)
    elif X.dtype.kind == "f":
        # Half floats become single; long doubles become double; the other byte order becomes the native one.
        X = np.require(X, np.float32 if X.dtype.itemsize <= 4 else np.float64, ["ALIGNED"])
        bytes_ = _core.whole_bytes(X, n_threads(n_jobs))
        X = X if bytes_ is None else bytes_
    return np.require(X, requirements=["C_CONTIGUOUS", "ALIGNED"])


def are_bytes(X: NDArray[Any]) -> bool:
    """Return whether all integers are from 0 to 255."""
    return X.size == 0 or bool(X.min() >= 0 and X.max() <= 255)


def check_squares(X: NDArray[Any]) -> None:
    """Raise an error for numbers that are too large to be squared, as the Rust code does."""
    if X.dtype.itemsize > 4 and max(-X.min(), X.max()) > LARGEST:
        row, column = np.argwhere(np.abs(X) > LARGEST)[0]
        found = X[row, column]
        raise ValueError(f"row {row}, feature {column}: expected a finite number from -1e150 to 1e150, found {found}")


def numbered(X: Vectors, y: Any) -> tuple[NDArray[Any], NDArray[np.intp]]:
    """Check the classes of the rows; return the sorted classes, and the index of each row's class."""
    y = column_or_1d(y, warn=True)
    assert_all_finite(y, input_name="y")
    check_consistent_length(X, y)
    try:
        classes, numbers = np.unique(y, return_inverse=True)
    except TypeError as error:
        raise TypeError(f"y: expected classes that can be sorted, such as only numbers ({error})") from None
    check_classification_targets(y)
    return classes, numbers


def convert(X: Vectors, dtype: np.dtype[Any]) -> Vectors:
    """Convert `X` to a type that can hold its numbers."""
    # An array from another process may be unaligned.
    return np.require(X, dtype, ["C_CONTIGUOUS", "ALIGNED"])
