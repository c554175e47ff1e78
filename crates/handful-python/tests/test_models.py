"""Models: the presets and those of one's own, asked and explained, and their files."""

import copy
import os
import pickle

import handful
import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone as unfitted
from sklearn.datasets import load_digits

# What is read of the first 2,000 test images, at least.
PRESETS = {
    "notebook": 0.89,
    "pixels": 0.95,
    "tiny": 0.95,
    "small": 0.96,
    "fast": 0.98,
    "best": 0.99,
    "neighbors": 0.96,
    "everyday": 0.97,
}


@pytest.fixture(scope="module")
def fast():
    return handful.load_model("fast")


@pytest.mark.parametrize("name", PRESETS)
def test_presets_read_digits_at_once(name, mnist, clone):
    model = handful.load_model(name)
    assert model.preset == name
    assert name in repr(model)
    assert model.classes_.tolist() == list(range(10))
    assert model.predict(mnist.X_test[:5]).dtype == np.int64
    assert model.score(mnist.X_test[:2000], mnist.y_test[:2000]) > PRESETS[name]
    assert model.to_bytes() == (clone / f"crates/handful/models/{name}.safetensors").read_bytes()


def test_the_default_is_everyday():
    assert handful.load_model().to_bytes() == handful.load_model("everyday").to_bytes()


def test_explanations_agree_with_predictions(fast, mnist):
    X, y = mnist.X_test[:200], mnist.y_test[:200]
    shares, found = fast.predict_proba(X), fast.explain(X)
    assert_allclose(shares.sum(axis=1), 1)
    assert [why.label for why in found] == fast.predict(X).tolist()
    assert_allclose([list(why.probabilities.values()) for why in found], shares, rtol=1e-12)
    vectors, prototypes = fast.transform(X).astype(int), fast.prototypes.astype(int)
    for why, vector in zip(found, vectors, strict=True):
        assert list(why.probabilities) == fast.classes_.tolist()
        assert why.confidence == why.probabilities[why.label] == max(why.probabilities.values())
        squares = ((prototypes - vector) ** 2).sum(axis=1)
        nearest = np.argsort(squares, kind="stable")[: len(why.neighbors)]
        assert [neighbor.prototype for neighbor in why.neighbors] == nearest.tolist()
        assert [neighbor.distance for neighbor in why.neighbors] == squares[nearest].tolist()
        for neighbor in why.neighbors:
            assert neighbor.label == fast.prototype_labels[neighbor.prototype]
            assert neighbor.medoid == fast.medoids[neighbor.prototype]
            assert neighbor.label == mnist.y_train[neighbor.medoid]
    sure = np.array([why.confidence for why in found])
    assert np.mean((fast.predict(X) == y)[sure > 0.9]) > 0.99


def test_what_is_no_digit_is_told_from_what_is(fast, mnist):
    noise = np.random.default_rng(0).integers(0, 256, (20, 784), dtype=np.uint8)
    blank = np.zeros((1, 784), np.uint8)
    assert np.mean([why.is_digit for why in fast.explain(mnist.X_test[:200])]) > 0.95
    assert not any(why.is_digit for why in fast.explain(np.concatenate([noise, blank])))
    assert fast.outlier_scores(blank).tolist() == [np.inf]
    # One bound, about 1, tells them apart.
    X = np.concatenate([mnist.X_test[:500], noise])
    scores, is_digit = fast.outlier_scores(X), np.array([why.is_digit for why in fast.explain(X)])
    assert scores[is_digit].max() < scores[~is_digit].min()
    assert 0.9 < scores[is_digit].max() < 1.1


def test_images_come_in_any_shape_and_scale(fast, mnist):
    X = mnist.X_test[:50]
    expected = fast.predict_proba(X)
    for images in (X.reshape(-1, 28, 28), X.astype(int), X / 255, (X / 255).astype(np.float32), X.tolist()):
        assert_array_equal(fast.predict_proba(images), expected)
    for images in (X.reshape(-1, 28, 28, 1), X.reshape(-1, 1, 28, 28), pd.DataFrame(X), pl.DataFrame(X)):
        assert_array_equal(fast.predict_proba(images), expected)
    flags = X > 127
    assert_array_equal(fast.predict(flags), fast.predict(255 * flags.astype(np.uint8)))


def test_one_image_has_one_answer(fast, mnist):
    row, image = mnist.X_test[:1], mnist.X_test[0].reshape(28, 28)
    for one in (image, image[..., None], image / 255, image.tolist(), image[None]):
        assert_array_equal(fast.predict(one), fast.predict(row))
        assert_array_equal(fast.predict_proba(one), fast.predict_proba(row))
        assert_array_equal(fast.transform(one), fast.transform(row))
        assert_array_equal(fast.outlier_scores(one), fast.outlier_scores(row))
        assert fast.explain(one) == fast.explain(row)
        assert fast.score(one, mnist.y_test[:1]) == 1
    # Of the rows of pixels that a model of lines knows, one is an image, too.
    middle = slice(300, 500)
    lines = handful.train_model(
        mnist.X_train[:500, middle], mnist.y_train[:500], preset="notebook", image_shape=(1, 200)
    )
    assert len(lines.predict(mnist.X_test[:100, middle])) == 100
    assert len(lines.predict(mnist.X_test[:1, middle])) == 1


def test_images_without_ink_are_warned_of(fast, mnist):
    X = mnist.X_test[:9].copy()
    for ask in (fast.predict, fast.predict_proba):
        expected = ask(X)
        X[4] = 0
        with pytest.warns(handful.NoInkWarning, match=r"^1 image has no ink .*, the first at index 4: ") as told:
            found = ask(X)
        assert [warning.filename for warning in told] == [__file__]
        assert_array_equal(np.delete(found, 4, axis=0), np.delete(expected, 4, axis=0))
        X[2] = 200
        with pytest.warns(handful.NoInkWarning, match="^2 images have no ink .*, the first at index 2: "):
            ask(X)
        X[[2, 4]] = mnist.X_test[[2, 4]]
    with pytest.warns(handful.NoInkWarning):
        fast.predict(handful.frame(np.full((50, 60), 255)))


def test_a_picture_of_any_size_is_framed(fast, mnist):
    image = mnist.X_test[0].reshape(28, 28)
    photograph = np.full((300, 400), 230, np.uint8)
    photograph[100:212, 200:312] -= np.kron(image // 2, np.ones((4, 4), np.uint8))
    for picture in (photograph, 255 - photograph, photograph.astype(float)):
        framed = handful.frame(picture)
        assert framed.shape == (1, 784)
        assert fast.predict(framed).tolist() == [7]
    assert handful.frame(photograph, (14, 20)).shape == (1, 280)
    assert not handful.frame(np.zeros((5, 5))).any()


def test_digits_of_eight_by_eight_pixels_are_read():
    """scikit-learn's digits are of other pens and other paper."""
    X, y = load_digits(return_X_y=True)
    best = handful.load_model("best")
    images = np.concatenate([best.frame(image) for image in (X * 255 / 16).round().reshape(-1, 8, 8)])
    assert best.score(images, y) >= 0.96


def test_a_model_frames_what_is_cropped_to_its_box(fast, mnist):
    right = 0
    for index in range(100):
        digit = np.kron(mnist.X_test[index].reshape(28, 28), np.ones((3, 3), np.uint8))
        rows, columns = np.nonzero(digit > 127)
        crop = 255 - digit[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
        framed = fast.frame(crop)
        assert framed.shape == (1, 784)
        right += int(fast.predict(framed)[0] == mnist.y_test[index])
    assert right >= 98
    # What is framed stays as it is.
    assert_array_equal(fast.frame(mnist.X_test[0].reshape(28, 28))[0], mnist.X_test[0])
    blank = fast.frame(np.full((50, 60), 255))
    why = fast.explain(blank)[0]
    assert (why.label, why.confidence, why.is_digit, why.has_ink) == (None, 0.0, False, False)


@pytest.mark.parametrize("shape", [(0, 3), (-1, 3), (3,), (28, 28, 3), ("a", "b")])
def test_pictures_are_framed_in_two_dimensions(shape):
    with pytest.raises(ValueError, match=r"image_shape: expected \(height, width\)"):
        handful.frame(np.zeros((5, 5)), shape)


def trained(mnist, n=500, **params):
    return handful.train_model(mnist.X_train[:n], mnist.y_train[:n], **{"preset": "tiny", **params})


REFUSED = {
    "short": (
        lambda model, data: model.predict(data.X_test[:5, :9]),
        r"images of 28 x 28 pixels .* \(n, 784\), \(n, 28, 28\), .* one image, \(28, 28\); found shape \(5, 9\)",
    ),
    "colours": (
        lambda model, data: model.predict(np.stack([data.X_test[:5].reshape(-1, 28, 28)] * 3, axis=-1)),
        r"found shape \(5, 28, 28, 3\)",
    ),
    "one row": (lambda model, data: model.predict(data.X_test[0]), "Expected 2D array, got 1D array"),
    "none": (lambda model, data: model.predict(data.X_test[:0]), r"0 sample\(s\)"),
    "below": (lambda model, data: model.predict(data.X_test / 255 - 0.5), "or floats from 0 to 1, found"),
    "beyond": (lambda model, data: model.predict(data.X_test * 2.0), "whole grey values from 0 to 255"),
    "NaN": (lambda model, data: model.predict(data.X_test[:5] * np.nan), "X contains NaN"),
    "score": (lambda model, data: model.score(data.X_test[:5], [1, 2]), r"inconsistent .*\[5, 2\]"),
    "one class": (
        lambda _, data: handful.train_model(data.X_train[:5], [3] * 5, preset="tiny"),
        r"at least two classes, found one class \(\"3\"\)",
    ),
    "unknown class": (
        lambda model, data: model.taught(data.X_test[:2], ["7", "x"]),
        r'expected images of the model.s classes \(0, 1, .*\), found the class "x"',
    ),
    "recipe": (lambda _, data: trained(data, preset="huge"), 'expected one of .*"huge"'),
    "shape": (lambda _, data: trained(data, image_shape=(14, 14)), r"image_shape: .* \(14, 14\)"),
    "seed": (lambda _, data: trained(data, random_state=-1), "random_state: expected .* -1"),
    "state": (lambda _, data: trained(data, random_state=np.random.RandomState(0)), "random_state: expected"),
    "threads": (lambda _, data: trained(data, n_jobs=0), "n_jobs is 0: expected"),
    "no classes": (lambda _, data: handful.train_model(data.X_test), "y: expected the class of each image"),
    "four": (lambda _, data: handful.train_model(data), "y: expected the class of each image in X; .* pairs"),
    "other set": (
        lambda _, data: handful.train_model([(data.X_test, data.y_test), (data.X_test[:5, :9], data.y_test[:5])]),
        "set 1: X: expected images of 28 x 28 pixels",
    ),
    "other classes": (
        lambda _, data: handful.train_model([(data.X_test, data.y_test), (data.X_test[:9], np.array(["three"] * 9))]),
        "set 1: y: expected classes of type int64, as in set 0, found <U5",
    ),
    "fewer classes": (
        lambda _, data: handful.train_model([(data.X_test, data.y_test), (data.X_test[:9], np.array(["three"] * 8))]),
        r"set 1: .*inconsistent numbers of samples: \[9, 8\]",
    ),
    "alike": (lambda _, data: handful.train_model(data.X_test, 0 * data.y_test), "at least two classes"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_read_is_refused_with_a_reason(case, fast, mnist):
    attempt, reason = REFUSED[case]
    with pytest.raises(ValueError, match=reason):
        attempt(fast, mnist)


def test_a_score_of_classes_in_a_column_is_that_of_classes(fast, mnist):
    X, y = mnist.X_test[:100], mnist.y_test[:100]
    with pytest.warns(UserWarning, match="column-vector y"):
        assert fast.score(X, y[:, None]) == fast.score(X, y) > 0.9


def test_a_damaged_file_is_refused(fast, tmp_path):
    whole, path = fast.to_bytes(), tmp_path / "model"
    for damaged in (b"", whole[:1000], whole[:-1], whole + b"\0", b"not a model" * 99):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match="model"):
            handful.load_model(path)
    for place in (20, 200, len(whole) // 2, len(whole) - 1):
        flipped = bytearray(whole)
        flipped[place] ^= 1
        with pytest.raises(ValueError, match="model"):
            handful.Model.from_bytes(bytes(flipped))


def test_where_there_is_no_file_the_error_says_so(fast, tmp_path):
    with pytest.raises(FileNotFoundError, match="fats.*expected a file with a model, or one of the presets .*fast"):
        handful.load_model("fats")
    with pytest.raises(OSError, match="directory") as caught:
        handful.load_model(tmp_path)
    assert not isinstance(caught.value, FileNotFoundError)
    with pytest.raises(FileNotFoundError, match="no"):
        fast.save(tmp_path / "no" / "model")
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="folder"):
        fast.save(tmp_path / "folder")
    assert [path.name for path in tmp_path.rglob("*")] == ["folder"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_to_is_a_matter_of_permission(fast, tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(PermissionError):
        fast.save(tmp_path / "model")


ESTIMATORS = [
    handful.KMeans(5, random_state=0),
    handful.KNeighborsClassifier(3, weights="distance"),
    handful.PrototypeClassifier(3, random_state=0),
    handful.Deskew(normalize=0.5),
    handful.GradientFeatures(n_bins=4),
    handful.KMeansFeatures(5, activation="rbf", random_state=0),
]


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=str)
@pytest.mark.parametrize("scale", [1, 7], ids=["bytes", "fractions"])
def test_estimators_are_the_same_after_pickling(estimator, scale, mnist):
    X, y = mnist.X_train[:300] / scale, mnist.y_train[:300]
    assert pickle.loads(pickle.dumps(unfitted(estimator))).get_params() == estimator.get_params()
    estimator = unfitted(estimator).fit(X, y)
    ask = "predict_proba" if hasattr(estimator, "predict_proba") else "transform"
    before = getattr(estimator, ask)(X)
    pickled = pickle.dumps(estimator)
    # An index is made again, and for the machine where it is.
    assert b"Index" not in pickled
    for back in (pickle.loads(pickled), copy.copy(estimator), copy.deepcopy(estimator)):
        assert_array_equal(getattr(back, ask)(X), before)
        assert not hasattr(unfitted(back), "n_features_in_")


@pytest.mark.parametrize("spell", [str, object, "category"])
def test_a_score_takes_numbers_that_are_spelled(fast, mnist, spell):
    X, y = mnist.X_test[:300], mnist.y_test[:300]
    spelled = pd.Series(y.astype(str), dtype=spell)
    assert fast.score(X, spelled) == fast.score(X, y) > 0.99
