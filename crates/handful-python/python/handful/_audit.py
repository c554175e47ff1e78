"""What is wrong with labelled images."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from handful import _core
from handful._jobs import n_threads, progress
from handful._labels import names_of
from handful._training import joined
from handful._types import Indices, Shape
from handful._vectors import numbered

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Audit:
    """What an audit found; rows count the images of `X`, and then those of `X_test`.

    Attributes
    ----------
    n_train : int
        Number of images of `X`.
    labels : ndarray of shape (n,)
        The labels of all images, as they were given.
    scores : ndarray of shape (n,)
        How suspicious the label of each image is, from 0 to 1: the share of its neighbours' votes against it.
    classes : ndarray of shape (n_classes,)
        The labels that occur, sorted.
    probabilities : ndarray of shape (n, n_classes)
        Probability of each class for each image, from the votes of other images.
    label_issues : ndarray of shape (n_issues,)
        Rows of the images whose label looks wrong, most suspicious first.
    suggested : ndarray of shape (n_issues,)
        The label that the neighbours suggest for each of them.
    neighbors : ndarray of shape (n_issues, n_shown)
        Rows of the images that are nearest to each of them, nearest first.
    duplicates : ndarray of shape (n_pairs, 2)
        Rows of images that are equal, or nearly so: exact ones first, then by distance.
    duplicate_distances : ndarray of shape (n_pairs,)
        Root mean square of the differences of each pair, in grey levels from 0 to 255.
    outliers : ndarray of shape (n_outliers,)
        Rows of the images that seem to belong to no class, strangest first.
    outlier_scores : ndarray of shape (n,)
        How far each image is from what is usual in others, relative to the median; infinite if it has no ink.
    rare_classes : ndarray of shape (n_rare,)
        Labels with less than a fifth as many images as the median label, or with none in a part.
    """

    n_train: int
    labels: NDArray[Any]
    scores: NDArray[np.float64]
    classes: NDArray[Any]
    probabilities: NDArray[np.float64]
    label_issues: Indices
    suggested: NDArray[Any]
    neighbors: Indices
    duplicates: Indices
    duplicate_distances: NDArray[np.float64]
    outliers: Indices
    outlier_scores: NDArray[np.float64]
    rare_classes: NDArray[Any]

    def to_frame(self) -> pd.DataFrame:
        """Return the findings as a table, one per row; needs pandas.

        Returns
        -------
        pandas.DataFrame
            The columns of the CSV file that ``handful audit`` writes, as far as they are known before a decision.
        """
        import pandas as pd

        kinds = ["label"] * len(self.label_issues)
        rows, others = list(self.label_issues), [-1] * len(self.label_issues)
        for first, second in self.duplicates:
            is_leak = first < self.n_train <= second
            kinds.append("leak" if is_leak else "duplicate")
            # Of two images of one part, the later one is the copy. Of a leak, the training image is to go.
            rows.append(first if is_leak else second)
            others.append(second if is_leak else first)
        kinds += ["outlier"] * len(self.outliers)
        rows += list(self.outliers)
        others += [-1] * len(self.outliers)
        row, other = np.array(rows, dtype=np.int64), np.array(others, dtype=np.int64)
        n_issues, n_pairs = len(self.label_issues), len(self.duplicates)
        has_other = other >= 0
        score = np.concatenate(
            [self.scores[self.label_issues], np.full(n_pairs, np.nan), self.outlier_scores[self.outliers]]
        )
        distance = np.full(len(row), np.nan)
        distance[n_issues : n_issues + n_pairs] = self.duplicate_distances
        suggested = pd.Series(list(self.suggested) + [None] * (len(row) - n_issues), dtype=object)
        return pd.DataFrame(
            {
                "kind": kinds,
                "part": self._parts(row),
                "index": self._indices(row),
                "label": self.labels[row],
                "suggested": suggested,
                "score": score,
                "other_part": pd.Series(self._parts(other)).where(has_other, None),
                "other_index": pd.Series(self._indices(other), dtype="Int64").where(has_other),
                "other_label": pd.Series(self.labels[other], dtype=object).where(has_other, None),
                "distance": distance,
            }
        )

    def _parts(self, rows: Indices) -> list[str]:
        if self.n_train == len(self.labels):
            return ["all"] * len(rows)
        return ["train" if row < self.n_train else "test" for row in rows]

    def _indices(self, rows: Indices) -> Indices:
        return np.where(rows < self.n_train, rows, rows - self.n_train)


def audit(
    X: ArrayLike,
    y: ArrayLike,
    X_test: ArrayLike | None = None,
    y_test: ArrayLike | None = None,
    *,
    n_neighbors: int = 50,
    min_score: float = 0.9,
    image_shape: Shape | None = None,
    n_jobs: int | None = None,
    verbose: int = 0,
) -> Audit:
    """Find labels that look wrong, duplicates, leaks, images of no class, and rare classes.

    Every image is compared with all others. Neither an image nor its duplicates vote on its label. A label that looks
    wrong may be right, and the image unusual: look at it before you change it.

    Parameters
    ----------
    X : array-like of shape (n, n_pixels), (n, height, width) or (n, height, width, 1)
        Images: bytes, whole numbers from 0 to 255, or floats from 0 to 1.
    y : array-like of shape (n,)
        Label of each image: strings, booleans or whole numbers.
    X_test : array-like or None, default=None
        Images that models are tested on. Images of `X` that are among them are leaks.
    y_test : array-like or None, default=None
        Label of each of them.
    n_neighbors : int, default=50
        Number of neighbours that vote on an image; at most as many as the median class has images.
    min_score : float, default=0.9
        A label looks wrong if this share of its neighbours' votes is against it.
    image_shape : tuple of (int, int) or None, default=None
        Height and width of an image. None means those of `X`; if `X` contains rows, square images, or one row of
        pixels if no square fits.
    n_jobs : int or None, default=None
        Number of threads. None means all CPUs that the process may use; in a joblib worker, its share of them.
    verbose : int, default=0
        Whether to print progress.

    Returns
    -------
    Audit
        What was found.

    Examples
    --------
    >>> import handful
    >>> X, y, X_test, y_test = handful.datasets.load_mnist()
    >>> X, y = X[:5000].copy(), y[:5000].copy()
    >>> y[7] = 8  # a wrong label: it was a 3
    >>> X[4000] = X_test[0]  # a leak
    >>> found = handful.audit(X, y, X_test, y_test)
    >>> int(found.label_issues[0]), int(found.suggested[0])
    (7, 3)
    >>> found.duplicates.tolist()
    [[4000, 5000]]
    """
    if not isinstance(n_neighbors, Integral) or n_neighbors < 1:
        raise ValueError(f"n_neighbors: expected a whole number of at least 1, found {n_neighbors!r}")
    if (X_test is None) != (y_test is None):
        raise ValueError("expected both X_test and y_test, or neither, found only one of them")
    sets = [(X, y)] if X_test is None else [(X, y), (X_test, y_test)]
    rows, labels, shape = joined(sets, image_shape, n_jobs)
    n_train = len(rows) if X_test is None else len(np.asarray(y))
    classes, numbers = numbered(rows, labels)
    found = _core.audit(
        rows,
        numbers.astype(np.uint32),
        n_train,
        names_of(classes),
        shape,
        int(n_neighbors),
        float(min_score),
        n_threads(n_jobs),
        progress("audit", verbose),
    )
    found["suggested"] = classes[found["suggested"]]
    found["rare_classes"] = classes[found["rare_classes"]]
    return Audit(n_train=n_train, labels=labels, classes=classes, **found)
