"""Features of images that handful's tests compare with, computed by NumPy, SciPy and scikit-learn.

    pip install numpy scipy scikit-learn statsmodels
    python crates/handful/tests/golden/make_features.py

writes `features.json` beside this file (a few seconds): values before they are rounded to bytes.
"""

import json
from importlib.metadata import version
from itertools import product

import numpy as np
from scipy.ndimage import affine_transform, correlate1d
from scipy.spatial.distance import cdist
from sklearn.covariance import EmpiricalCovariance
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from make_reference import HERE, rows

# As many of each: scikit-learn weighs classes by their size, handful all alike.
PER_CLASS = 30
# Of the images that are learned from, every so many-th is stored: one of each digit.
STORED = 30
# Top, bottom, left and right. In the smaller frame, which is no square, ink reaches the edges.
WHOLE, MIDDLE = (0, 28, 0, 28), (4, 24, 6, 22)


def framed(x, frame):
    top, bottom, left, right = frame
    return x.reshape(-1, 28, 28)[:, top:bottom, left:right].astype(float)


def deskew(image, power):
    shape = np.array(image.shape)
    places = np.indices(shape).reshape(2, -1)
    centre = np.average(places, axis=1, weights=image.ravel())
    (yy, xy), (_, xx) = np.cov(places, aweights=image.ravel(), ddof=0)
    shear = xy / yy
    # Standard deviations that are common on MNIST's 28 pixels, and limits to growing and shrinking.
    deviations = np.sqrt(np.maximum([yy, xx - xy**2 / yy], 0.25)) / (np.array([5.2, 3.6]) / 28 * shape)
    down, right = np.clip(deviations**power, [0.7, 0.6], 1.3)
    matrix = np.array([[down, 0], [shear * down, right]])
    offset = centre - matrix @ ((shape - 1) / 2)
    # "grid-constant" blends the outermost pixels with what is outside, where "constant" cuts them off.
    return affine_transform(image, matrix, offset, order=1, mode="grid-constant", cval=0)


def halves(places):
    """The two whole numbers around each place, and the part that each has of it."""
    first = np.floor(places).astype(int)
    return [(first, 1 - (places - first)), (first + 1, places - first)]


def gradients(image, n_bins, n_cells):
    y, x = (correlate1d(image, [-1, 0, 1], axis, mode="nearest") for axis in (0, 1))
    directions = halves(np.arctan2(y, x) / (2 * np.pi) * n_bins)
    # From 1 on: what falls outside the grid is counted in a border.
    rows, columns = (halves((np.arange(length) + 0.5) / length * n_cells + 0.5) for length in image.shape)
    cells = np.zeros((n_cells + 2, n_cells + 2, n_bins))
    for (row, down), (column, right), (direction, part) in product(rows, columns, directions):
        weights = np.hypot(x, y) * part * down[:, None] * right
        np.add.at(cells, (row[:, None], column, direction % n_bins), weights)
    roots = np.sqrt(cells[1:-1, 1:-1].ravel())
    return 21 * np.sqrt(roots.size) * roots / np.linalg.norm(roots)


def principal_components(x, whitening):
    """The farthest of all places is 127 steps from the middle."""
    pca = PCA(20, svd_solver="full").fit(x)
    places = pca.transform(x) * pca.explained_variance_ ** (-whitening / 2)
    return 128 + 127 * places / np.abs(places).max()


class Ridged(EmpiricalCovariance):
    def __init__(self, ridge=0.0):
        super().__init__()
        self.ridge = ridge

    def fit(self, x, y=None):
        super().fit(x)
        self.covariance_ += self.ridge * np.eye(len(self.covariance_))
        return self


def discriminants(x, y, ridge):
    """The widest of all ranges is 254 steps, and each has its middle in the middle."""
    variance = np.mean([x[y == label].var(axis=0).mean() for label in np.unique(y)])
    lda = LinearDiscriminantAnalysis(solver="eigen", covariance_estimator=Ridged(ridge * variance))
    places = lda.fit(x, y).transform(x)
    places -= (places.max(axis=0) + places.min(axis=0)) / 2
    return 128 + 254 * places / np.ptp(places, axis=0).max()


def activations(x, variance):
    # Dimmed, so that few triangles are too large for bytes.
    x = x // 4
    squares = cdist(x[::STORED], x[::8], "sqeuclidean")
    distances = np.sqrt(squares)
    return {
        "variance": variance,
        "radial_basis": rounded(255 * np.exp(-squares / (2 * variance))),
        "triangle": rounded(np.maximum(distances.mean(axis=1, keepdims=True) - distances, 0)),
    }


def rounded(values):
    """To hundredths, as far as bytes go; whole numbers without a point, for most are 0."""
    values = np.clip(values, 0, 255).round(2).tolist()
    return [[int(value) if value.is_integer() else value for value in row] for row in values]


def main():
    x, y = rows("train")
    chosen = np.concatenate([np.flatnonzero(y == digit)[:PER_CLASS] for digit in range(10)])
    x, y = x[chosen], y[chosen]
    middle = framed(x, MIDDLE).reshape(len(x), -1)
    reference = {
        "made_with": {name: version(name) for name in ("numpy", "scipy", "scikit-learn")},
        "rows": chosen.tolist(),
        "stored": STORED,
        "middle": MIDDLE,
        "deskew": [
            {
                "frame": frame,
                "normalize": power,
                "images": rounded([deskew(image, power).ravel() for image in framed(x, frame)[::STORED]]),
            }
            for frame, power in product([WHOLE, MIDDLE], [0, 0.6])
        ],
        "gradients": [
            {
                "frame": frame,
                "n_bins": n_bins,
                "n_cells": n_cells,
                "histograms": rounded(
                    [gradients(image, n_bins, n_cells) for image in framed(x, frame)[::STORED]]
                ),
            }
            for frame, n_bins, n_cells in [(WHOLE, 8, 5), (MIDDLE, 15, 3)]
        ],
        "pca": [
            {"whitening": power, "places": rounded(principal_components(middle, power)[::STORED])}
            for power in (0, 0.25)
        ],
        "lda": [
            {"ridge": ridge, "places": rounded(discriminants(middle, y, ridge)[::STORED])}
            for ridge in (0.1, 1)
        ],
        "activations": activations(middle, variance=40_000),
        "median_squared_distance": np.quantile(cdist(middle, middle, "sqeuclidean"), 0.5, method="higher"),
    }
    (HERE / "features.json").write_text(json.dumps(reference, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
