"""Images as rows of bytes, in files of MNIST's format."""

import gzip
from collections.abc import Iterator
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
MNIST = ROOT / "data" / "mnist"
FASHION = Path("/usr/share/datasets/fashion-mnist")  # Debian's dataset-fashion-mnist

SIDE = 28
PIXELS = SIDE * SIDE


def images(folder: Path, split: str) -> np.ndarray:
    """The images of `train` or `t10k`, one a row."""
    path = folder / f"{split}-images-idx3-ubyte"
    with path.open("rb") if path.exists() else gzip.open(f"{path}.gz") as file:
        raw = file.read()
    count, height, width = np.frombuffer(raw, ">i4", 3, 4)
    return np.frombuffer(raw, np.uint8, -1, 16).reshape(count, height * width)


def labels(folder: Path, split: str) -> np.ndarray:
    """The digits that the images of `train` or `t10k` show."""
    path = folder / f"{split}-labels-idx1-ubyte"
    with path.open("rb") if path.exists() else gzip.open(f"{path}.gz") as file:
        return np.frombuffer(file.read(), np.uint8, -1, 8)


def write(path: Path, n_images: int, blocks: Iterator[np.ndarray] | list[np.ndarray]) -> Path:
    """An IDX file of 28 x 28 images; only one block is held at a time."""
    with path.open("wb") as file:
        file.write(np.array([0x803, n_images, SIDE, SIDE], ">i4").tobytes())
        for block in blocks:
            file.write(block.tobytes())
    if path.stat().st_size != 16 + n_images * PIXELS:
        raise ValueError(f"{path}: the blocks do not hold {n_images} images")
    return path


def shifted(rows: np.ndarray, reach: int, rng: np.random.Generator) -> np.ndarray:
    """Each image moved by up to `reach` pixels in x and in y; what comes in at the edge is black."""
    padded = np.pad(rows.reshape(-1, SIDE, SIDE), [(0, 0), (reach, reach), (reach, reach)])
    windows = np.lib.stride_tricks.sliding_window_view(padded, (SIDE, SIDE), axis=(1, 2))
    y, x = rng.integers(0, 2 * reach + 1, (2, len(rows)))
    return windows[np.arange(len(rows)), y, x].reshape(len(rows), PIXELS)


def squared_distances(points: np.ndarray, queries: np.ndarray, indices: np.ndarray) -> np.ndarray:
    """Between each query and the points that its row of `indices` names; whole numbers, so exact."""
    found = np.empty(indices.shape, np.int64)
    for column, chosen in enumerate(indices.T):
        difference = points[chosen].astype(np.int32) - queries
        found[:, column] = np.einsum("ij,ij->i", difference, difference)
    return found
