"""Handwritten digits, classified with K-Means and k-nearest neighbours: exact, fast, explained.

Estimators with scikit-learn's API, implemented in Rust:

=========================  ==========================================================================
`KMeans`                   Lloyd's algorithm, exact on bytes.
`KNeighborsClassifier`     Votes of the exact nearest neighbours.
`KNeighborsRegressor`      Means of the exact nearest neighbours' numbers.
`NearestNeighbors`         The exact search alone: the nearest neighbours, or all within a radius.
`PrototypeClassifier`      Votes of the nearest prototypes: K-Means centroids of each class.
`ClusterLabeler`           Labels all samples from the labels of a few, and says which ones to label.
`PresetClassifier`         A ready-made recipe from image to label, to be fitted to your own images.
`Deskew`                   Straightens slanted images.
`GradientFeatures`         Turns images into histograms of gradient directions.
`KMeansFeatures`           Turns vectors into similarities to K-Means centroids.
`Model`, `load_model`      Complete recipes from image to label: ready-made presets, or your own.
`audit`                    Finds labels that look wrong, duplicates, leaks and images of no class.
=========================  ==========================================================================

Arrays of bytes (``uint8``) are read without a copy and compared exactly. Whole numbers from 0 to 255 in arrays
of integers or floats are converted to bytes.

Examples
--------
>>> import handful
>>> X_train, y_train, X_test, y_test = handful.datasets.load_mnist()
>>> model = handful.load_model("best")
>>> round(100 * model.score(X_test[:1000], y_test[:1000]), 1)
99.6
"""

from handful import datasets
from handful._audit import Audit, audit
from handful._core import __version__
from handful._dictionary import KMeansFeatures
from handful._explanation import Explanation, Neighbor, VoteExplanation, Voter
from handful._images import Deskew, GradientFeatures, frame
from handful._kmeans import KMeans
from handful._labelling import AccuracyEstimate, ClusterLabeler
from handful._model import Model, load_model
from handful._neighbors import KNeighborsClassifier
from handful._preset import PresetClassifier
from handful._prototypes import PrototypeClassifier
from handful._regression import KNeighborsRegressor
from handful._training import train_model
from handful._unsupervised import NearestNeighbors
from handful._warnings import NoInkWarning

__all__ = [
    "AccuracyEstimate",
    "Audit",
    "ClusterLabeler",
    "Deskew",
    "Explanation",
    "GradientFeatures",
    "KMeans",
    "KMeansFeatures",
    "KNeighborsClassifier",
    "KNeighborsRegressor",
    "Model",
    "NearestNeighbors",
    "Neighbor",
    "NoInkWarning",
    "PresetClassifier",
    "PrototypeClassifier",
    "VoteExplanation",
    "Voter",
    "__version__",
    "audit",
    "datasets",
    "frame",
    "load_model",
    "train_model",
]
