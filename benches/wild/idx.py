"""Read and write IDX files, and find data sets where handful looks for them."""

import gzip
import os
from pathlib import Path

import numpy as np

TYPES = {8: np.dtype("u1"), 12: np.dtype(">i4")}
REPOSITORY = Path(__file__).parents[2]


def read(path: Path) -> np.ndarray:
    """Read a file, gzipped or not."""
    data = path.read_bytes()
    if path.suffix == ".gz":
        data = gzip.decompress(data)
    _, _, type_code, n_dimensions = data[:4]
    shape = np.frombuffer(data, ">u4", count=n_dimensions, offset=4)
    return np.frombuffer(data, TYPES[type_code], offset=4 + 4 * n_dimensions).reshape(shape)


def write(path: Path, images: np.ndarray) -> None:
    """Write images of bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    header = bytes([0, 0, 8, images.ndim]) + np.array(images.shape, ">u4").tobytes()
    path.write_bytes(header + images.tobytes())


def user_folder() -> Path:
    """Return the folder that `handful fetch` writes to."""
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share") / "handful"


def find(folder: Path, pattern: str) -> Path | None:
    """Return the one file of this name, with or without `.gz`, in the folder or below it."""
    return next((path for path in sorted(folder.rglob(f"{pattern}*")) if path.suffix in {"", ".gz"}), None)


def mnist_test_files() -> tuple[Path, Path]:
    """Return the test images and their labels, in one of the places in which handful looks."""
    given = os.environ.get("HANDFUL_DATA")
    places = [Path(given) / "mnist", Path(given)] if given else [REPOSITORY / "data/mnist", user_folder() / "mnist"]
    for place in places:
        images, labels = (find(place, f"t10k-{part}") for part in ("images-idx3-ubyte", "labels-idx1-ubyte"))
        if images and labels:
            return images, labels
    raise SystemExit(f"MNIST's test set is in none of {', '.join(map(str, places))}: run `handful fetch mnist`")


def mnist_test() -> tuple[np.ndarray, np.ndarray]:
    images, labels = mnist_test_files()
    return read(images), read(labels)
