"""Where the digits come from: data files, corrupted and printed digits, and folders of pictures."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import NamedTuple

import idx
import numpy as np
import printed
from corruptions import CORRUPTIONS, corrupted
from sklearn.datasets import load_digits

PICTURES = {".png", ".jpg", ".jpeg", ".tif", ".tiff", ".gif", ".bmp", ".webp", ".pbm", ".pgm", ".pnm", ".ppm"}


class Image(NamedTuple):
    """An image by its file and its number in it, as `handful predict` names it."""

    path: str
    index: int


@dataclass
class Source:
    """Images with their labels."""

    name: str
    truth: dict[Image, str]
    # Values of `--framing`: the first is that of the main columns of the table.
    framings: list[str] = field(default_factory=lambda: ["auto"])


@dataclass
class Options:
    """What to take, and where to write."""

    work: Path
    limit: int | None
    fonts: list[Path]
    folders: list[Path]
    only: list[str]


def data_file(name: str, path: Path, labels: np.ndarray, options: Options, framings: list[str]) -> Source:
    truth = {Image(str(path), index): str(label) for index, label in enumerate(labels[: options.limit])}
    return Source(name, truth, framings)


def mnist(options: Options) -> Iterator[Source]:
    images, labels = idx.mnist_test_files()
    yield data_file("MNIST test", images, idx.read(labels), options, ["auto", "always"])


def mnist_c(options: Options) -> Iterator[Source]:
    """Yield MNIST's test set once for each corruption."""
    images, labels = idx.mnist_test()
    for name in CORRUPTIONS:
        path = options.work / f"mnist-c/{name}-images-idx3-ubyte"
        idx.write(path, corrupted(name, images[: options.limit]))
        yield data_file(name, path, labels, options, ["auto", "always"])


def sklearn(options: Options) -> Iterator[Source]:
    """Yield scikit-learn's digits of 8 x 8 pixels, which only the frame can enlarge."""
    digits = load_digits()
    path = options.work / "load_digits-images-idx3-ubyte"
    # Their values are counts from 0 to 16.
    idx.write(path, (digits.images * 255 / 16).round().astype(np.uint8))
    yield data_file("load_digits, framed", path, digits.target, options, ["always"])


def fetched(name: str, images: str, labels: str, options: Options) -> Iterator[Source]:
    """Yield the test part of a data set if `handful fetch` has downloaded it."""
    folder = idx.user_folder() / name
    files = [idx.find(folder, file) for file in (images, labels)]
    if None in files:
        print(f"{name}: skipped; `handful fetch {name}` downloads it to {folder}")
        return
    values = idx.read(files[1])
    # QMNIST has eight columns: the first is the digit.
    yield data_file(
        images.split("-images")[0], files[0], values if values.ndim == 1 else values[:, 0], options, ["auto", "always"]
    )


def emnist(options: Options) -> Iterator[Source]:
    name = "emnist-digits-test"
    yield from fetched("emnist", f"{name}-images-idx3-ubyte", f"{name}-labels-idx1-ubyte", options)


def qmnist(options: Options) -> Iterator[Source]:
    yield from fetched("qmnist", "qmnist-test-images-idx3-ubyte", "qmnist-test-labels-idx2-int", options)


def printed_digits(options: Options) -> Iterator[Source]:
    """Yield the digits of all fonts once for each size."""
    fonts = printed.usable(options.fonts)
    if not fonts:
        print(f"printed: skipped; no fonts in {', '.join(map(str, options.fonts))}")
        return
    for height in printed.HEIGHTS:
        folder = options.work / f"printed-{height}"
        printed.draw_all(fonts, height, folder)
        yield pictures(f"{len(fonts)} fonts, {height} px", folder, options, only=[])


def folders(options: Options) -> Iterator[Source]:
    for folder in options.folders:
        source = pictures(str(folder), folder, options, options.only)
        if source.truth:
            yield source
        else:
            print(f"{folder}: skipped; no picture's name is like {' or '.join(options.only)}")


def pictures(name: str, folder: Path, options: Options, only: list[str]) -> Source:
    """Return the pictures of a folder, or those with a name like one of `only`."""
    labels = labelled(folder)
    if only:
        labels = {path: label for path, label in labels.items() if any(fnmatch(path.name, glob) for glob in only)}
    # The first pictures would all be of the digit 0.
    step = -(-len(labels) // options.limit) if options.limit and labels else 1
    return Source(name, {Image(str(path), 0): labels[path] for path in list(labels)[::step]})


def labelled(folder: Path) -> dict[Path, str]:
    """Return the labels of a folder's pictures: from its `labels.csv` (file, label), or the names of their folders."""
    table = folder / "labels.csv"
    if table.exists():
        with table.open(newline="") as file:
            rows = csv.DictReader(file)
            if not {"file", "label"} <= set(rows.fieldnames or []):
                raise SystemExit(f"{table}: expected the columns file and label, found {rows.fieldnames}")
            return {folder / row["file"]: row["label"] for row in rows}
    labels = {path: path.parent.name for path in sorted(folder.glob("*/*")) if path.suffix.lower() in PICTURES}
    if not labels:
        raise SystemExit(f"{folder}: expected labels.csv, or a folder of pictures for each class; found neither")
    return labels


# By the name in `--sources`.
SOURCES = {
    "mnist": mnist,
    "mnist-c": mnist_c,
    "sklearn": sklearn,
    "emnist": emnist,
    "qmnist": qmnist,
    "printed": printed_digits,
    "folders": folders,
}
