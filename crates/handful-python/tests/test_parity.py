"""The estimators answer as scikit-learn's of the same names do."""

import handful
import numpy as np
import pytest
import sklearn.cluster
import sklearn.neighbors
from hypothesis import assume, given, reject
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal

# All of these are exact in double precision, however distances are taken.
KINDS = {
    "uint8": lambda x: x,
    "int64": lambda x: x.astype(np.int64),
    "int64 below 0": lambda x: x.astype(np.int64) - 100,
    "float64, whole": lambda x: x.astype(np.float64),
    "float32": lambda x: x.astype(np.float32) / 8 - 4,
    "float64": lambda x: x.astype(np.float64) / 1024 + 3,
}
NAMES = np.array(["eight", "five", "nine"])


def damped(distances):
    """Weights of neighbours, as a function."""
    return 1 / (1 + distances)


@st.composite
def labelled_rows(draw):
    """Rows, their labels, queries and a number of neighbours; few values, and so many ties."""
    n, n_queries, d = draw(st.integers(2, 40)), draw(st.integers(1, 8)), draw(st.integers(1, 5))
    values = st.integers(0, draw(st.sampled_from([1, 3, 255])))
    kind = KINDS[draw(st.sampled_from(sorted(KINDS)))]
    rows = draw(arrays(np.uint8, (n + n_queries, d), elements=values))
    y = NAMES[draw(arrays(np.intp, n, elements=st.integers(0, 2)))]
    return kind(rows[:n]), y, kind(rows[n:]), draw(st.integers(1, n))


def squared_distances(queries, rows):
    return ((queries[:, None].astype(float) - rows[None].astype(float)) ** 2).sum(axis=2)


def peer_of_neighbors(k, weights="uniform"):
    return sklearn.neighbors.KNeighborsClassifier(k, weights=weights, algorithm="brute")


def is_clear(squares, k):
    """For each query, whether all agree on its k nearest rows."""
    squares = np.sort(np.pad(squares, ((0, 0), (0, 1)), constant_values=np.inf))
    return squares[:, k - 1] < squares[:, k]


@given(labelled_rows(), st.sampled_from(["auto", "brute"]))
def test_neighbors_are_scikit_learns_and_of_equally_far_rows_the_first(problem, algorithm):
    X, y, queries, k = problem
    distances, indices = handful.KNeighborsClassifier(k, algorithm=algorithm).fit(X, y).kneighbors(queries)
    theirs, _ = peer_of_neighbors(k).fit(X.astype(float), y).kneighbors(queries.astype(float))
    assert_allclose(distances, theirs, rtol=1e-9)
    assert_array_equal(indices, np.argsort(squared_distances(queries, X), axis=1, kind="stable")[:, :k])


@given(labelled_rows())
def test_rows_are_no_neighbors_of_themselves(problem):
    X, y, _, k = problem
    assume(k < len(X))
    distances, indices = handful.KNeighborsClassifier(k).fit(X, y).kneighbors()
    theirs, _ = peer_of_neighbors(k).fit(X.astype(float), y).kneighbors()
    assert_allclose(distances, theirs, rtol=1e-9)
    others = squared_distances(X, X)
    np.fill_diagonal(others, np.inf)
    assert_array_equal(indices, np.argsort(others, axis=1, kind="stable")[:, :k])


@given(labelled_rows(), st.sampled_from(["uniform", "distance", None, damped]))
def test_votes_are_scikit_learns(problem, weights):
    X, y, queries, k = problem
    ours = handful.KNeighborsClassifier(k, weights=weights).fit(X, y)
    theirs = peer_of_neighbors(k, weights).fit(X.astype(float), y)
    assert_array_equal(ours.classes_, theirs.classes_)
    clear = is_clear(squared_distances(queries, X), k)
    shares, expected = ours.predict_proba(queries), theirs.predict_proba(queries.astype(float))
    assert_allclose(shares[clear], expected[clear], rtol=1e-9, atol=1e-12)
    # Sums of fractions that should be equal may not be, by their order.
    if weights not in ("uniform", None):
        most = np.sort(np.pad(expected, ((0, 0), (1, 0))))
        clear &= most[:, -1] - most[:, -2] > 1e-9
    assert_array_equal(ours.predict(queries)[clear], theirs.predict(queries.astype(float))[clear])


@given(labelled_rows(), st.sampled_from(["connectivity", "distance"]))
def test_graphs_are_scikit_learns(problem, mode):
    X, y, queries, k = problem
    graph = handful.KNeighborsClassifier().fit(X, y).kneighbors_graph(queries, k, mode)
    theirs = peer_of_neighbors(k).fit(X.astype(float), y).kneighbors_graph(queries.astype(float), k, mode)
    assert graph.shape == theirs.shape
    assert graph.nnz == theirs.nnz == k * len(queries)
    clear = is_clear(squared_distances(queries, X), k)
    assert_allclose(graph.toarray()[clear], theirs.toarray()[clear], rtol=1e-9)


def test_a_tie_goes_to_the_lowest_label_or_to_the_nearest():
    X, y = [[0], [1], [2], [4]], ["late", "early", "early", "late"]
    for tie_break, expected in [("lowest_label", "early"), ("nearest", "late")]:
        knn = handful.KNeighborsClassifier(4, tie_break=tie_break).fit(X, y)
        assert knn.predict([[0]]).tolist() == [expected]
    # The nearest of those with the most votes, and not of all.
    knn = handful.KNeighborsClassifier(5, tie_break="nearest").fit([[0], [1], [2], [3], [4]], list("abccb"))
    assert knn.predict([[0]]).tolist() == ["b"]


@st.composite
def rows_to_cluster(draw):
    """Rows, as many places to start from as clusters, and weights; so varied that nothing is equally far."""
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    n, k, d = draw(st.integers(100, 300)), draw(st.integers(1, 6)), draw(st.integers(4, 8))
    kind = KINDS[draw(st.sampled_from(sorted(KINDS)))]
    centers = random.integers(60, 196, (k, d))
    rows = centers[random.integers(0, k, n)] + random.normal(0, draw(st.sampled_from([5, 20, 60])), (n, d))
    X = kind(np.clip(np.rint(rows), 0, 255).astype(np.uint8))
    return X, X[random.choice(n, k, replace=False)].astype(float), random.integers(0, 4, n)


def assert_same_clusters(ours, theirs):
    if np.bincount(theirs.labels_, minlength=theirs.n_clusters).min() == 0:
        reject()
    assert_array_equal(ours.labels_, theirs.labels_)
    assert ours.n_iter_ == theirs.n_iter_
    assert_allclose(ours.cluster_centers_, theirs.cluster_centers_, rtol=1e-9, atol=1e-9)
    assert_allclose(ours.inertia_, theirs.inertia_, rtol=1e-6, atol=1e-6)


@given(rows_to_cluster(), st.sampled_from([1, 2, 300]), st.sampled_from([0, 1e-4, 1e-1]))
def test_clusters_from_given_places_are_scikit_learns(problem, max_iter, tol):
    X, init, _ = problem
    params = {"n_clusters": len(init), "init": init, "n_init": 1, "max_iter": max_iter, "tol": tol}
    ours = handful.KMeans(**params).fit(X)
    assert_same_clusters(ours, sklearn.cluster.KMeans(**params).fit(X.astype(float)))


@given(rows_to_cluster())
def test_clusters_of_weighted_rows_are_scikit_learns(problem):
    X, init, weights = problem
    params = {"n_clusters": len(init), "init": init, "n_init": 1}
    ours = handful.KMeans(**params).fit(X, sample_weight=weights)
    assert_same_clusters(ours, sklearn.cluster.KMeans(**params).fit(X.astype(float), sample_weight=weights))


@given(rows_to_cluster())
def test_what_is_asked_of_clusters_is_answered_as_by_scikit_learn(problem):
    X, init, weights = problem
    params = {"n_clusters": len(init), "init": init, "n_init": 1}
    X, queries, weights = X[:80], X[80:], weights[80:]
    ours, theirs = handful.KMeans(**params), sklearn.cluster.KMeans(**params)
    labels = theirs.fit_predict(X.astype(float))
    assume(np.bincount(labels, minlength=len(init)).min() > 0)
    assert_array_equal(ours.fit_predict(X), labels)
    assert_array_equal(ours.predict(queries), theirs.predict(queries.astype(float)))
    away, precision = theirs.transform(queries.astype(float)), 1e-3 if queries.dtype == np.float32 else 1e-6
    assert_allclose(ours.transform(queries), away, rtol=precision, atol=precision)
    for weight in (None, weights):
        score = theirs.score(queries.astype(float), sample_weight=weight)
        assert_allclose(ours.score(queries, sample_weight=weight), score, rtol=1e-6, atol=1e-6)
    assert_array_equal(ours.get_feature_names_out(), theirs.get_feature_names_out())


def test_clusters_may_start_where_no_row_can_be():
    X = np.random.default_rng(0).integers(0, 256, (200, 3), dtype=np.uint8)
    params = {"n_clusters": 2, "init": [[-300, 0, 0.5], [400, 255, 255]], "n_init": 1}
    ours = handful.KMeans(**params).fit(X)
    assert_same_clusters(ours, sklearn.cluster.KMeans(**params).fit(X.astype(float)))


@pytest.mark.parametrize("n_init", [1, 4])
def test_clusters_may_start_where_a_function_says(n_init):
    X, starts = np.random.default_rng(0).integers(0, 256, (200, 6), dtype=np.uint8), []

    def init(rows, n_clusters, random_state):
        places = random_state.uniform(0, 256, (n_clusters, rows.shape[1]))
        starts.append(places)
        return places

    kmeans = handful.KMeans(4, init=init, n_init=n_init, random_state=0).fit(X)
    runs = [sklearn.cluster.KMeans(4, init=places, n_init=1).fit(X.astype(float)) for places in starts]
    assert len(runs) == n_init
    assert_same_clusters(kmeans, min(runs, key=lambda run: run.inertia_))


def test_an_emptied_cluster_is_warned_of_as_by_scikit_learn():
    X = [[1, 1], [1, 1], [2, 2]]
    for kmeans in (handful.KMeans, sklearn.cluster.KMeans):
        with pytest.warns(UserWarning, match=r"distinct clusters \(2\) found smaller than n_clusters \(3\)"):
            kmeans(3, random_state=0).fit(X)


@pytest.mark.parametrize("dtype", ["int16", "uint16", "int64", "float16", "float32", "float64", ">i4", ">f8"])
def test_whole_numbers_give_the_very_bits_that_bytes_do(dtype):
    random = np.random.default_rng(0)
    X, y = random.integers(0, 256, (700, 20), dtype=np.uint8), NAMES[random.integers(0, 3, 700)]

    def answers(x):
        kmeans = handful.KMeans(5, random_state=0).fit(x)
        yield from (kmeans.labels_, kmeans.inertia_, kmeans.cluster_centers_, kmeans.predict(x))
        yield from handful.KNeighborsClassifier().fit(x, y).kneighbors(x)
        prototypes = handful.PrototypeClassifier(4, random_state=0).fit(x, y)
        assert prototypes.prototypes_.dtype == np.uint8
        yield from (prototypes.prototypes_, prototypes.prototype_labels_, prototypes.cluster_sizes_)
        yield from (prototypes.labels_, prototypes.inertia_, prototypes.predict_proba(x))

    for of_bytes, of_others in zip(answers(X), answers(X.astype(dtype)), strict=True):
        assert_array_equal(of_bytes, of_others)


@pytest.mark.parametrize("weights", [[1e-8, 0.3, 1.0], [1e-7, 1e-7, 1000.0], [0.25, 0.5, 1.0]])
def test_weights_of_any_span_pull_bytes_as_they_pull_in_scikit_learn(weights):
    rng = np.random.default_rng(0)
    X = rng.integers(0, 256, (200, 4)).astype(np.uint8)
    sample_weight = np.repeat(weights, [190, 7, 3])
    init = X[:20].astype(float)
    ours = handful.KMeans(20, init=init).fit(X, sample_weight=sample_weight)
    theirs = sklearn.cluster.KMeans(20, init=init, n_init=1).fit(X, sample_weight=sample_weight)
    assert ours.inertia_ == pytest.approx(theirs.inertia_, rel=1e-6)
    assert (ours.labels_ == theirs.labels_).all()


def test_centroids_that_are_set_are_those_that_rows_are_near_to():
    X = np.random.default_rng(1).integers(0, 256, (100, 3)).astype(np.uint8)
    kmeans = handful.KMeans(4, random_state=0).fit(X)
    labels = kmeans.predict(X)
    assert (labels == kmeans.labels_).all()
    kmeans.cluster_centers_ = kmeans.cluster_centers_[::-1].copy()
    assert (kmeans.predict(X) == 3 - labels).all()
