"""Types that Rust's side and Python's share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypedDict

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]

#: Of uint8, float32 or float64; C-contiguous.
Vectors = NDArray[Any]

#: Centroids of bytes as sums, and what they are divided by.
Fractions = tuple[NDArray[np.uint64], NDArray[np.uint64]]

#: Rows that are far from their centroids: their numbers, their labels and themselves.
Farthest = tuple[NDArray[np.uint64], NDArray[np.uint32], Bytes]

#: Height and width.
Shape = tuple[int, int]

#: What is done with images: as their content tells, with all of them, or with none.
Choice = Literal["auto", "always", "never"]

#: Called with a stage's name, and how much is done of how much.
Progress = Callable[[str, int, int], None]


class KMeansParams(TypedDict):
    """How K-Means runs."""

    n_clusters: int
    init: str | NDArray[np.float64]
    n_init: int
    max_iter: int
    tol: float
    seed: int


class Provenance(TypedDict):
    """What a model was learned from, and its errors in percent on images held out of that."""

    preset: str | None
    n_samples: int
    sha256: str
    validation_error: float | None
