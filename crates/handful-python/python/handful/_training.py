"""Training of models on labelled images in one set or several."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_consistent_length, column_or_1d

from handful._image_arrays import images, own_shape
from handful._images import shape_of
from handful._labels import NUMBERS
from handful._model import Model
from handful._preset import PresetClassifier
from handful._types import Bytes, Shape


def train_model(
    X: ArrayLike | Sequence[tuple[ArrayLike, ArrayLike]],
    y: ArrayLike | None = None,
    *,
    preset: str = "best",
    prototypes: int | str | None = None,
    n_neighbors: int | None = None,
    index: str = "exact",
    n_lists: int | None = None,
    n_probe: int | None = None,
    calibration: str = "preset",
    image_shape: Shape | None = None,
    pictures: bool = False,
    random_state: int | None = None,
    n_jobs: int | None = None,
    verbose: int = 0,
) -> Model:
    """Fit the recipe of a preset on your own images, as ``handful train`` does.

    Parameters
    ----------
    X : array-like of shape (n, n_pixels), (n, height, width) or (n, height, width, 1), or list of pairs
        Images: bytes, whole numbers from 0 to 255, or floats from 0 to 1. Ink must be bright. To train on several
        sets, pass a list of pairs ``[(X, y), (X, y)]``; they are concatenated in this order.
    y : array-like of shape (n,) or None, default=None
        Class of each image: strings, booleans or whole numbers. Predictions have the same type, even after the
        model was saved and loaded. None if `X` is a list of pairs.
    preset : str, default='best'
        The recipe: 'notebook', 'pixels', 'tiny', 'small', 'fast', 'best', 'neighbors' or 'everyday'.
    prototypes : int, 'all' or None, default=None
        Number of prototypes per class, or all images. None means as in the preset. A class has at most as many
        prototypes as images.
    n_neighbors : int or None, default=None
        Number of neighbours that decide. None means as in the preset.
    index : {'exact', 'inverted'}, default='exact'
        How to search the prototypes: all of them, or only the nearest lists of an inverted index. The index is faster
        if there are very many prototypes, but sometimes misses a neighbour.
    n_lists : int or None, default=None
        Number of lists of the inverted index. None means twice the square root of the number of prototypes.
    n_probe : int or None, default=None
        Number of lists that each image searches. None means the smallest number that surely has a recall of 0.99.
    calibration : {'preset', 'held_out'}, default='preset'
        Where probabilities come from: see `PresetClassifier`.
    image_shape : tuple of (int, int) or None, default=None
        Height and width of an image. None means those of `X`; if `X` contains rows, square images, or one row of
        pixels if no square fits.
    pictures : bool, default=False
        Whether to keep a picture of each prototype.
    random_state : int or None, default=None
        Determines the random choices. None means the preset's own seed.
    n_jobs : int or None, default=None
        Number of threads. None means all CPUs that the process may use; in a joblib worker, its share of them.
    verbose : int, default=0
        Whether to print progress.

    Returns
    -------
    Model
        The fitted recipe.

    Examples
    --------
    >>> import handful
    >>> X_train, y_train, X_test, y_test = handful.datasets.load_mnist()
    >>> model = handful.train_model(X_train[:5000], y_train[:5000], preset="tiny")
    >>> model.score(X_test, y_test) > 0.96
    True

    Train one model on several sets:

    >>> mine = X_test[:100], y_test[:100]
    >>> both = handful.train_model([(X_train[:5000], y_train[:5000]), mine], preset="tiny")
    >>> both.provenance["n_samples"]
    5100
    """
    if random_state is not None and not (isinstance(random_state, Integral) and 0 <= random_state < 2**64):
        raise ValueError(f"random_state: expected None or a whole number from 0 to 2**64 - 1, found {random_state!r}")
    rows, y, shape = joined(sets_of(X, y), image_shape, n_jobs)
    classifier = PresetClassifier(
        preset,
        prototypes=prototypes,
        n_neighbors=n_neighbors,
        index=index,
        n_lists=n_lists,
        n_probe=n_probe,
        calibration=calibration,
        image_shape=shape,
        pictures=pictures,
        random_state=random_state,
        n_jobs=n_jobs,
        verbose=verbose,
    )
    return classifier._fit(rows, y, "train_model").model_


def sets_of(X: Any, y: Any) -> list[tuple[Any, Any]]:
    """Return a list of the sets: `X` and `y`, or the pairs in `X`."""
    if y is not None:
        return [(X, y)]
    if isinstance(X, (list, tuple)) and X and all(isinstance(pair, (list, tuple)) and len(pair) == 2 for pair in X):
        return [(images, classes) for images, classes in X]
    raise ValueError("y: expected the class of each image in X; without y, X must be a list of pairs [(X, y), (X, y)]")


def joined(
    sets: list[tuple[Any, Any]], image_shape: Shape | None, n_jobs: int | None
) -> tuple[Bytes, NDArray[Any], Shape]:
    """Return the images of all sets as rows, their classes, and the shape of an image."""
    if image_shape is None:
        image_shape = next((shape for X, _ in sets if (shape := own_shape(X)) is not None), None)
    rows: list[Bytes] = []
    classes: list[NDArray[Any]] = []
    for number, (X, y) in enumerate(sets):
        try:
            rows.append(images(X, image_shape if rows else None, n_jobs))
            if not classes:
                image_shape = shape_of(rows[0].shape[1], image_shape)
            classes.append(column_or_1d(y, warn=True))
            check_consistent_length(rows[-1], classes[-1])
            of_set, of_first = classes[-1].dtype, classes[0].dtype
            if (of_set.kind in NUMBERS) != (of_first.kind in NUMBERS):
                raise ValueError(f"y: expected classes of type {of_first}, as in set 0, found {of_set}")
        except ValueError as error:
            if len(sets) == 1:
                raise
            raise ValueError(f"set {number}: {error}") from None
    assert image_shape is not None
    if len(sets) == 1:
        return rows[0], classes[0], image_shape
    return np.concatenate(rows), np.concatenate(classes), image_shape
