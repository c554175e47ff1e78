"""On a Dask cluster, estimators have the results of one machine."""

import re

import dask
import dask.array as da
import handful
import handful.dask
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from cluster.shared import PARTITIONS, N, assert_same_kmeans, assert_same_prototypes, partitioned

KMEANS = [
    {"n_clusters": 20, "max_iter": 8},
    {"n_clusters": 5, "n_init": 3, "tol": 1e-3},
    {"n_clusters": 6, "init": "random", "n_init": 2, "max_iter": 4},
    {"n_clusters": 3, "init": np.linspace(0, 255, 3 * 784).reshape(3, 784), "tol": 0.0, "max_iter": 5},
]


@pytest.mark.parametrize("params", KMEANS, ids=lambda params: ",".join(params))
def test_kmeans_is_that_of_one_machine_bit_for_bit(client, digits, params):
    X, _, queries, _ = digits
    expected = handful.KMeans(random_state=3, **params).fit(X)
    for sizes in PARTITIONS:
        assert_same_kmeans(handful.dask.KMeans(random_state=3, **params).fit(partitioned(X, sizes)), expected)
    found = handful.dask.KMeans(random_state=3, **params).fit(partitioned(X))
    lazy = partitioned(queries, (200, 0, 300))
    for asked in (found.predict(queries), found.predict(lazy).compute()):
        assert_array_equal(asked, expected.predict(queries))
    assert found.predict(lazy).dtype == np.int32
    assert_allclose(found.transform(lazy).compute(), expected.transform(queries), rtol=1e-9)
    assert_allclose(found.score(lazy), expected.score(queries), rtol=1e-9)


def test_empty_clusters_move_to_the_farthest_rows_of_all_partitions(client, digits):
    X = digits[0]
    # Centroids that are the same leave all but the first of them without rows.
    init = np.repeat(X[:1], 12, axis=0).astype(float)
    expected = handful.KMeans(12, init=init, max_iter=5).fit(X)
    assert_same_kmeans(handful.dask.KMeans(12, init=init, max_iter=5).fit(partitioned(X)), expected)


def test_seeding_looks_at_a_sample_of_many_rows(client):
    X = np.random.default_rng(0).integers(0, 256, (270_000, 3), dtype=np.uint8)
    expected = handful.KMeans(4, max_iter=2, random_state=0).fit(X)
    found = handful.dask.KMeans(4, max_iter=2, random_state=0).fit(partitioned(X, (100_000, 170_000)))
    assert_same_kmeans(found, expected)


@pytest.mark.parametrize(
    ("n_rows", "params"),
    # In the last case some classes have fewer rows than that.
    [(N, {"n_clusters": 9}), (N, {"n_clusters": 4, "n_init": 3}), (400, {"n_clusters": 40})],
)
def test_prototypes_are_those_of_one_machine_bit_for_bit(client, digits, n_rows, params):
    X, y, queries, labels = digits
    X, y = X[:n_rows], y[:n_rows]
    y, labels = np.array(list("abcdefghij"))[y], np.array(list("abcdefghij"))[labels]
    expected = handful.PrototypeClassifier(random_state=5, n_neighbors=3, max_iter=5, **params).fit(X, y)
    for sizes in [(n_rows,), (0, 200, 0, 1, n_rows - 201, 0)]:
        found = handful.dask.PrototypeClassifier(random_state=5, n_neighbors=3, max_iter=5, **params)
        # Classes are cut as the rows are.
        assert_same_prototypes(found.fit(partitioned(X, sizes), da.from_array(y, chunks=n_rows // 4)), expected)
    lazy = partitioned(queries, (200, 0, 300))
    assert_array_equal(found.predict(lazy).compute(), expected.predict(queries))
    assert_array_equal(found.predict_proba(lazy).compute(), expected.predict_proba(queries))
    assert_array_equal(found.predict(queries), expected.predict(queries))
    assert found.score(lazy, labels) == found.score(queries, labels) == expected.score(queries, labels)


@pytest.mark.parametrize(
    "params", [{}, {"weights": "distance", "tie_break": "nearest"}, {"algorithm": "brute"}], ids=str
)
def test_neighbors_are_those_of_one_machine(client, digits, params):
    X, y, queries, labels = digits
    # Rows that are equally far lie in different partitions.
    X, y = np.concatenate([X, X[::-1]]), np.concatenate([y, y[::-1]])
    expected = handful.KNeighborsClassifier(7, **params).fit(X, y)
    nearest = expected.kneighbors(queries)
    for sizes in [(len(X),), (0, 5, 3, N, 0, N - 8)]:
        found = handful.dask.KNeighborsClassifier(7, **params).fit(partitioned(X, sizes), y)
        for answer, same in zip(found.kneighbors(queries), nearest, strict=True):
            assert_array_equal(answer, same)
    lazy = partitioned(queries, (200, 0, 300))
    for answer, same in zip(dask.compute(*found.kneighbors(lazy)), nearest, strict=True):
        assert_array_equal(answer, same)
    for asked in (found.predict(queries), found.predict(lazy).compute()):
        assert_array_equal(asked, expected.predict(queries))
    for asked in (found.predict_proba(queries), found.predict_proba(lazy).compute()):
        assert_array_equal(asked, expected.predict_proba(queries))
    assert found.score(lazy, labels) == found.score(queries, labels) == expected.score(queries, labels)


def test_rows_are_not_neighbors_of_themselves(client, digits):
    X, y = np.concatenate([digits[0][:300], digits[0][:20]]), digits[1][:320]
    expected = handful.KNeighborsClassifier(4).fit(X, y).kneighbors()
    found = handful.dask.KNeighborsClassifier(4).fit(partitioned(X, (100, 0, 220)), y).kneighbors()
    for answer, same in zip(dask.compute(*found), expected, strict=True):
        assert_array_equal(answer, same)


def test_verbose_tells_how_far_the_work_is(client, digits, capsys):
    X, y, queries, _ = digits
    for fit, last in [
        (
            lambda **v: handful.dask.KMeans(3, max_iter=9, **v).fit(partitioned(X)),
            r"\[KMeans\] (converged|ended by max_iter=9) after \d iterations",
        ),
        (
            lambda **v: handful.dask.PrototypeClassifier(2, max_iter=9, **v).fit(partitioned(X), y),
            r"\[PrototypeClassifier\] (converged|ended by max_iter=9) after \d+ iterations",
        ),
        (
            lambda **v: handful.dask.KNeighborsClassifier(**v).fit(partitioned(X), y).predict(queries),
            r"\[KNeighborsClassifier\] search: 500 of 500",
        ),
    ]:
        fit()
        assert capsys.readouterr().out == ""
        fit(verbose=1)
        assert re.fullmatch(last, capsys.readouterr().out.splitlines()[-1])


ESTIMATORS = [handful.dask.KMeans, handful.dask.KNeighborsClassifier, handful.dask.PrototypeClassifier]


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_estimators_are_scikit_learns(kind):
    one = getattr(handful, kind.__name__)
    # Nothing is approximate on a cluster: there are fewer parameters.
    assert kind().get_params().items() <= one().get_params().items()
    changed = kind(verbose=1, n_jobs=3)
    assert repr(clone(changed)) == repr(changed)
    assert clone(changed).get_params() == changed.get_params()
    assert isinstance(kind(), one)
    with pytest.raises(NotFittedError):
        kind().predict(da.zeros((3, 2), dtype=np.uint8))
    with pytest.raises(NotFittedError):
        kind().predict(np.zeros((3, 2), dtype=np.uint8))


def test_explanations_are_those_of_one_machine_and_what_a_cluster_cannot_do_is_told(client, digits):
    X, y, queries, _ = digits
    far = handful.dask.KNeighborsClassifier(3, weights="distance").fit(partitioned(X), y)
    near = handful.KNeighborsClassifier(3, weights="distance").fit(X, y)
    assert far.explain(queries[:20]) == near.explain(queries[:20])
    with pytest.raises(ValueError, match="expected samples in memory"):
        far.explain(partitioned(X))
    for search in (far.radius_neighbors, far.radius_neighbors_graph):
        with pytest.raises(NotImplementedError, match="use handful.KNeighborsClassifier"):
            search(queries[:2], 100.0)
    for kind in (handful.dask.KNeighborsClassifier, handful.dask.PrototypeClassifier):
        with pytest.raises(ValueError, match="sample_weight: expected None"):
            kind(1).fit(partitioned(X), y, np.ones(len(X)))
