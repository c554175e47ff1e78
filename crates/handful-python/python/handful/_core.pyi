"""Types of what is in Rust."""

from os import PathLike
from pathlib import Path
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from handful._types import Bytes as _Bytes
from handful._types import KMeansParams as _KMeansParams
from handful._types import Progress as _Progress
from handful._types import Provenance as _Provenance
from handful._types import Shape as _Shape

__all__ = [
    "Index",
    "Model",
    "__version__",
    "deskew",
    "frame",
    "gradients",
    "kmeans",
    "kmeans_per_class",
    "load",
    "locate",
    "look_up",
    "nearest_centroids",
    "nearest_exact",
    "radial_variance",
    "user_folder",
    "whole_bytes",
]

_Floats = NDArray[np.float32] | NDArray[np.float64]

__version__: str

def whole_bytes(x: _Floats, n_threads: int) -> _Bytes | None: ...
def locate() -> Path: ...
def user_folder() -> Path | None: ...
def load(
    path: str | PathLike[str],
) -> tuple[tuple[_Bytes, NDArray[np.uint32]], tuple[_Bytes, NDArray[np.uint32]], list[str]]: ...
def deskew(images: _Bytes, image_shape: _Shape, normalize: float, n_threads: int) -> _Bytes: ...
def gradients(images: _Bytes, image_shape: _Shape, n_bins: int, n_cells: int, n_threads: int) -> _Bytes: ...
def frame(picture: _Bytes, image_shape: _Shape) -> _Bytes: ...
def radial_variance(x: _Bytes, atoms: _Bytes, spread: float, n_threads: int) -> float: ...
def look_up(x: _Bytes, atoms: _Bytes, variance: float | None, n_threads: int) -> _Bytes: ...
def kmeans(
    x: NDArray[Any],
    params: _KMeansParams,
    sample_weight: NDArray[np.float64] | None,
    n_threads: int,
    progress: _Progress | None,
) -> dict[str, Any]: ...
def kmeans_per_class(
    x: _Bytes,
    y: NDArray[np.uint32],
    n_classes: int,
    params: _KMeansParams,
    n_threads: int,
    progress: _Progress | None,
) -> dict[str, Any]: ...
def nearest_centroids(x: _Floats, centroids: NDArray[np.float64], n_threads: int) -> NDArray[np.int32]: ...
def nearest_exact(
    x: _Bytes, sums: NDArray[np.uint64], counts: NDArray[np.uint64], n_threads: int
) -> NDArray[np.int32]: ...

@final
class Index:
    def __new__(cls, points: NDArray[Any], brute: bool, n_threads: int) -> Index: ...
    def kneighbors(
        self, queries: NDArray[Any], n_neighbors: int, n_threads: int, progress: _Progress | None
    ) -> tuple[NDArray[np.float64], NDArray[np.int64]]: ...

@final
class Model:
    @staticmethod
    def preset(name: str) -> Model: ...
    @staticmethod
    def presets() -> list[str]: ...
    @staticmethod
    def train(
        x: _Bytes,
        y: NDArray[np.uint32],
        classes: list[str],
        image_shape: _Shape,
        preset: str,
        seed: int | None,
        n_threads: int,
        progress: _Progress | None,
    ) -> Model: ...
    @staticmethod
    def load(path: str | PathLike[str]) -> Model: ...
    @staticmethod
    def from_bytes(bytes: bytes) -> Model: ...
    def to_bytes(self) -> bytes: ...
    def save(self, path: str | PathLike[str]) -> None: ...
    def with_pictures(self, x: _Bytes, y: NDArray[np.uint32]) -> Model: ...
    @property
    def classes(self) -> list[str]: ...
    @property
    def image_shape(self) -> _Shape: ...
    @property
    def provenance(self) -> _Provenance: ...
    @property
    def n_neighbors(self) -> int: ...
    @property
    def prototypes(self) -> _Bytes: ...
    @property
    def prototype_labels(self) -> NDArray[np.uint32]: ...
    @property
    def medoids(self) -> NDArray[np.uint32]: ...
    @property
    def pictures(self) -> _Bytes | None: ...
    def predict(self, x: _Bytes, n_threads: int) -> NDArray[np.uint32]: ...
    def predict_proba(self, x: _Bytes, n_threads: int) -> NDArray[np.float64]: ...
    def transform(self, x: _Bytes, n_threads: int) -> _Bytes: ...
    def outlier_scores(self, x: _Bytes, n_threads: int) -> NDArray[np.float64]: ...
    def explain(self, x: _Bytes, n_threads: int) -> dict[str, NDArray[Any]]: ...
