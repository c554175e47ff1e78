"""Labelled images: MNIST, and files in any format that handful reads."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import tempfile
import warnings
import zlib
from http.client import HTTPException
from pathlib import Path
from typing import Any, Literal, NamedTuple, overload
from urllib.request import urlopen

import numpy as np
from numpy.typing import NDArray

from handful import _core
from handful._types import Bytes, Choice

__all__ = ["Labelled", "TrainTest", "load", "load_mnist"]

#: The mirrors have the same files. They are tried in this order.
MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)

#: SHA-256 of the content of the gzip files, which does not depend on the compression.
MNIST_SHA256 = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}

#: All these files are smaller than this, both compressed and uncompressed.
MOST_BYTES = 1 << 26

SECONDS = 60

#: Prefix of the names of incomplete downloads.
PART = ".handful-"


class TrainTest(NamedTuple):
    """Training and test images as rows of bytes, with their classes.

    Attributes
    ----------
    X_train : ndarray of shape (n_train, n_pixels)
        Training images.
    y_train : ndarray of shape (n_train,)
        Classes of the training images: whole numbers if all class names are whole numbers, otherwise strings.
    X_test : ndarray of shape (n_test, n_pixels)
        Test images.
    y_test : ndarray of shape (n_test,)
        Classes of the test images.
    """

    X_train: Bytes
    y_train: NDArray[Any]
    X_test: Bytes
    y_test: NDArray[Any]


class Labelled(NamedTuple):
    """Images as rows of bytes, with their classes.

    Attributes
    ----------
    X : ndarray of shape (n_samples, n_pixels)
        Images.
    y : ndarray of shape (n_samples,)
        Classes of the images: whole numbers if all class names are whole numbers, otherwise strings.
    """

    X: Bytes
    y: NDArray[Any]


def load_mnist(folder: str | os.PathLike[str] | None = None, *, download: bool = True) -> TrainTest:
    """Load MNIST: 60,000 training images and 10,000 test images of digits, 28 x 28 pixels each.

    Parameters
    ----------
    folder : path-like, default=None
        Folder of the MNIST files. By default, they are searched for in ``$HANDFUL_DATA``, in `data/mnist` of a
        clone of handful, and in the user's data folder (on Linux, `~/.local/share/handful/mnist`).
    download : bool, default=True
        Whether to download MNIST if it is not found. The files are saved in `folder` or the user's data folder.
        Every file is verified before it is saved.

    Returns
    -------
    TrainTest
        `X_train`, `y_train`, `X_test` and `y_test`. They can be unpacked in this order.

    Examples
    --------
    >>> from handful.datasets import load_mnist
    >>> X_train, y_train, X_test, y_test = load_mnist()
    >>> X_train.shape, X_train.dtype, y_test[:3].tolist()
    ((60000, 784), dtype('uint8'), [7, 2, 1])
    """
    try:
        return load(_core.locate() if folder is None else folder, part="both")
    except (FileNotFoundError, ValueError):
        home = _core.user_folder()
        target = Path(folder) if folder is not None else home and home / "mnist"
        if not download or target is None or "HANDFUL_DATA" in os.environ and folder is None:
            raise
        # An interrupted download may continue, but do not add files to a folder that contains other files.
        names = {f"{name}.gz" for name in MNIST_SHA256}
        if target.is_dir() and any(
            path.name not in names and not path.name.startswith(PART) for path in target.iterdir()
        ):
            raise
    for name, sha256 in MNIST_SHA256.items():
        _download(f"{name}.gz", sha256, target)
    return load(target, part="both")


@overload
def load(
    path: str | os.PathLike[str],
    *,
    part: Literal["both"],
    label_column: str | int = "auto",
    framing: Choice = "auto",
    invert: Choice = "never",
) -> TrainTest: ...


@overload
def load(
    path: str | os.PathLike[str],
    *,
    part: Literal["train", "test"],
    label_column: str | int = "auto",
    framing: Choice = "auto",
    invert: Choice = "never",
) -> Labelled: ...


@overload
def load(
    path: str | os.PathLike[str],
    *,
    part: Literal["auto"] = "auto",
    label_column: str | int = "auto",
    framing: Choice = "auto",
    invert: Choice = "never",
) -> Any: ...


def load(
    path: str | os.PathLike[str],
    *,
    part: Literal["auto", "both", "train", "test"] = "auto",
    label_column: str | int = "auto",
    framing: Choice = "auto",
    invert: Choice = "never",
) -> TrainTest | Labelled:
    """Load labelled images: IDX, NumPy, CSV, Parquet, libsvm or folders of pictures.

    Parameters
    ----------
    path : path-like
        A folder or file. Its format is detected from its content.
    part : {"auto", "both", "train", "test"}, default="auto"
        What to load. ``"auto"``: the training and the test images, or all images if they are not divided into these.
        ``"both"``: the training and the test images; it is an error if there is only one set. ``"train"``, ``"test"``:
        these images alone, or all if they are not divided.
    label_column : str or int, default="auto"
        The column of a table that holds the labels: its name, its number from 1, ``"first"``, ``"last"`` or
        ``"none"``. By default, the header decides, or else the values; then a warning names the column.
    framing : {"auto", "always", "never"}, default="auto"
        Which images to put into MNIST's frame of 28 x 28 pixels. ``"auto"``: pictures in folders, if they differ in
        size. ``"always"``: all images. ``"never"``: none.
    invert : {"auto", "always", "never"}, default="never"
        Which data files to invert. MNIST's ink is light. ``"auto"``: files whose images show dark ink on light paper;
        a warning names them. ``"always"``: all files. ``"never"``: none. Framing separates ink from paper in any case.

    Returns
    -------
    TrainTest or Labelled
        `X_train`, `y_train`, `X_test` and `y_test`, or `X` and `y` of a single set. They can be unpacked in this order.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from handful.datasets import load
    >>> images = np.arange(16, dtype=np.uint8).reshape(4, 2, 2)
    >>> with tempfile.NamedTemporaryFile(suffix=".npz") as file:
    ...     np.savez(file, x_train=images, y_train=[3, 4, 3, 4], x_test=images[1:3], y_test=[4, 3])
    ...     file.flush()
    ...     data = load(file.name)
    >>> data.X_test.tolist(), data.y_test.tolist()
    ([[4, 5, 6, 7], [8, 9, 10, 11]], [4, 3])

    A single set:

    >>> with tempfile.NamedTemporaryFile(suffix=".npz") as file:
    ...     np.savez(file, X=images, y=[3, 4, 3, 4])
    ...     file.flush()
    ...     X, y = load(file.name)
    >>> X.shape, y.tolist()
    ((4, 4), [3, 4, 3, 4])
    """
    if part not in ("auto", "both", "train", "test"):
        raise ValueError(f"part: expected 'auto', 'both', 'train' or 'test', found {part!r}")
    parts, names, notes = _core.load(os.fspath(path), part, str(label_column), framing, invert)
    for note in dict.fromkeys(notes):
        warnings.warn(note, stacklevel=2)
    classes = named_classes(names)
    loaded = [Labelled(X, classes[y]) for X, y in parts]
    return loaded[0] if len(loaded) == 1 else TrainTest(*loaded[0], *loaded[1])


def named_classes(names: list[str]) -> NDArray[Any]:
    """Return classes as whole numbers if all names are plainly written whole numbers, otherwise as strings."""
    digits = (name.removeprefix("-") for name in names)
    if all(digit.isascii() and digit.isdecimal() for digit in digits):
        numbers = [int(name) for name in names]
        if [str(number) for number in numbers] == names and all(-(2**63) <= n < 2**63 for n in numbers):
            return np.array(numbers)
    return np.array(names)


def _download(name: str, sha256: str, folder: Path) -> None:
    """Download a file into a folder; save it only if it is complete and verified."""
    if (folder / name).exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    reasons = []
    for mirror in MIRRORS:
        try:
            with urlopen(mirror + name, timeout=SECONDS) as answer:
                packed = answer.read(MOST_BYTES)
            with gzip.open(io.BytesIO(packed)) as file:
                found = hashlib.sha256(file.read(MOST_BYTES)).hexdigest()
        except (OSError, EOFError, HTTPException, zlib.error) as error:
            reasons.append(f"{mirror}: {error}")
            continue
        if found != sha256:
            reasons.append(f"{mirror}: the content's SHA-256 is {found}, expected {sha256}")
            continue
        with tempfile.TemporaryDirectory(dir=folder, prefix=PART) as part:
            (Path(part) / name).write_bytes(packed)
            os.replace(Path(part) / name, folder / name)
        return
    raise OSError(
        f"{name} could not be downloaded from any mirror ({'; '.join(reasons)}): try again later, "
        f"or get the MNIST files in another way and put them into {folder}"
    )
