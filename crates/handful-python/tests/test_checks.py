"""scikit-learn's own checks of estimators."""

import handful
import pytest
import sklearn.cluster
import sklearn.neighbors
from sklearn.utils._test_common.instance_generator import PER_ESTIMATOR_XFAIL_CHECKS
from sklearn.utils.estimator_checks import parametrize_with_checks

ESTIMATORS = [
    handful.KMeans(),
    handful.KMeans(n_clusters=3, init="random", n_init=2),
    handful.KNeighborsClassifier(),
    handful.KNeighborsClassifier(n_neighbors=3, weights="distance", tie_break="nearest", algorithm="brute"),
    handful.KNeighborsClassifier(metric="cosine"),
    handful.KNeighborsRegressor(),
    handful.KNeighborsRegressor(n_neighbors=3, weights="distance", metric="sqeuclidean"),
    handful.NearestNeighbors(),
    handful.NearestNeighbors(n_neighbors=2, metric="cosine"),
    handful.PrototypeClassifier(),
    handful.PrototypeClassifier(n_clusters=3, n_neighbors=2, weights="distance"),
    handful.ClusterLabeler(n_clusters=2),
    handful.ClusterLabeler(n_clusters=2, n_neighbors=1),
    handful.PresetClassifier("notebook", prototypes=1),
    handful.PresetClassifier("pixels", prototypes="all", n_neighbors=1),
    handful.Deskew(),
    handful.Deskew(normalize=0.6),
    handful.GradientFeatures(),
    handful.KMeansFeatures(n_clusters=3),
    handful.KMeansFeatures(n_clusters=2, activation="rbf"),
]

PEERS = {
    handful.KMeans: sklearn.cluster.KMeans,
    handful.KNeighborsClassifier: sklearn.neighbors.KNeighborsClassifier,
    handful.KNeighborsRegressor: sklearn.neighbors.KNeighborsRegressor,
    handful.NearestNeighbors: sklearn.neighbors.NearestNeighbors,
}

# scikit-learn's own neighbours have no weights. A weight multiplies a vote, and each sample takes one place.
PLACES = {"check_sample_weight_equivalence_on_dense_data": "a sample of weight 2 is one neighbour, and not two"}
# scikit-learn exempts its own semi-supervised estimators from this check, by their names.
UNLABELLED = {"check_classifiers_classes": "-1 is not a class, but marks samples without a label"}
OWN = {
    handful.ClusterLabeler: UNLABELLED,
    handful.KNeighborsClassifier: PLACES,
    handful.KNeighborsRegressor: PLACES,
}


def expected_failures(estimator):
    """What scikit-learn declares for its own estimator of the same name, with its reason, and ours."""
    return {**PER_ESTIMATOR_XFAIL_CHECKS.get(PEERS.get(type(estimator)), {}), **OWN.get(type(estimator), {})}


@pytest.mark.filterwarnings("ignore:Number of distinct clusters")
# Images of one pixel.
@pytest.mark.filterwarnings("ignore::handful.NoInkWarning")
@parametrize_with_checks(ESTIMATORS, expected_failed_checks=expected_failures)
def test_estimator(estimator, check):
    check(estimator)
