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
    handful.PrototypeClassifier(),
    handful.PrototypeClassifier(n_clusters=3, n_neighbors=2, weights="distance"),
    handful.Deskew(),
    handful.Deskew(normalize=0.6),
    handful.GradientFeatures(),
    handful.KMeansFeatures(n_clusters=3),
    handful.KMeansFeatures(n_clusters=2, activation="rbf"),
]

PEERS = {
    handful.KMeans: sklearn.cluster.KMeans,
    handful.KNeighborsClassifier: sklearn.neighbors.KNeighborsClassifier,
}


def expected_failures(estimator):
    """What scikit-learn declares for its own estimator of the same name, with its reason; nothing for ours alone."""
    return PER_ESTIMATOR_XFAIL_CHECKS.get(PEERS.get(type(estimator)), {})


@pytest.mark.filterwarnings("ignore:Number of distinct clusters")
@parametrize_with_checks(ESTIMATORS, expected_failed_checks=expected_failures)
def test_estimator(estimator, check):
    check(estimator)
