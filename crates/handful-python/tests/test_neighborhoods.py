"""All ways to search answer as scikit-learn's do: metrics, radii, graphs, and means instead of votes."""

import handful
import numpy as np
import pytest
import sklearn.neighbors
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import issparse
from test_parity import KINDS, damped, is_clear, labelled_rows, squared_distances

METRICS = {
    "euclidean": np.sqrt,
    "l2": np.sqrt,
    "minkowski": np.sqrt,
    "sqeuclidean": lambda squares: squares,
}
ESTIMATORS = [handful.NearestNeighbors, handful.KNeighborsClassifier, handful.KNeighborsRegressor]


def numbers(y):
    return np.array([len(name) + ord(name[0]) / 3 for name in y])


def fitted(kind, X, y, **params):
    estimator = kind(**params)
    return estimator.fit(X, numbers(y) if kind is handful.KNeighborsRegressor else y)


def peer(X, **params):
    return sklearn.neighbors.NearestNeighbors(algorithm="brute", **params).fit(X.astype(float))


@given(labelled_rows(), st.sampled_from(sorted(METRICS)), st.sampled_from(ESTIMATORS))
def test_distances_are_those_of_the_metric(problem, metric, kind):
    X, y, queries, k = problem
    search = fitted(kind, X, y, metric=metric, p=2, algorithm="kd_tree", leaf_size=7)
    distances, indices = search.kneighbors(queries, k)
    theirs, _ = peer(X, metric=metric).kneighbors(queries.astype(float), k)
    assert_allclose(distances, theirs, rtol=1e-9)
    assert_array_equal(indices, np.argsort(squared_distances(queries, X), axis=1, kind="stable")[:, :k])
    assert search.effective_metric_ == ("sqeuclidean" if metric == "sqeuclidean" else "euclidean")


def cosine_distances(queries, rows):
    """As in scikit-learn; a row of zeros has no direction."""
    queries, rows = (x.astype(float) for x in (queries, rows))
    lengths = np.linalg.norm(queries, axis=1)[:, None] * np.linalg.norm(rows, axis=1)
    return 1 - queries @ rows.T / np.where(lengths == 0, 1, lengths)


@given(labelled_rows(), st.sampled_from(ESTIMATORS))
def test_cosine_distances_are_scikit_learns(problem, kind):
    X, y, queries, k = problem
    search = fitted(kind, X, y, metric="cosine")
    distances, indices = search.kneighbors(queries, k)
    theirs, _ = peer(X, metric="cosine").kneighbors(queries.astype(float), k)
    assert_allclose(distances, theirs, atol=1e-12)
    expected = cosine_distances(queries, X)
    assert_allclose(np.take_along_axis(expected, indices, axis=1), distances, atol=1e-12)
    if k < len(X):
        own, others = search.kneighbors(n_neighbors=k)
        assert (others != np.arange(len(X))[:, None]).all()
        assert_allclose(np.take_along_axis(cosine_distances(X, X), others, axis=1), own, atol=1e-12)


@pytest.mark.parametrize("scale", [1, 0.5, 2.0**-660, 2.0**460])
def test_multiples_of_a_row_are_equally_far_and_the_first_is_the_nearest(scale):
    X = np.array([[7, 11, 13], [3, 1, 2], [9, 3, 6], [6, 2, 4], [0, 0, 0], [30, 10, 20]]) * scale
    search = handful.NearestNeighbors(metric="cosine").fit(X.astype(np.uint8) if scale == 1 else X)
    distances, indices = search.kneighbors([[3, 1, 2], [1, 5, 1], [0, 0, 0]], 4)
    assert indices[:2].tolist() == [[1, 2, 3, 5], [0, 1, 2, 3]]
    assert distances[0].tolist() == [0, 0, 0, 0]
    assert len(set(distances[1, 1:].tolist())) == 1
    # Nothing has a direction in common with a row of zeros, not even another one.
    assert_allclose(distances[2], 1, rtol=1e-15)
    assert search.radius_neighbors([[12, 4, 8]], 0.0, return_distance=False)[0].tolist() == [1, 2, 3, 5]


@given(labelled_rows(), st.sampled_from([*sorted(METRICS), "cosine"]), st.data())
def test_a_radius_includes_what_is_as_far_as_it(problem, metric, data):
    X, y, queries, k = problem
    search = handful.NearestNeighbors(metric=metric).fit(X)
    known, _ = search.kneighbors(queries, len(X))
    radius = known[data.draw(st.integers(0, len(queries) - 1)), k - 1]
    distances, indices = search.radius_neighbors(queries, radius, sort_results=True)
    expected = cosine_distances(queries, X) if metric == "cosine" else METRICS[metric](squared_distances(queries, X))
    for row in range(len(queries)):
        assert distances[row].tolist() == known[row][known[row] <= radius].tolist()
        if metric != "cosine":
            within = np.argsort(expected[row], kind="stable")[: len(indices[row])]
            assert_array_equal(indices[row], within)
        assert_allclose(expected[row][indices[row]], distances[row], rtol=1e-9, atol=1e-12)


@given(labelled_rows(), st.sampled_from(["euclidean", "sqeuclidean"]), st.sampled_from(ESTIMATORS), st.booleans())
def test_samples_within_a_radius_are_scikit_learns(problem, metric, kind, own):
    X, y, queries, _ = problem
    squares = np.unique(squared_distances(X if own else queries, X))
    # Between two distances: rounding decides nothing.
    middle = squares[len(squares) // 2 :][:2].mean()
    radius = float(METRICS[metric](middle)) * (1 + 1e-9)
    search, theirs = fitted(kind, X, y, metric=metric), peer(X, metric=metric)
    Q = None if own else queries
    Q_float = None if own else queries.astype(float)
    distances, indices = search.radius_neighbors(Q, radius)
    expected = theirs.radius_neighbors(Q_float, radius)
    assert distances.dtype == indices.dtype == expected[0].dtype == object
    assert distances.shape == indices.shape == expected[0].shape
    for found, wanted in zip(zip(distances, indices, strict=True), zip(*expected, strict=True), strict=True):
        order = np.argsort(wanted[1])
        assert_array_equal(found[1], wanted[1][order])
        assert_allclose(found[0], wanted[0][order], rtol=1e-9, atol=1e-9)
    only = search.radius_neighbors(Q, radius, return_distance=False)
    assert all((one == two).all() for one, two in zip(only, indices, strict=True))
    for mode in ("connectivity", "distance"):
        graph = search.radius_neighbors_graph(Q, radius, mode)
        wanted = theirs.radius_neighbors_graph(Q_float, radius, mode)
        assert issparse(graph)
        assert (graph.shape, graph.nnz, graph.format) == (wanted.shape, wanted.nnz, "csr")
        assert_allclose(graph.toarray(), wanted.toarray(), rtol=1e-9, atol=1e-9)
        ordered = search.radius_neighbors_graph(Q, radius, mode, sort_results=True)
        assert (ordered != graph).nnz == 0
        if mode == "distance":
            rows = np.split(ordered.data, ordered.indptr[1:-1])
            assert all((np.diff(row) >= 0).all() for row in rows)


@given(labelled_rows(), st.sampled_from(["connectivity", "distance"]), st.sampled_from(ESTIMATORS))
def test_graphs_of_the_samples_themselves_are_scikit_learns(problem, mode, kind):
    X, y, _, k = problem
    assume(k < len(X))
    squares = squared_distances(X, X)
    np.fill_diagonal(squares, np.inf)
    clear = is_clear(squares, k)
    graph = fitted(kind, X, y).kneighbors_graph(n_neighbors=k, mode=mode)
    assert_allclose(
        graph.toarray()[clear], peer(X).kneighbors_graph(n_neighbors=k, mode=mode).toarray()[clear], rtol=1e-9
    )


@given(labelled_rows(), st.sampled_from(["uniform", "distance", None, damped]), st.integers(0, 2))
def test_means_are_scikit_learns(problem, weights, n_outputs):
    X, y, queries, k = problem
    targets = numbers(y)
    if n_outputs:
        targets = np.stack([targets, -2 * targets][:n_outputs], axis=1)
    ours = handful.KNeighborsRegressor(k, weights=weights).fit(X, targets)
    theirs = sklearn.neighbors.KNeighborsRegressor(k, weights=weights, algorithm="brute").fit(X.astype(float), targets)
    clear = is_clear(squared_distances(queries, X), k)
    found, expected = ours.predict(queries), theirs.predict(queries.astype(float))
    assert found.shape == expected.shape
    assert_allclose(found[clear], expected[clear], rtol=1e-9)
    if k < len(X):
        squares = squared_distances(X, X)
        np.fill_diagonal(squares, np.inf)
        clear = is_clear(squares, k)
        assert_allclose(ours.predict(None)[clear], theirs.predict(None)[clear], rtol=1e-9)


def test_weights_of_samples_multiply_their_votes_and_numbers():
    X, y, weights = [[0], [1], [2], [3], [9]], list("aabbc"), [1, 1, 3, 0, 1]
    knn = handful.KNeighborsClassifier(4).fit(X, y, weights)
    assert knn.predict_proba([[0]]).tolist() == [[0.4, 0.6, 0]]
    assert knn.predict([[0]]).tolist() == ["b"]
    assert handful.KNeighborsClassifier(4).fit(X, y, np.ones(5)).predict([[0]]).tolist() == ["a"]
    near = handful.KNeighborsClassifier(2, weights="distance").fit(X, y, weights)
    assert_allclose(near.predict_proba([[1.25]]), [[4 / 8, 4 / 8, 0]])
    mean = handful.KNeighborsRegressor(4).fit(X, [0, 10, 20, 1000, 7], weights)
    assert mean.predict([[0]]).tolist() == [(10 + 3 * 20) / 5]
    two = handful.KNeighborsRegressor(4).fit(X, np.array([[0, 10, 20, 1000, 7], [5, 5, 5, 9, 9]]).T, weights)
    assert two.predict([[0]]).tolist() == [[14, 5]]
    for one in (handful.KNeighborsClassifier(1).fit(X, y, weights), mean.set_params(n_neighbors=1)):
        with pytest.raises(ValueError, match="at least one neighbour of each row to have a weight above 0"):
            one.predict([[3]])
    for kind in (handful.KNeighborsClassifier(1), handful.KNeighborsRegressor(1), handful.PrototypeClassifier(1)):
        with pytest.raises(ValueError, match="Negative values in data passed to `sample_weight`"):
            kind.fit(X, [1, 1, 2, 2, 2], [1, 1, -1, 1, 1])


def test_explanations_show_the_votes():
    X, y = np.array([[0], [1], [2], [9]], np.uint8), np.array(["a", "a", "b", "b"])
    knn = handful.KNeighborsClassifier(3, weights="distance").fit(X, y, [1, 2, 1, 1])
    (why,) = knn.explain([[3]])
    expected = [
        handful.Voter(label="b", distance=1.0, index=2, weight=1.0),
        handful.Voter(label="a", distance=2.0, index=1, weight=1.0),
        handful.Voter(label="a", distance=3.0, index=0, weight=1 / 3),
    ]
    assert why.neighbors == expected
    assert (why.label, why.votes) == ("a", {"a": 1 + 1 / 3, "b": 1.0})
    assert why.confidence == pytest.approx(4 / 7)
    queries = np.arange(0, 40).reshape(-1, 1)
    prototypes = handful.PrototypeClassifier(2, n_neighbors=3, random_state=0).fit(X, y)
    for estimator in (knn, prototypes):
        found = estimator.explain(queries)
        assert [why.label for why in found] == estimator.predict(queries).tolist()
        shares = estimator.predict_proba(queries)
        assert_allclose([why.confidence for why in found], shares.max(axis=1))
    nearest = found[0].neighbors[0]
    assert prototypes.prototypes_[nearest.index].tolist() == [nearest.distance]
    assert prototypes.prototype_labels_[nearest.index] == nearest.label


@pytest.mark.parametrize("kind", ESTIMATORS)
@pytest.mark.parametrize(
    ("params", "found"),
    [
        ({"metric": "manhattan"}, "'manhattan'"),
        ({"metric": "precomputed"}, "'precomputed'"),
        ({"p": 1}, "'minkowski' with p=1"),
        ({"p": 2.5}, "'minkowski' with p=2.5"),
        ({"p": None}, "'minkowski' with p=None"),
        ({"metric_params": {"w": [1]}}, "'minkowski' with metric_params={'w': \\[1\\]}"),
        ({"metric": len}, "<built-in function len>"),
    ],
    ids=str,
)
def test_other_metrics_are_refused_with_what_to_use(kind, params, found):
    message = (
        "metric: expected 'euclidean', 'minkowski' with p=2, 'sqeuclidean' or 'cosine', without metric_params, "
        f"found {found}: use sklearn.neighbors.{kind.__name__} for other metrics"
    )
    with pytest.raises(ValueError, match=f"^{message}$"):
        kind(**params).fit([[0], [1]], [0, 1])


def test_parameters_that_do_not_matter_are_accepted():
    X, y = [[0], [1], [2], [9]], [0, 0, 1, 1]
    for algorithm in ("auto", "ball_tree", "kd_tree", "brute"):
        for params in ({"metric": "euclidean", "p": 1}, {"metric_params": {}}, {"leaf_size": 1}):
            knn = handful.KNeighborsClassifier(1, algorithm=algorithm, **params).fit(X, y)
            assert knn.predict([[3]]).tolist() == [1]
    X = np.random.default_rng(0).integers(0, 256, (60, 4))
    one = handful.KMeans(3, random_state=0).fit(X)
    other = handful.KMeans(3, random_state=0, algorithm="elkan", copy_x=False).fit(X)
    assert_array_equal(one.labels_, other.labels_)


def test_wrong_radii_are_refused():
    search = handful.NearestNeighbors().fit([[0], [1]])
    for radius in (-1, float("nan"), "far"):
        with pytest.raises(ValueError, match="radius: expected a number of at least 0, found"):
            search.radius_neighbors([[0]], radius)
    with pytest.raises(ValueError, match="mode: expected 'connectivity' or 'distance', found 'weights'"):
        search.radius_neighbors_graph([[0]], mode="weights")
    assert search.radius_neighbors([[5]], np.inf, return_distance=False)[0].tolist() == [0, 1]
    inverted = handful.KNeighborsClassifier(1, index="inverted", n_lists=2)
    with pytest.raises(ValueError, match="metric='cosine'"):
        inverted.set_params(metric="cosine").fit([[0], [1], [2]], [0, 1, 1])
    with pytest.raises(ValueError, match="use index='exact' for a radius"):
        inverted.set_params(metric="euclidean").fit([[0], [1], [2]], [0, 1, 1]).radius_neighbors([[0]])


@pytest.mark.parametrize("kind", KINDS)
def test_threads_and_sketches_change_nothing(mnist, kind):
    X, queries = KINDS[kind](mnist.X_train[:4000]), KINDS[kind](mnist.X_test[:30])
    one = handful.NearestNeighbors(n_jobs=1).fit(X)
    radius = np.median(one.kneighbors(queries)[0])
    expected = one.radius_neighbors(queries, radius)
    assert 30 < sum(map(len, expected[1])) < 30 * 4000
    for params in ({"n_jobs": 3}, {"algorithm": "brute"}):
        found = handful.NearestNeighbors(**params).fit(X).radius_neighbors(queries, radius)
        for ours, theirs in zip(found, expected, strict=True):
            assert all((a == b).all() for a, b in zip(ours, theirs, strict=True))
