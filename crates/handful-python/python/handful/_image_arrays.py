"""Conversion of arrays of images, of any of the usual shapes, to rows of bytes."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from sklearn.utils import check_array

from handful._types import Bytes, Shape
from handful._vectors import BYTES, as_vectors
from handful._warnings import NoInkWarning


def warn_of_blank(rows: Bytes, stacklevel: int) -> None:
    """Warn if images have no ink."""
    blank = np.flatnonzero(rows.min(axis=1) == rows.max(axis=1))
    if len(blank):
        count = "1 image has" if len(blank) == 1 else f"{len(blank)} images have"
        message = (
            f"{count} no ink (all pixels are equal), the first at index {blank[0]}: "
            "a prediction without ink means nothing"
        )
        warnings.warn(message, NoInkWarning, stacklevel=stacklevel)


def images(X: Any, image_shape: Shape | None = None, n_jobs: int | None = None) -> Bytes:
    """Check images, or a single image if the shape is known, and return them as rows of bytes."""
    X = check_array(X, allow_nd=True, input_name="X")
    if image_shape is not None:
        height, width = image_shape
        one = [(height, width), (height, width, 1)]
        many = [(height * width,), *one, (1, height, width)]
        if X.shape in one and X.shape[1:] not in many:
            X = X[None]
        elif X.shape[1:] not in many:
            raise ValueError(
                f"X: expected images of {height} x {width} pixels in an array of shape (n, {height * width}), "
                f"(n, {height}, {width}), (n, {height}, {width}, 1) or, for one image, ({height}, {width}); "
                f"found shape {X.shape}"
            )
    X = X.reshape(len(X), -1)
    if X.dtype.kind == "f" and X.min() >= 0 and X.max() <= 1:
        return np.asarray(np.rint(X * 255), dtype=BYTES)
    rows = as_vectors(X, n_jobs)
    if rows.dtype != BYTES:
        raise ValueError("X: expected whole grey values from 0 to 255, or floats from 0 to 1, found other numbers")
    return rows


def own_shape(X: Any) -> Shape | None:
    """Return the height and width of images, or None if they are rows."""
    shape = np.shape(X)[1:]
    if len(shape) == 3 and 1 in (shape[0], shape[2]):
        shape = shape[:2] if shape[2] == 1 else shape[1:]
    return shape if len(shape) > 1 else None


def as_array(X: Any) -> Any:
    """Return images as something that has a shape, such as an array or a table."""
    return X if hasattr(X, "shape") else np.asarray(X)
