"""Presets as estimators."""

from __future__ import annotations

from numbers import Integral
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted, validate_data

from handful import _core
from handful._explanation import Explanation
from handful._image_arrays import as_array, own_shape, warn_of_blank
from handful._images import range_of, shape_of, stretched
from handful._jobs import n_threads, progress, seed
from handful._labels import names_of, type_of
from handful._model import Model
from handful._types import Bytes, Shape, TrainingOptions, Vectors
from handful._vectors import as_vectors, numbered


class PresetClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Classifier of images: the recipe of a preset, fitted to your own images.

    A recipe turns images into features, which are compared with prototypes. `load_model` returns the same recipes as
    trained on MNIST. Ink must be bright.

    Parameters
    ----------
    preset : str, default='everyday'
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
        Where probabilities, and the limit beyond which an image is no digit, come from. 'preset': they were measured on
        MNIST, unless there are so few images that the model is smaller than the preset; then they are measured on
        these. 'held_out': they are measured on your images, however many. For this, the recipe is fitted three times
        more, without a sixth of the images of each class, and sees these afterwards. Predicted classes are the same.
    image_shape : tuple of (int, int) or None, default=None
        Height and width of an image. None means those of `X`; if `X` contains rows, square images, or one row of
        pixels if no square fits.
    pictures : bool, default=False
        Whether the model keeps a picture of each prototype.
    random_state : int, RandomState instance or None, default=None
        Determines the random choices. None means the preset's own seed.
    n_jobs : int or None, default=None
        Number of threads. None means all CPUs that the process may use; in a joblib worker, its share of them.
    verbose : int, default=0
        Whether to print progress.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The classes, sorted.
    model_ : Model
        The fitted model, which can be saved, and read by the command line.
    data_min_, data_max_ : float
        Values that become 0 and 255. For whole numbers from 0 to 255 of an integer type, they are 0 and 255; for
        booleans and floats from 0 to 1, 0 and 1; otherwise, the smallest and the largest value seen in `fit`.
    n_features_in_ : int
        Number of pixels of an image.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features seen in `fit`. Only defined if `X` has feature names that are all strings.

    See Also
    --------
    load_model : Presets trained on MNIST.
    train_model : The same as a function, for one set of images or several.

    Examples
    --------
    >>> from handful import PresetClassifier
    >>> from handful.datasets import load_mnist
    >>> from sklearn.model_selection import cross_val_score
    >>> X_train, y_train, X_test, y_test = load_mnist()
    >>> tiny = PresetClassifier("tiny", calibration="held_out")
    >>> bool(cross_val_score(tiny, X_train[:3000], y_train[:3000], cv=3).mean() > 0.95)
    True
    """

    _parameter_constraints: dict[str, list[Any]] = {
        "preset": [str],
        "prototypes": [Interval(Integral, 1, None, closed="left"), StrOptions({"all"}), None],
        "n_neighbors": [Interval(Integral, 1, None, closed="left"), None],
        "index": [StrOptions({"exact", "inverted"})],
        "n_lists": [Interval(Integral, 1, None, closed="left"), None],
        "n_probe": [Interval(Integral, 1, None, closed="left"), None],
        "calibration": [StrOptions({"preset", "held_out"})],
        "image_shape": [tuple, list, None],
        "pictures": ["boolean"],
        "random_state": ["random_state"],
        "n_jobs": [Integral, None],
        "verbose": ["verbose"],
    }

    classes_: NDArray[Any]
    model_: Model
    data_min_: float
    data_max_: float
    n_features_in_: int

    def __init__(
        self,
        preset: str = "everyday",
        *,
        prototypes: int | str | None = None,
        n_neighbors: int | None = None,
        index: str = "exact",
        n_lists: int | None = None,
        n_probe: int | None = None,
        calibration: str = "preset",
        image_shape: Shape | None = None,
        pictures: bool = False,
        random_state: int | np.random.RandomState | None = None,
        n_jobs: int | None = None,
        verbose: int = 0,
    ) -> None:
        self.preset = preset
        self.prototypes = prototypes
        self.n_neighbors = n_neighbors
        self.index = index
        self.n_lists = n_lists
        self.n_probe = n_probe
        self.calibration = calibration
        self.image_shape = image_shape
        self.pictures = pictures
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.verbose = verbose

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Fit the recipe to labelled images.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_pixels) or (n_samples, height, width)
            Images.
        y : array-like of shape (n_samples,)
            Class of each image: strings, booleans or whole numbers.

        Returns
        -------
        PresetClassifier
            The fitted estimator.
        """
        return self._fit(X, y, type(self).__name__)

    def _fit(self, X: Any, y: Any, name: str) -> Self:
        self._validate_params()
        if self.index == "exact" and not (self.n_lists is None and self.n_probe is None):
            raise ValueError("n_lists and n_probe need index='inverted', found index='exact'")
        if y is None:
            raise ValueError(f"{type(self).__name__} requires y to be passed, but the target y is None")
        X = as_array(X)
        shape = own_shape(X) if self.image_shape is None else self.image_shape
        checked = self._checked(X, reset=True)
        vectors = as_vectors(checked, self.n_jobs)
        self.data_min_, self.data_max_ = pixel_range(checked, vectors)
        rows = stretched(vectors, self.data_min_, self.data_max_)
        self.classes_, numbers = numbered(rows, y)
        core = _core.Model.train(
            rows,
            numbers.astype(np.uint32),
            names_of(self.classes_),
            type_of(self.classes_),
            shape_of(rows.shape[1], shape),
            self._options(),
            n_threads(self.n_jobs),
            progress(name, self.verbose),
        )
        self.model_ = Model(core, n_jobs=self.n_jobs)
        return self

    def _options(self) -> TrainingOptions:
        prototypes = 0 if self.prototypes == "all" else self.prototypes
        return {
            "preset": self.preset,
            "seed": None if self.random_state is None else seed(self.random_state),
            "prototypes": None if prototypes is None else int(prototypes),
            "n_neighbors": self.n_neighbors,
            "inverted": self.index == "inverted",
            "n_lists": self.n_lists,
            "n_probe": self.n_probe,
            "calibrates": self.calibration == "held_out",
            "pictures": bool(self.pictures),
        }

    def _checked(self, X: Any, *, reset: bool) -> NDArray[Any]:
        """Check images, which may have two axes each, and return them as rows."""
        X = as_array(X)
        if len(X.shape) > 2:
            X = np.asarray(X).reshape(len(X), -1)
        return np.asarray(validate_data(self, X, reset=reset))

    def _images(self, X: ArrayLike) -> Bytes:
        check_is_fitted(self)
        return stretched(as_vectors(self._checked(X, reset=False), self.n_jobs), self.data_min_, self.data_max_)

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Predict the class of each image.

        Warns with `NoInkWarning` if images are blank: their classes are meaningless.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_pixels) or (n_samples, height, width)
            Images.

        Returns
        -------
        ndarray of shape (n_samples,)
            Predicted class of each image.
        """
        rows = self._images(X)
        warn_of_blank(rows, stacklevel=3)
        return np.asarray(self.classes_[self.model_._core.predict(rows, n_threads(self.n_jobs))])

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return the probability of each class.

        Warns with `NoInkWarning` if images are blank: their probabilities are meaningless.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_pixels) or (n_samples, height, width)
            Images.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Probabilities in the order of `classes_`; each row sums to 1.
        """
        rows = self._images(X)
        warn_of_blank(rows, stacklevel=3)
        return self.model_._core.predict_proba(rows, n_threads(self.n_jobs))

    def explain(self, X: ArrayLike) -> list[Explanation]:
        """Explain the predicted class of each image, as `Model.explain` does.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_pixels) or (n_samples, height, width)
            Images.

        Returns
        -------
        list of Explanation
            One explanation per image.
        """
        rows = self._images(X)
        return Model(self.model_._core, n_jobs=self.n_jobs).explain(rows)


def pixel_range(X: NDArray[Any], vectors: Vectors) -> tuple[float, float]:
    """Return the values of images that become 0 and 255. Only integers may be bytes: floats have any range."""
    if X.dtype.kind == "b" or (X.dtype.kind == "f" and X.min() >= 0 and X.max() <= 1):
        return 0.0, 1.0
    return (float(X.min()), float(X.max())) if X.dtype.kind == "f" else range_of(vectors)
