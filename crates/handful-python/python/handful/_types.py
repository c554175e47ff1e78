"""Types that the Rust and the Python code share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypedDict

import numpy as np
from numpy.typing import ArrayLike, NDArray

Bytes = NDArray[np.uint8]

#: Arrays of uint8, float32 or float64; C-contiguous.
Vectors = NDArray[Any]

Distances = NDArray[np.float64]
Indices = NDArray[np.int64]

#: Weight of each vote: the name of a rule, or a function of the distances.
Weights = str | Callable[[Distances], ArrayLike] | None

#: Exact centroids of bytes: sums and their divisors.
Fractions = tuple[NDArray[np.uint64], NDArray[np.uint64]]

#: Rows that are farthest from their centroids: their indices, their labels and the rows themselves.
Farthest = tuple[NDArray[np.uint64], NDArray[np.uint32], Bytes]

#: Height and width.
Shape = tuple[int, int]

#: Whether to process images: depending on their content, always or never.
Choice = Literal["auto", "always", "never"]

#: Callback of a stage's name, the amount of work done and the total amount.
Progress = Callable[[str, int, int], None]


class KMeansParams(TypedDict):
    """Parameters of K-Means."""

    n_clusters: int
    init: str | NDArray[np.float64]
    n_init: int
    max_iter: int
    tol: float
    seed: int


class TrainingOptions(TypedDict):
    """How the recipe of a preset is changed and fitted."""

    preset: str
    seed: int | None
    #: Number of prototypes per class, 0 for all images; None as the preset.
    prototypes: int | None
    n_neighbors: int | None
    inverted: bool
    n_lists: int | None
    n_probe: int | None
    calibrates: bool
    pictures: bool


class Provenance(TypedDict):
    """How a model was trained, and its error in percent on held-out training images."""

    preset: str | None
    n_samples: int
    sha256: str
    validation_error: float | None
    n_taught: int
