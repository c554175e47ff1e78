"""Transformers for images: deskewing and gradient features."""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils import check_array
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import check_is_fitted, validate_data

from handful import _core
from handful._jobs import n_threads
from handful._types import Bytes, Shape, Vectors
from handful._vectors import BYTES, as_vectors


class ByteTransformer(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Base class of transformers. They work on bytes, and learn how to convert other numbers to bytes."""

    n_jobs: int | None
    n_features_in_: int
    data_min_: float
    data_max_: float

    def _fit_bytes(self, X: ArrayLike, y: Any = None) -> Bytes:
        """Check the rows, learn their range unless they are bytes, and return them as bytes."""
        self._validate_params()
        vectors = as_vectors(validate_data(self, X, reset=True), self.n_jobs)
        self.data_min_, self.data_max_ = range_of(vectors)
        return self._to_bytes(vectors)

    def _bytes(self, X: ArrayLike) -> Bytes:
        """Check the rows, and convert them to bytes with the range learned in `fit`."""
        check_is_fitted(self)
        return self._to_bytes(as_vectors(validate_data(self, X, reset=False), self.n_jobs))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        # The output is always bytes, whatever the type of the input.
        tags.transformer_tags.preserves_dtype = []
        return tags

    def _to_bytes(self, X: Vectors) -> Bytes:
        return stretched(X, self.data_min_, self.data_max_)


def range_of(X: Vectors) -> tuple[float, float]:
    """Return the values that become 0 and 255: the smallest and the largest, unless the numbers are bytes."""
    return (0.0, 255.0) if X.dtype == BYTES else (float(X.min()), float(X.max()))


def stretched(X: Vectors, low: float, high: float) -> Bytes:
    """Return bytes: 0 for `low`, 255 for `high`, and the same for values beyond."""
    step = high / 255 - low / 255
    if X.dtype == BYTES and (low, step) == (0.0, 1.0):
        return X
    steps = (X.astype(np.float64) - low) / (step if step > 0 else 1.0)
    return np.clip(np.rint(steps, out=steps), 0, 255, out=steps).astype(BYTES)


class ImageTransformer(ByteTransformer):
    """Base class of transformers whose samples are images."""

    image_shape: Shape | None
    image_shape_: Shape

    _image_constraints: dict[str, list[Any]] = {"image_shape": [tuple, list, None], "n_jobs": [Integral, None]}

    def fit(self, X: ArrayLike, y: Any = None) -> Self:
        """Learn the shape of the images and, unless they are bytes, their range of values.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Images, one per row.
        y : None
            Not used.

        Returns
        -------
        object
            The fitted transformer.
        """
        self._fit_bytes(X)
        self.image_shape_ = shape_of(self.n_features_in_, self.image_shape)
        return self


def shape_of(n_features: int, image_shape: Shape | None) -> Shape:
    """Return the shape of the images: the given one, otherwise a square if one fits, otherwise one row of pixels."""
    if image_shape is None:
        side = math.isqrt(n_features)
        return (side, side) if side * side == n_features else (1, n_features)
    given = tuple(image_shape) if isinstance(image_shape, (tuple, list)) else ()
    sides = [int(side) for side in given if isinstance(side, Integral) and side > 0]
    if len(given) != 2 or len(sides) != 2 or sides[0] * sides[1] != n_features:
        raise ValueError(f"image_shape: expected (height, width) with {n_features} pixels in all, found {image_shape}")
    return sides[0], sides[1]


class Deskew(OneToOneFeatureMixin, ImageTransformer):  # type: ignore[misc]
    """Straighten slanted images and centre them in the frame, using the moments of their ink.

    Slant and position vary most between writers, but say least about the digit. Removing them is the single
    largest improvement of raw pixels for nearest-neighbour search. Ink must be bright.

    Parameters
    ----------
    normalize : float, default=0.0
        How much to scale the ink to a common size, from 0 (not at all) to 1 (completely, within limits).
    image_shape : tuple of (int, int) or None, default=None
        Height and width of an image. None means square images, or one row of pixels if no square fits.
    n_jobs : int or None, default=None
        Number of threads. None means all CPUs that the process may use; in a joblib worker, its share of them.

    Attributes
    ----------
    image_shape_ : tuple of (int, int)
        Height and width of an image.
    data_min_, data_max_ : float
        Values that become 0 and 255. For bytes, they are 0 and 255; otherwise, they are the smallest and the
        largest value seen in `fit`.
    n_features_in_ : int
        Number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features seen in `fit`. Only defined if `X` has feature names that are all strings.

    References
    ----------
    Y. LeCun, L. Bottou, Y. Bengio and P. Haffner, "Gradient-based learning applied to document recognition",
    1998.

    Examples
    --------
    >>> import numpy as np
    >>> from handful import Deskew
    >>> slanted = np.zeros((5, 5), dtype=np.uint8)
    >>> slanted[[0, 1, 2], [4, 3, 2]] = 9
    >>> Deskew().fit_transform(slanted.reshape(1, 25)).reshape(5, 5)[:, 2].tolist()
    [0, 9, 9, 9, 0]
    """

    _parameter_constraints: dict[str, list[Any]] = {
        **ImageTransformer._image_constraints,
        "normalize": [Interval(Real, 0, 1, closed="both")],
    }

    def __init__(self, *, normalize: float = 0.0, image_shape: Shape | None = None, n_jobs: int | None = None) -> None:
        self.normalize = normalize
        self.image_shape = image_shape
        self.n_jobs = n_jobs

    def transform(self, X: ArrayLike) -> Bytes:
        """Straighten and centre images.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Images, one per row.

        Returns
        -------
        ndarray of shape (n_samples, n_features)
            The images as bytes.
        """
        return _core.deskew(self._bytes(X), self.image_shape_, self.normalize, n_threads(self.n_jobs))


class GradientFeatures(ClassNamePrefixFeaturesOutMixin, ImageTransformer):  # type: ignore[misc]
    """Histograms of gradient directions, which describe where the strokes are and which way they run.

    The square roots of the histograms are scaled to unit length, so that distances between images are Hellinger
    distances.

    Parameters
    ----------
    n_bins : int, default=12
        Number of directions in each cell, at most 15.
    n_cells : int, default=7
        Number of rows and columns of the grid of cells, at most 64.
    image_shape : tuple of (int, int) or None, default=None
        Height and width of an image. None means square images, or one row of pixels if no square fits.
    n_jobs : int or None, default=None
        Number of threads. None means all CPUs that the process may use; in a joblib worker, its share of them.

    Attributes
    ----------
    image_shape_ : tuple of (int, int)
        Height and width of an image.
    data_min_, data_max_ : float
        Values that become 0 and 255. For bytes, they are 0 and 255; otherwise, they are the smallest and the
        largest value seen in `fit`.
    n_features_in_ : int
        Number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features seen in `fit`. Only defined if `X` has feature names that are all strings.

    References
    ----------
    N. Dalal and B. Triggs, "Histograms of oriented gradients for human detection", 2005.

    Examples
    --------
    >>> import numpy as np
    >>> from handful import GradientFeatures
    >>> step = np.tile(np.array([0, 0, 9, 9], dtype=np.uint8), (4, 1)).reshape(1, 16)
    >>> GradientFeatures(n_bins=4, n_cells=1).fit_transform(step).tolist()
    [[42, 0, 0, 0]]
    """

    _parameter_constraints: dict[str, list[Any]] = {
        **ImageTransformer._image_constraints,
        "n_bins": [Interval(Integral, 1, 15, closed="both")],
        "n_cells": [Interval(Integral, 1, 64, closed="both")],
    }

    def __init__(
        self,
        *,
        n_bins: int = 12,
        n_cells: int = 7,
        image_shape: Shape | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.n_bins = n_bins
        self.n_cells = n_cells
        self.image_shape = image_shape
        self.n_jobs = n_jobs

    @property
    def _n_features_out(self) -> int:
        return self.n_cells * self.n_cells * self.n_bins

    def transform(self, X: ArrayLike) -> Bytes:
        """Compute the histograms of images.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Images, one per row.

        Returns
        -------
        ndarray of shape (n_samples, n_cells * n_cells * n_bins)
            Histograms as bytes, in the order (row of cells, column of cells, direction).
        """
        threads = n_threads(self.n_jobs)
        return _core.gradients(self._bytes(X), self.image_shape_, self.n_bins, self.n_cells, threads)


def picture_of(picture: ArrayLike) -> Bytes:
    """Return the grey values of a picture as an array of shape (height, width)."""
    pixels = as_vectors(check_array(picture, input_name="picture"))
    if pixels.dtype != BYTES:
        raise ValueError("picture: expected whole grey values from 0 to 255, found other numbers")
    return pixels


def frame(picture: ArrayLike, image_shape: Shape = (28, 28)) -> Bytes:
    """Convert a picture of a digit, of any size, to an image like those of MNIST.

    The ink is separated from the paper, whichever is darker, and centred in the frame. `Model.frame` does the
    same, but uses the model to choose if there are several plausible ways. If no ink is found, the image is blank;
    `Model.predict` then warns with `NoInkWarning`.

    Parameters
    ----------
    picture : array-like of shape (height, width)
        Grey values from 0 to 255.
    image_shape : tuple of (int, int), default=(28, 28)
        Height and width of the image.

    Returns
    -------
    ndarray of shape (1, n_pixels)
        The image as a row for `Model.predict`, with bright ink on black.

    Examples
    --------
    >>> import numpy as np
    >>> import handful
    >>> picture = np.full((300, 400), 220, dtype=np.uint8)
    >>> picture[20:140, 40:52] = 30
    >>> handful.load_model("fast").predict(handful.frame(picture)).tolist()
    [1]
    """
    pixels = picture_of(picture)
    if len(image_shape) != 2 or not all(isinstance(side, Integral) and side > 0 for side in image_shape):
        raise ValueError(f"image_shape: expected (height, width), two whole numbers of at least 1, found {image_shape}")
    return _core.frame(pixels, image_shape).reshape(1, -1)
