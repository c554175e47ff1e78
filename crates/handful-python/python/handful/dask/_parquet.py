"""Folders of Parquet files with pictures, as on Hugging Face. The workers decode them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import dask.array as da
import numpy as np
from numpy.typing import NDArray

from handful import _core
from handful._types import Bytes
from handful._vectors import BYTES
from handful.dask._queries import joined
from handful.dask._work import check_workers, task
from handful.datasets import named_classes

#: Maximum number of files named in an error.
MOST_NAMED = 3


class Piece(NamedTuple):
    """The row groups of a file that form a partition."""

    path: str
    first: int
    end: int
    size: int


class Images(NamedTuple):
    """Images and their classes, partition by partition.

    Attributes
    ----------
    X : dask.array.Array of shape (n_samples, n_pixels)
        Images, as rows of bytes.
    y : dask.array.Array of shape (n_samples,)
        Class of each image: whole numbers if the class of the first image is one, otherwise strings.
    """

    X: da.Array
    y: da.Array


def read_parquet(folder: str | os.PathLike[str], *, split: str = "train", partition_rows: int = 65536) -> Images:
    """Read images and labels from a folder of Parquet files, as Hugging Face publishes them.

    The names of the files must begin with the split, as in ``train-00000-of-00002.parquet``. The files must be in
    the folder, or in one folder within it. Each must have a column of pictures in PNG or JPEG, and a column `label`.
    At first, only the footers of the files and the first picture are read. When a result is computed, the workers
    decode their partitions. The folder must have the same path on all workers.

    Parameters
    ----------
    folder : path-like
        Folder of the files.
    split : str, default='train'
        Which part of the data set to read.
    partition_rows : int, default=65536
        Maximum number of rows of a partition. A larger row group becomes one partition: row groups are never
        divided. Files are never joined.

    Returns
    -------
    Images
        `X` and `y`. They can be unpacked in this order.

    Examples
    --------
    >>> from handful.dask import read_parquet
    >>> X, y = read_parquet("mnist", split="train")  # doctest: +SKIP
    >>> X.shape, X.dtype, y.dtype  # doctest: +SKIP
    ((60000, 784), dtype('uint8'), dtype('int64'))
    """
    if partition_rows < 1:
        raise ValueError(f"partition_rows: expected at least 1, found {partition_rows}")
    check_workers()
    files = _files(Path(folder), split)
    found = [_core.parquet_groups(file) for file in files]
    _, expected, label = found[0]
    height, width = expected
    for file, (_, shape, _) in zip(files, found, strict=True):
        if shape != expected:
            raise ValueError(
                f"{file}: expected images of {height} x {width} pixels, as in {files[0]}, found {shape[0]} x {shape[1]}"
            )
    if label is None:
        raise ValueError(f"{files[0]}: expected a column of labels, such as one called label, found none")
    pieces = [
        piece
        for file, (sizes, _, _) in zip(files, found, strict=True)
        for piece in _pieces(os.fspath(file.resolve()), sizes, partition_rows)
    ]
    sizes = [piece.size for piece in pieces]
    kind = named_classes([label]).dtype
    kind = kind if kind.kind == "i" else np.dtype(str)
    X = joined([task("decode", _images, piece) for piece in pieces], sizes, BYTES, height * width)
    y = joined([task("labels", _labels, piece, kind) for piece in pieces], sizes, kind)
    return Images(X, y)


def _files(folder: Path, split: str) -> list[Path]:
    """Return the files of a split; check that they are in one folder and that none is missing."""
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: expected a folder of Parquet files, found no such folder")
    named = re.compile(rf"{re.escape(split)}([-_.].*)?\.parquet")
    files = sorted(path for path in folder.rglob("*.parquet") if named.fullmatch(path.name))
    if not files:
        there = sorted(path.name for path in folder.rglob("*.parquet"))[:MOST_NAMED]
        raise FileNotFoundError(
            f"{folder}: expected files such as {split}-00000-of-00001.parquet, "
            f"found {', '.join(there) or 'no Parquet files'}"
        )
    folders = sorted({os.fspath(path.parent) for path in files})
    if len(folders) > 1:
        raise ValueError(
            f"{folder}: expected one data set, found several ({', '.join(folders[:MOST_NAMED])}): choose one of them"
        )
    for path in files:
        if (told := re.search(r"-of-(\d+)\.parquet$", path.name)) and int(told[1]) != len(files):
            raise FileNotFoundError(
                f"{path.parent}: expected {int(told[1])} files of {split}, as {path.name} says, found {len(files)}"
            )
    return files


def _pieces(path: str, sizes: list[int], most: int) -> Iterator[Piece]:
    """Group consecutive row groups into pieces of at most `most` rows."""
    first, size = 0, 0
    for number, rows in enumerate(sizes):
        if size and size + rows > most:
            yield Piece(path, first, number, size)
            first, size = number, 0
        size += rows
    if size:
        yield Piece(path, first, len(sizes), size)


def _images(piece: Piece) -> Bytes:
    try:
        return _core.parquet_images(piece.path, piece.first, piece.end)
    except FileNotFoundError as error:
        raise _not_here(error) from None


def _labels(piece: Piece, kind: np.dtype[Any]) -> NDArray[Any]:
    try:
        names = _core.parquet_labels(piece.path, piece.first, piece.end)
    except FileNotFoundError as error:
        raise _not_here(error) from None
    if kind.kind != "i":
        return np.array(names)
    labels = named_classes(names)
    if labels.dtype != kind:
        other = next(name for name in names if named_classes([name]).dtype != kind)
        raise ValueError(
            f"{piece.path}: expected labels that are whole numbers, like those of the first file, found {other!r}"
        )
    return labels


def _not_here(error: FileNotFoundError) -> FileNotFoundError:
    return FileNotFoundError(f"{error}; the folder must be at the same place on every worker")
