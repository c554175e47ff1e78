"""What estimators take, and that they take it for what it is."""

import handful
import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_matrix
from sklearn.exceptions import DataConversionWarning, NotFittedError

NAMES = list("abcdef")
X = np.random.default_rng(0).integers(0, 256, (600, 6), dtype=np.uint8)
Y = X[:, 0] // 64


def misaligned(x):
    raw = np.zeros(x.nbytes + 1, np.uint8)[1:]
    moved = raw.view(x.dtype).reshape(x.shape)
    moved[...] = x
    assert not moved.flags.aligned
    return moved


def read_only(x):
    x = x.copy()
    x.flags.writeable = False
    return x


def spaced(x):
    wide = np.zeros((2 * len(x), 3 * x.shape[1]), x.dtype)
    wide[::2, ::3] = x
    return wide[::2, ::3]


LAYOUTS = {
    "C": np.ascontiguousarray,
    "Fortran": np.asfortranarray,
    "strided": spaced,
    "backwards": lambda x: x[::-1].copy()[::-1],
    "read-only": read_only,
    "nested lists": lambda x: x.tolist(),
    "pandas": lambda x: pd.DataFrame(x, columns=range(x.shape[1])),
    "big-endian integers": lambda x: x.astype(">i4") if (x % 1 == 0).all() else x.astype(">f8"),
    "big-endian floats": lambda x: x.astype(">f8"),
    "misaligned floats": lambda x: misaligned(x.astype(float)),
    "long double": lambda x: x.astype(np.longdouble),
    "objects": lambda x: x.astype(object),
}


def answers(x):
    """All that can be asked of a few estimators that are fitted on `x`."""
    knn = handful.KNeighborsClassifier(3).fit(x, Y)
    yield from (*knn.kneighbors(x), knn.predict_proba(x))
    kmeans = handful.KMeans(4, random_state=0).fit(x)
    yield from (kmeans.labels_, kmeans.cluster_centers_, kmeans.inertia_, kmeans.predict(x), kmeans.score(x))
    yield handful.PrototypeClassifier(3, random_state=0).fit(x, Y).predict(x)
    yield handful.GradientFeatures(n_cells=2, image_shape=(2, 3)).fit_transform(x)


@pytest.mark.parametrize("values", [X, X / 7], ids=["bytes", "fractions"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_answers_are_the_same_in_whatever_array_the_numbers_come(layout, values):
    for one, other in zip(answers(values), answers(LAYOUTS[layout](values)), strict=True):
        assert_array_equal(one, other)


def test_bytes_on_disk_are_searched_where_they_are(tmp_path):
    rows = np.memmap(tmp_path / "rows", np.uint8, "w+", shape=X.shape)
    rows[...] = X
    knn = handful.KNeighborsClassifier(1).fit(np.memmap(tmp_path / "rows", np.uint8, "r", shape=X.shape), Y)
    assert_array_equal(knn.kneighbors(rows)[0], 0)
    # As the array is not copied, a change of the file is a change of what is found.
    rows[5] = 255 - X[5]
    assert knn.kneighbors(X[5:6])[0][0, 0] > 0


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_arrays_in_c_order_are_kept_and_not_copied(dtype):
    rows = X if dtype == np.uint8 else (X / 7).astype(dtype)
    knn = handful.KNeighborsClassifier().fit(rows, Y)
    arrays = [value for value in vars(knn).values() if isinstance(value, np.ndarray)]
    assert [np.shares_memory(array, rows) for array in arrays if array.shape == rows.shape] == [True]
    before = rows.copy()
    handful.KMeans(3, random_state=0).fit(rows)
    assert_array_equal(rows, before)


def test_booleans_are_noughts_and_ones():
    flags = X > 127
    distances, indices = handful.KNeighborsClassifier(4).fit(flags, Y).kneighbors(flags)
    expected = handful.KNeighborsClassifier(4).fit(flags.astype(np.uint8), Y).kneighbors(flags)
    assert_array_equal((distances, indices), expected)


def test_half_floats_are_exact():
    halves = (X / 256).astype(np.float16)
    distances, _ = handful.KNeighborsClassifier(1).fit(halves, Y).kneighbors(halves.astype(float) + 0.125)
    assert_allclose(distances, naive(halves, halves.astype(float) + 0.125), rtol=1e-6)


def naive(rows, queries):
    """The distance of each query to the nearest of the rows, in double precision."""
    differences = queries.astype(float)[:, None] - rows.astype(float)[None]
    return np.sqrt((differences**2).sum(axis=2)).min(axis=1)[:, None]


KINDS = {
    "bytes": X,
    "below bytes": X.astype(np.int16) - 100,
    "above bytes": X.astype(np.int32) + 100,
    "float32": (X / 7).astype(np.float32),
    "float64": X / 7,
    "whole in the first rows": np.where(np.arange(600)[:, None] < 550, X, X + 0.5),
}


@pytest.mark.parametrize("asked", KINDS)
@pytest.mark.parametrize("fitted", KINDS)
def test_numbers_of_one_kind_are_compared_with_those_of_another(fitted, asked):
    rows, queries = KINDS[fitted], KINDS[asked][::-7]
    knn = handful.KNeighborsClassifier(1).fit(rows, Y)
    precision = 1e-6 if "float32" in (rows.dtype.name, queries.dtype.name) else 1e-12
    assert_allclose(knn.kneighbors(queries)[0], naive(rows, queries), rtol=precision, atol=precision)
    kmeans = handful.KMeans(5, random_state=0).fit(rows)
    away = np.linalg.norm(queries[:, None] - kmeans.cluster_centers_[None], axis=2)
    assert_allclose(away[np.arange(len(queries)), kmeans.predict(queries)], away.min(axis=1), rtol=1e-9)
    assert_allclose(kmeans.score(queries), -(away.min(axis=1) ** 2).sum(), rtol=1e-9)


def test_names_of_features_are_kept_and_asked_for():
    for frame in (pd.DataFrame(X, columns=NAMES), pl.DataFrame(X, schema=NAMES)):
        knn = handful.KNeighborsClassifier(1).fit(frame, Y)
        assert knn.feature_names_in_.tolist() == NAMES
        assert_array_equal(knn.kneighbors(frame)[0], 0)
    with pytest.raises(ValueError, match="feature names should match"):
        knn.predict(pd.DataFrame(X, columns=list("abcdeg")))
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        knn.predict(X)


@pytest.mark.parametrize(
    "y",
    [
        np.array(["one", "two", "four", "eight"])[Y],
        np.array(["one", "two", "four", "eight"], dtype=object)[Y],
        Y > 1,
        -3 * Y.astype(np.int64),
        Y.astype(float),
        Y.astype(np.uint8).tolist(),
    ],
    ids=["strings", "objects", "booleans", "negative", "floats", "list"],
)
def test_classes_are_predicted_as_they_were_given(y):
    for classifier in (handful.KNeighborsClassifier(1), handful.PrototypeClassifier(600)):
        predicted = classifier.fit(X, y).predict(X)
        assert_array_equal(predicted, y)
        assert predicted.dtype == classifier.classes_.dtype == np.asarray(y).dtype


def test_classes_in_a_column_are_taken_with_a_warning():
    with pytest.warns(DataConversionWarning, match="column-vector y"):
        knn = handful.KNeighborsClassifier(1).fit(X, Y[:, None])
    assert_array_equal(knn.predict(X), Y)


def knn(**params):
    return handful.KNeighborsClassifier(**params)


BROKEN = np.where(X[300, 3] == X, np.nan, X)
REFUSED = {
    "sparse": (lambda: knn().fit(csr_matrix(X), Y), TypeError, "Sparse data.*dense data is required"),
    "NaN": (lambda: knn().fit(BROKEN, Y), ValueError, "contains NaN"),
    "infinite": (lambda: handful.KMeans().fit(BROKEN - np.inf), ValueError, "found (NaN|-inf)"),
    "NaN asked": (lambda: knn().fit(X, Y).predict(BROKEN), ValueError, "contains NaN"),
    "one row": (lambda: knn().fit(X[0], Y), ValueError, "Expected 2D array, got 1D array"),
    "no rows": (lambda: knn().fit(X[:0], Y[:0]), ValueError, r"0 sample\(s\) .* minimum of 1"),
    "no features": (lambda: knn().fit(X[:, :0], Y), ValueError, r"0 feature\(s\) .* minimum of 1"),
    "no queries": (lambda: knn().fit(X, Y).predict(X[:0]), ValueError, r"0 sample\(s\) .* minimum of 1"),
    "words": (lambda: knn().fit(np.full((2, 2), "ab", object), [0, 1]), ValueError, "string to float: 'ab'"),
    "other features": (lambda: knn().fit(X, Y).predict(X[:, :3]), ValueError, "3 features.*expecting 6"),
    "too few classes": (lambda: knn().fit(X, Y[:5]), ValueError, r"inconsistent numbers.* \[600, 5\]"),
    "no classes": (lambda: knn().fit(X, None), ValueError, "requires y to be passed"),
    "fractions as classes": (lambda: knn().fit(X, Y + 0.5), ValueError, "Unknown label type: continuous"),
    "NaN as a class": (lambda: knn().fit(X, np.where(Y > 1, np.nan, 1)), ValueError, "Input y contains NaN"),
    "infinite class": (lambda: knn().fit(X, np.where(Y > 1, np.inf, 1)), ValueError, "y contains infinity"),
    "mixed classes": (lambda: knn().fit(X, np.array([1, "a", 2, 3], object)[Y]), TypeError, "y: expected"),
    "classes in a table": (lambda: knn().fit(X, np.c_[Y, Y]), ValueError, r"1d array, .* \(600, 2\)"),
    "far neighbours": (
        lambda: knn().fit(X, Y).kneighbors(X, 601),
        ValueError,
        "601, n_samples_fit = 600",
    ),
    "all are no others": (lambda: knn().fit(X, Y).kneighbors(None, 600), ValueError, "n_neighbors = 600"),
    "no neighbours": (lambda: knn().fit(X, Y).kneighbors(X, 0), ValueError, "n_neighbors > 0. Got 0"),
    "half a neighbour": (lambda: knn().fit(X, Y).kneighbors(X, 1.5), TypeError, "float.* integer"),
    "other weights": (lambda: knn(weights="far").fit(X, Y), ValueError, "'weights'.*Got 'far'"),
    "short weights": (lambda: knn(weights=np.sum).fit(X, Y).predict(X), ValueError, r"weights: .*found \(\)"),
    "too many clusters": (lambda: handful.KMeans(601).fit(X), ValueError, "n_samples=600 .* n_clusters=601"),
    "other places": (lambda: handful.KMeans(2, init=X[:3]).fit(X), ValueError, r"centers \(3, 6\)"),
    "negative weight": (lambda: handful.KMeans().fit(X, sample_weight=Y - 1.0), ValueError, "Negative"),
    "no weight": (lambda: handful.KMeans().fit(X, sample_weight=0 * Y), ValueError, "at least one non-zero"),
    "no threads": (lambda: knn(n_jobs=0).fit(X, Y), ValueError, "n_jobs is 0: expected"),
    "not fitted": (lambda: handful.PrototypeClassifier().predict(X), NotFittedError, "not fitted yet"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_taken_is_refused_with_a_reason(case):
    attempt, kind, reason = REFUSED[case]
    with pytest.raises(kind, match=reason):
        attempt()


@pytest.mark.parametrize("value", [1.001e150, -1e200, np.finfo(float).max, np.longdouble(10) ** 1000])
def test_numbers_too_large_to_square_are_refused(value):
    with np.errstate(over="ignore"):
        far = np.where((np.arange(600) == 7)[:, None] & (np.arange(6) == 2), value, X.astype(np.asarray(value).dtype))
        for fit in (knn().fit, handful.PrototypeClassifier(2).fit, handful.KMeans(2).fit):
            with pytest.raises(ValueError, match="row 7.*expected .* from -1e150 to 1e150"):
                fit(far, Y)
        for fitted in (knn().fit(X, Y), knn().fit(X / 7, Y), knn().fit((X / 7).astype(np.float32), Y)):
            with pytest.raises(ValueError, match="row 7 of the queries has .* in column 2: expected .* to 1e150"):
                fitted.predict(far)
        kmeans = handful.KMeans(2, random_state=0).fit(X / 7)
        for ask in (kmeans.predict, kmeans.transform, kmeans.score):
            with pytest.raises(ValueError, match="row 7, feature 2: expected .* to 1e150|contains infinity"):
                ask(far)


def test_arrays_that_are_reshaped_after_a_fit_are_searched_as_they_were():
    rows = X.copy()
    knn_ = knn().fit(rows, Y)
    expected = knn_.predict(X)
    rows.shape = (rows.shape[0] // 2, rows.shape[1] * 2)
    assert (knn_.predict(X) == expected).all()


def test_rows_whose_neighbours_have_no_weight_are_refused():
    without = handful.KNeighborsClassifier(3, weights=np.zeros_like).fit(X, Y)
    for ask in (without.predict, without.predict_proba):
        with pytest.raises(ValueError, match="at least one neighbour of each row to have a weight"):
            ask(X)


def test_many_classes_are_voted_for_in_little_memory_and_alike():
    rows, classes = np.arange(3000.0)[:, None] / 7, np.arange(3000) % 1500
    assert (handful.KNeighborsClassifier(1).fit(rows, classes).predict(rows) == classes).all()
