"""Complete models: from images to labels, with explanations."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_consistent_length, column_or_1d

from handful import _core
from handful._explanation import Explanation, Neighbor
from handful._image_arrays import images, warn_of_blank
from handful._images import picture_of
from handful._jobs import n_threads
from handful._labels import are_equal, labels_of, names_of
from handful._types import Bytes, Provenance, Shape


class Model:
    """A fitted recipe: features, prototypes and the voting rule, in one file that contains no executable code.

    `load_model` and `train_model` create models. All images must have the shape `image_shape`. They are given as an
    array of shape (n, n_pixels), (n, height, width), (n, height, width, 1) or (n, 1, height, width), or as a table
    with one row per image. A single image may also have the shape (height, width); the result then has one entry.
    Values are bytes, whole numbers from 0 to 255, or floats from 0 to 1. Ink must be bright. A pickled model
    contains the file that `save` writes.

    Parameters
    ----------
    core : _core.Model
        The model in Rust, which `load_model` and `train_model` create.
    n_jobs : int or None, default=None
        Number of threads. None means all CPUs that the process may use; in a joblib worker, its share of them.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The classes, with the type of the labels passed to `train_model`. If the model was trained in another way,
        they are whole numbers if all their names are, and strings otherwise.

    Examples
    --------
    >>> import handful
    >>> X_train, y_train, X_test, y_test = handful.datasets.load_mnist()
    >>> model = handful.load_model("fast")
    >>> model
    Model(preset='fast', image_shape=(28, 28), n_classes=10, n_prototypes=200)
    >>> model.predict(X_test[:5]).tolist(), y_test[:5].tolist()
    ([7, 2, 1, 0, 4], [7, 2, 1, 0, 4])
    >>> why = model.explain(X_test[:1])[0]
    >>> why.label, why.is_digit, [neighbor.label for neighbor in why.neighbors]
    (7, True, [7, 7, 7, 7, 7])
    """

    def __init__(self, core: _core.Model, *, n_jobs: int | None = None) -> None:
        self._core = core
        self.n_jobs = n_jobs
        self.classes_ = labels_of(core.classes, core.label_type)

    @classmethod
    def from_bytes(cls, data: bytes) -> Model:
        """Read a model from the bytes of its file, and verify all of them.

        Parameters
        ----------
        data : bytes
            The result of `to_bytes`, or the content of a file.

        Returns
        -------
        Model
            The model.
        """
        return cls(_core.Model.from_bytes(bytes(data)))

    def to_bytes(self) -> bytes:
        """Return the content of the file that `save` writes.

        Returns
        -------
        bytes
            Tensors and metadata in the safetensors format.
        """
        return self._core.to_bytes()

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the model to a file, which ``handful predict --model`` can read too.

        If writing fails, no incomplete file is left behind.

        Parameters
        ----------
        path : path-like
            The file. By convention, its name ends with `.safetensors`.
        """
        self._core.save(os.fsdecode(path))

    def __reduce__(self) -> tuple[Any, ...]:
        return Model.from_bytes, (self.to_bytes(),), {"n_jobs": self.n_jobs}

    def __repr__(self) -> str:
        preset = "" if self.preset is None else f"preset={self.preset!r}, "
        shape, n_prototypes = self.image_shape, len(self._core.prototype_labels)
        return f"Model({preset}image_shape={shape}, n_classes={len(self.classes_)}, n_prototypes={n_prototypes})"

    @property
    def preset(self) -> str | None:
        """Name of the preset, or None if its values were changed."""
        return self._core.provenance["preset"]

    @property
    def provenance(self) -> Provenance:
        """How the model was trained: `preset`, `n_samples`, `sha256`, `validation_error` (percent) and `n_taught`."""
        return self._core.provenance

    @property
    def image_shape(self) -> Shape:
        """Height and width of an image."""
        return self._core.image_shape

    @property
    def n_features_in_(self) -> int:
        """Number of pixels of an image."""
        height, width = self.image_shape
        return height * width

    @property
    def prototypes(self) -> Bytes:
        """The vectors that vote, of shape (n_prototypes, length of a vector)."""
        return self._core.prototypes

    @property
    def prototype_labels(self) -> NDArray[Any]:
        """Class of each prototype."""
        return self.classes_[self._core.prototype_labels]

    @property
    def medoids(self) -> NDArray[np.uint32]:
        """Index of the training image that is nearest to each prototype.

        The recipe of the preset 'everyday' adds images to those of the data set. Their indices follow: first distorted
        copies of all images, in the same order, then drawn digits. Those that a model was `taught` come last.
        """
        return self._core.medoids

    @property
    def pictures(self) -> Bytes | None:
        """Picture of each prototype, of shape (n_prototypes, height, width); None if no pictures were kept."""
        pictures = self._core.pictures
        return None if pictures is None else pictures.reshape(-1, *self.image_shape)

    def frame(self, picture: ArrayLike) -> Bytes:
        """Convert a picture of any size to an image for this model, as the command line does.

        The ink is separated from the paper. Lines and other marks that do not belong to the digit are removed. If
        there are several plausible ways, the model chooses the one whose result looks most like a digit;
        `handful.frame` decides without a model. A picture that is already framed is not changed.

        Parameters
        ----------
        picture : array-like of shape (height, width)
            Grey values from 0 to 255.

        Returns
        -------
        ndarray of shape (1, n_pixels)
            The image as a row for `predict`, with bright ink on black. It is blank if no ink is found.

        Examples
        --------
        >>> import numpy as np
        >>> import handful
        >>> model = handful.load_model("fast")
        >>> crop = np.full((60, 12), 30, dtype=np.uint8)
        >>> crop[:, :3] = 220
        >>> model.predict(model.frame(crop)).tolist()
        [1]
        """
        return self._core.frame(picture_of(picture)).reshape(1, -1)

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Predict the class of each image.

        Warns with `NoInkWarning` if images are blank: their classes are meaningless.

        Parameters
        ----------
        X : array-like of shape (n, n_pixels) or (n, height, width)
            Images.

        Returns
        -------
        ndarray of shape (n,)
            Predicted class of each image.
        """
        rows = self._images(X)
        warn_of_blank(rows, stacklevel=3)
        return self.classes_[self._core.predict(rows, n_threads(self.n_jobs))]

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return the probability of each class.

        Warns with `NoInkWarning` if images are blank: their probabilities are meaningless.

        Parameters
        ----------
        X : array-like of shape (n, n_pixels) or (n, height, width)
            Images.

        Returns
        -------
        ndarray of shape (n, n_classes)
            Probabilities in the order of `classes_`; each row sums to 1.
        """
        rows = self._images(X)
        warn_of_blank(rows, stacklevel=3)
        return self._core.predict_proba(rows, n_threads(self.n_jobs))

    def explain(self, X: ArrayLike) -> list[Explanation]:
        """Explain the predicted label of each image.

        An explanation contains the neighbours that voted, the confidence, and whether the image is a digit at all.

        Parameters
        ----------
        X : array-like of shape (n, n_pixels) or (n, height, width)
            Images.

        Returns
        -------
        list of Explanation
            One explanation per image.
        """
        found = self._core.explain(self._images(X), n_threads(self.n_jobs))
        classes = self.classes_.tolist()

        def neighbors(row: int) -> list[Neighbor]:
            columns = (found[name][row].tolist() for name in ("labels", "distances", "prototypes", "medoids"))
            return [
                Neighbor(classes[label], distance, prototype, medoid)
                for label, distance, prototype, medoid in zip(*columns, strict=True)
            ]

        return [
            Explanation(
                label=classes[label] if has_ink else None,
                confidence=float(found["confidence"][row]),
                is_digit=bool(found["is_digit"][row]),
                has_ink=has_ink,
                probabilities=dict(zip(classes, found["probabilities"][row].tolist(), strict=True)),
                neighbors=neighbors(row),
            )
            for row, (label, has_ink) in enumerate(zip(found["label"].tolist(), found["has_ink"].tolist(), strict=True))
        ]

    def transform(self, X: ArrayLike) -> Bytes:
        """Transform images to the vectors between which distances are computed.

        Parameters
        ----------
        X : array-like of shape (n, n_pixels) or (n, height, width)
            Images.

        Returns
        -------
        ndarray of shape (n, length of a vector)
            The vectors as bytes.
        """
        return self._core.transform(self._images(X), n_threads(self.n_jobs))

    def outlier_scores(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return how different each image is from the training images.

        Parameters
        ----------
        X : array-like of shape (n, n_pixels) or (n, height, width)
            Images.

        Returns
        -------
        ndarray of shape (n,)
            Scores. If a score is above 1, `explain` reports that the image is not a digit. The score of an image
            without ink is infinite.
        """
        return self._core.outlier_scores(self._images(X), n_threads(self.n_jobs))

    def score(self, X: ArrayLike, y: ArrayLike) -> float:
        """Return the accuracy on labelled images.

        Parameters
        ----------
        X : array-like of shape (n, n_pixels) or (n, height, width)
            Images.
        y : array-like of shape (n,)
            True class of each image.

        Returns
        -------
        float
            The share of images that are classified correctly.
        """
        labels: NDArray[Any] = column_or_1d(y, warn=True)
        predicted = self.predict(X)
        check_consistent_length(predicted, labels)
        return float(np.mean(are_equal(predicted, labels)))

    def taught(self, X: ArrayLike, y: ArrayLike) -> Model:
        """Return a model that also knows these images, without training it again.

        Each image becomes a prototype at once, with a majority of the votes: it decides about images of which it is one
        of the nearest prototypes. What the model takes for a digit stays the same.

        Parameters
        ----------
        X : array-like of shape (n, n_pixels) or (n, height, width)
            Images.
        y : array-like of shape (n,)
            Class of each image, one of `classes_`.

        Returns
        -------
        Model
            The model with further prototypes. This one does not change.

        Examples
        --------
        >>> import handful
        >>> X_train, y_train, X_test, y_test = handful.datasets.load_mnist()
        >>> model = handful.load_model("tiny")
        >>> wrong = (model.predict(X_test) != y_test).nonzero()[0][:1]
        >>> model.score(X_test[wrong], y_test[wrong]), model.taught(X_test[wrong], y_test[wrong]).score(
        ...     X_test[wrong], y_test[wrong]
        ... )
        (0.0, 1.0)
        """
        rows = self._images(X)
        labels: NDArray[Any] = column_or_1d(y, warn=True)
        check_consistent_length(rows, labels)
        classes, numbers = np.unique(labels, return_inverse=True)
        core = self._core.taught(rows, numbers.astype(np.uint32), names_of(classes), n_threads(self.n_jobs))
        return Model(core, n_jobs=self.n_jobs)

    def _images(self, X: ArrayLike) -> Bytes:
        return images(X, self.image_shape, self.n_jobs)


def load_model(model: str | os.PathLike[str] = "everyday", *, n_jobs: int | None = None) -> Model:
    """Load a model from a file, or a preset trained on MNIST.

    Parameters
    ----------
    model : path-like, default='everyday'
        A file written by `Model.save` or ``handful train``, or the name of a preset: 'notebook', 'pixels', 'tiny',
        'small', 'fast', 'best', 'neighbors' or 'everyday'.
    n_jobs : int or None, default=None
        Number of threads. None means all CPUs that the process may use; in a joblib worker, its share of them.

    Returns
    -------
    Model
        The model. Every byte of it was verified.

    Examples
    --------
    >>> import handful
    >>> handful.load_model().preset
    'everyday'
    >>> handful.load_model("best").provenance["validation_error"]
    0.396
    """
    if model in _core.Model.presets():
        return Model(_core.Model.preset(str(model)), n_jobs=n_jobs)
    path = os.fsdecode(model)
    try:
        return Model(_core.Model.load(path), n_jobs=n_jobs)
    except FileNotFoundError:
        presets = ", ".join(_core.Model.presets())
        raise FileNotFoundError(
            f"{path}: expected a file with a model, or one of the presets {presets}; found no such file"
        ) from None
