"""Transformers compute what they say, and fit into scikit-learn's pipelines."""

import handful
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline

TRANSFORMERS = [
    handful.Deskew(),
    handful.Deskew(normalize=0.6),
    handful.GradientFeatures(),
    handful.KMeansFeatures(20, random_state=0),
    handful.KMeansFeatures(20, activation="rbf", random_state=0),
    handful.KMeansFeatures(4, per_class=True, activation="rbf", random_state=0),
]


@pytest.fixture(scope="module")
def digits(mnist):
    return mnist.X_train[:500], mnist.y_train[:500]


@pytest.mark.parametrize("transformer", TRANSFORMERS, ids=str)
def test_floats_from_0_to_1_become_what_bytes_do(transformer, digits):
    X, y = digits
    assert X.min() == 0
    assert X.max() == 255
    of_bytes = transformer.fit(X, y).transform(X[:100])
    assert of_bytes.dtype == np.uint8
    assert np.ptp(of_bytes) > 50
    for scaled in (X / 255, (X / 255).astype(np.float32), X / 255 * 2 - 1):
        transformer.fit(scaled, y)
        # The range is that of what it was fitted on, and not of what it is asked.
        assert_array_equal(transformer.transform(scaled[:100]), of_bytes)
    assert_allclose((transformer.data_min_, transformer.data_max_), (-1, 1))


def test_beyond_the_range_that_was_learned_floats_are_cut_off(digits):
    X, _ = digits
    deskew = handful.Deskew().fit(X / 255)
    assert_array_equal(deskew.transform(X / 255 * 3 - 1), deskew.transform(np.clip(X / 255 * 3 - 1, 0, 1)))


def distances(X, atoms):
    return np.linalg.norm(X[:, None].astype(float) - atoms[None], axis=2)


def test_triangles_are_those_of_coates(digits):
    X, _ = digits
    features = handful.KMeansFeatures(20, random_state=0).fit(X)
    away = distances(X, features.cluster_centers_)
    triangles = np.maximum(away.mean(axis=1, keepdims=True) - away, 0)
    assert triangles.max() < 2000
    assert_allclose(features.transform(X), np.clip(np.rint(triangles), 0, 255), atol=1)


@pytest.mark.parametrize("spread", [0.1, 0.3])
@pytest.mark.parametrize("per_class", [False, True])
def test_radial_bases_fall_off_with_the_median_distance(digits, spread, per_class):
    X, y = digits
    features = handful.KMeansFeatures(6, per_class=per_class, activation="rbf", spread=spread, random_state=0)
    found = features.fit_transform(X, y)
    squares = distances(X, features.cluster_centers_) ** 2
    variance = spread * np.sort(squares.ravel())[squares.size // 2]
    assert_allclose(found, 255 * np.exp(-squares / (2 * variance)), atol=1)


def test_each_class_has_centroids_of_its_own(digits):
    X, y = digits
    features = handful.KMeansFeatures(3, per_class=True, random_state=0).fit(X, y)
    prototypes = handful.PrototypeClassifier(3, max_iter=20, random_state=0).fit(X, y)
    assert_array_equal(features.cluster_centers_, prototypes.prototypes_)
    assert features.n_iter_ == prototypes.n_iter_
    assert features.transform(X).shape == (500, 30)


def test_slanted_strokes_are_put_upright_whatever_the_shape_of_images():
    image = np.zeros((12, 30), np.uint8)
    for row in range(12):
        image[row, 3 + row : 6 + row] = 200
    deskew = handful.Deskew(image_shape=(12, 30)).fit(image.reshape(1, -1))
    upright = deskew.transform(image.reshape(1, -1)).reshape(12, 30)
    assert deskew.image_shape_ == (12, 30)
    columns = (upright * np.arange(30)).sum(axis=1) / upright.sum(axis=1)
    # In the middle of the frame, each row of it.
    assert_allclose(columns, 14.5, atol=1)
    assert np.isclose(upright.sum(), image.sum(), rtol=0.02)


@pytest.mark.parametrize("value", [0, 1, 255])
@pytest.mark.parametrize("transformer", TRANSFORMERS[:3], ids=str)
def test_images_without_a_stroke_do_no_harm(transformer, value):
    found = transformer.fit_transform(np.full((2, 784), value, np.uint8))
    assert_array_equal(found[0], found[1])
    if isinstance(transformer, handful.GradientFeatures) or value == 0:
        assert not found.any()


def test_gradients_tell_where_edges_are_and_which_way_they_go():
    image = np.zeros((8, 16), np.uint8)
    image[:, 3:] = 200
    gradients = handful.GradientFeatures(n_bins=4, n_cells=2, image_shape=(8, 16))

    def found(image):
        """Where there is something: row of cells, column of cells, direction."""
        return np.argwhere(gradients.fit_transform(image.reshape(1, -1)).reshape(2, 2, 4)).tolist()

    assert found(image) == [[0, 0, 0], [1, 0, 0]]
    assert found(image[:, ::-1]) == [[0, 1, 2], [1, 1, 2]]
    gradients.set_params(image_shape=(16, 8))
    assert found(image.T) == [[0, 0, 1], [0, 1, 1]]
    assert found(image.T[::-1]) == [[1, 0, 3], [1, 1, 3]]


@pytest.mark.parametrize("image_shape", [(2, 2), (1, 28, 28), (-28, -28), ("28", "28"), (28.0, 28.0), ()])
def test_a_shape_that_is_none_of_the_images_is_refused(image_shape, digits):
    with pytest.raises(ValueError, match=r"image_shape: expected \(height, width\) with 784 pixels in all, found \("):
        handful.Deskew(image_shape=image_shape).fit(digits[0])


def test_rows_that_are_no_squares_are_lines():
    assert handful.Deskew().fit(np.zeros((1, 10), np.uint8)).image_shape_ == (1, 10)
    assert handful.Deskew().fit(np.zeros((1, 9), np.uint8)).image_shape_ == (3, 3)


def test_too_many_centroids_are_refused_with_the_class_named(digits):
    X, y = digits
    names = np.array(list("abcdefghij"))[y]
    few, size = min((np.sum(names == name), name) for name in set(names))[::-1]
    with pytest.raises(ValueError, match=f"n_clusters is 99: expected at most {size}, .*class {few}"):
        handful.KMeansFeatures(99, per_class=True).fit(X, names)
    with pytest.raises(ValueError, match="n_clusters is 501: expected at most 500"):
        handful.KMeansFeatures(501).fit(X)
    with pytest.raises(ValueError, match="requires y"):
        handful.KMeansFeatures(2, per_class=True).fit(X)


@pytest.mark.parametrize("transformer", TRANSFORMERS[1:4], ids=str)
def test_features_have_names_and_can_be_tables(transformer, digits):
    X, y = digits
    table = pd.DataFrame(X, columns=[f"pixel{i}" for i in range(784)])
    names = transformer.fit(table, y).get_feature_names_out().tolist()
    found = transformer.set_output(transform="pandas").transform(table)
    transformer.set_output(transform="default")
    assert found.columns.tolist() == names
    assert_array_equal(found.to_numpy(), transformer.transform(table))
    if isinstance(transformer, handful.Deskew):
        assert names == table.columns.tolist()
    else:
        assert names[:2] == [f"{type(transformer).__name__.lower()}{i}" for i in range(2)]
        assert len(names) == found.shape[1]


def test_pipelines_are_searched_in_several_processes(digits):
    X, y = digits
    pipeline = make_pipeline(
        handful.Deskew(),
        handful.GradientFeatures(),
        handful.KMeansFeatures(random_state=0),
        handful.KNeighborsClassifier(),
    )
    grid = {"kmeansfeatures__n_clusters": [10, 60], "kneighborsclassifier__n_neighbors": [1, 3]}
    search = GridSearchCV(pipeline, grid, cv=3, n_jobs=2).fit(X, y)
    assert search.best_params_["kmeansfeatures__n_clusters"] == 60
    alone = cross_val_score(pipeline.set_params(**search.best_params_), X, y, cv=3).mean()
    assert alone == pytest.approx(search.best_score_, abs=1e-12)
    assert alone > 0.8
