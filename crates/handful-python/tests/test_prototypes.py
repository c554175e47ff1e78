"""Prototypes are the centroids that K-Means finds in each class, and what stands for what can be told."""

import handful
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

KINDS = {"bytes": lambda x: x, "fractions": lambda x: x / 7, "single": lambda x: (x / 7).astype(np.float32)}


@pytest.fixture(scope="module")
def digits(mnist):
    X, y = mnist.X_train[:1000], mnist.y_train[:1000]
    return X, np.array(list("abcdefghij"))[y]


@pytest.mark.parametrize("kind", KINDS)
# With more clusters than that a class has too few rows, and each is a prototype.
@pytest.mark.parametrize("n_clusters", [4, 95])
def test_prototypes_are_the_centroids_of_each_class(digits, kind, n_clusters):
    X, y = KINDS[kind](digits[0][:, ::8]), digits[1]
    found = handful.PrototypeClassifier(n_clusters, random_state=3, tol=0).fit(X, y)
    assert found.prototypes_.dtype == (np.uint8 if kind == "bytes" else np.float64)
    n_expected = [min(n_clusters, np.sum(y == name)) for name in found.classes_]
    assert_array_equal(found.prototype_labels_, np.repeat(found.classes_, n_expected))
    assert_array_equal(found.prototype_labels_[found.labels_], y)
    assert_array_equal(found.cluster_sizes_, np.bincount(found.labels_))
    parts = [X[found.labels_ == label] for label in range(sum(n_expected))]
    means = np.array([part.mean(axis=0, dtype=float) for part in parts])
    # Bytes are rounded, halves upwards.
    assert_allclose(found.prototypes_, np.floor(means + 0.5) if kind == "bytes" else means, rtol=1e-9)
    # As all runs have converged, no row is nearer to another centroid of its class.
    squares = ((X[:, None].astype(float) - means[None]) ** 2).sum(axis=2)
    own = np.where(found.prototype_labels_[None] == y[:, None], squares, np.inf)
    assert_allclose(squares[np.arange(len(X)), found.labels_], own.min(axis=1), rtol=1e-9, atol=1e-9)
    assert_allclose(found.inertia_, own.min(axis=1).sum(), rtol=1e-9)
    assert found.n_iter_ >= 10


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rows", [[3, 3], [6, 6], [1, 6]], ids=str)
def test_clusters_without_rows_are_no_prototypes(kind, rows):
    """Few different rows: each of them is a prototype once, at most, and all rows are counted."""
    X = KINDS[kind](np.repeat(np.array([[10, 20], [200, 100]], np.uint8), rows, axis=0))
    y = np.repeat([1, 2], rows)
    found = handful.PrototypeClassifier(3, random_state=0).fit(X, y)
    assert found.prototypes_.dtype == X.dtype or kind == "single"
    assert (found.cluster_sizes_ > 0).all()
    assert found.cluster_sizes_.tolist() == np.bincount(found.labels_).tolist() == rows
    assert found.inertia_ == 0
    assert_array_equal(found.predict(X), y)


def test_prototypes_vote_as_neighbors_do(digits, mnist):
    X, y = digits
    found = handful.PrototypeClassifier(20, n_neighbors=5, weights="distance", random_state=0).fit(X, y)
    knn = handful.KNeighborsClassifier(5, weights="distance").fit(found.prototypes_, found.prototype_labels_)
    assert_array_equal(found.predict_proba(mnist.X_test[:300]), knn.predict_proba(mnist.X_test[:300]))
    assert_array_equal(found.predict(mnist.X_test[:300]), knn.predict(mnist.X_test[:300]))


def test_more_runs_find_clusters_that_are_no_worse(digits):
    one, ten = (handful.PrototypeClassifier(5, n_init=n, random_state=0).fit(*digits) for n in (1, 10))
    assert ten.inertia_ < one.inertia_
    best = [handful.KMeans(5, n_init=n, random_state=0).fit(digits[0]).inertia_ for n in (1, 10)]
    assert best[1] <= best[0]


@pytest.mark.parametrize("kind", [handful.KMeans, handful.PrototypeClassifier, handful.KMeansFeatures])
def test_random_choices_follow_from_the_seed(digits, kind):
    (X, y), estimator = digits, kind(5)

    def found(random_state):
        estimator.set_params(random_state=random_state).fit(X, y)
        return getattr(estimator, "cluster_centers_", getattr(estimator, "prototypes_", None)).tobytes()

    assert found(1) == found(1) == found(np.int64(1))
    assert found(1) != found(2)
    assert found(np.random.RandomState(1)) == found(np.random.RandomState(1))
    assert found(None) != found(None)


@pytest.mark.parametrize("kind", KINDS)
def test_a_whole_weight_is_worth_as_many_rows(digits, kind):
    """One prototype per class is the mean of its rows, wherever K-Means starts."""
    X, y = KINDS[kind](digits[0][:, ::8]), digits[1]
    weights = np.random.default_rng(0).integers(0, 4, len(X))
    weighted = handful.PrototypeClassifier(1, random_state=0).fit(X, y, weights)
    repeated = handful.PrototypeClassifier(1, random_state=0).fit(np.repeat(X, weights, axis=0), np.repeat(y, weights))
    assert weighted.prototypes_.dtype == repeated.prototypes_.dtype
    assert_allclose(weighted.prototypes_, repeated.prototypes_, rtol=1e-9)
    assert_allclose(weighted.inertia_, repeated.inertia_, rtol=1e-9)
    assert_array_equal(weighted.cluster_sizes_, np.bincount(weighted.labels_))


def test_weights_that_are_not_whole_keep_prototypes_bytes(digits):
    X, y = digits
    found = handful.PrototypeClassifier(3, random_state=0).fit(X, y, np.linspace(0.1, 1, len(X)))
    assert found.prototypes_.dtype == np.uint8
    assert found.score(X, y) > 0.7
    weights = np.ones(len(X))
    ones = handful.PrototypeClassifier(3, random_state=0).fit(X, y, weights)
    assert ones.score(X, y) > 0.7
    weights[y == "c"] = 0
    with pytest.raises(ValueError, match="sample_weight: expected a weight above 0 in each class, found none in class"):
        handful.PrototypeClassifier(3).fit(X, y, weights)
    # Rows without a weight are no prototypes, even if there are fewer others than clusters.
    weights[np.flatnonzero(y == "c")[:2]] = 1
    few = handful.PrototypeClassifier(3, random_state=0).fit(X, y, weights)
    of_c = {row.tobytes() for row in few.prototypes_[few.prototype_labels_ == "c"]}
    assert of_c == {row.tobytes() for row in X[(y == "c") & (weights > 0)]}
