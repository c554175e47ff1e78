"""Presets as estimators do what estimators do, and train the very models that `train_model` does."""

import pickle

import handful
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, cross_val_score


@pytest.fixture(scope="module")
def some(mnist):
    return mnist.X_train[:1500], mnist.y_train[:1500], mnist.X_test[:500], mnist.y_test[:500]


def test_a_preset_is_searched_over_and_cross_validated(some):
    X, y, X_test, y_test = some
    scores = cross_val_score(handful.PresetClassifier("tiny"), X, y, cv=3)
    assert scores.min() > 0.88
    grid = {"preset": ["notebook", "tiny"], "n_neighbors": [1, 3]}
    search = GridSearchCV(handful.PresetClassifier(), grid, cv=3).fit(X, y)
    assert search.best_params_["preset"] == "tiny"
    assert search.score(X_test, y_test) > 0.93
    copy = pickle.loads(pickle.dumps(search.best_estimator_))
    assert_array_equal(copy.predict(X_test), search.predict(X_test))
    assert clone(copy).get_params() == search.best_estimator_.get_params()


OPTIONS = [
    {"preset": "notebook"},
    {"preset": "tiny", "prototypes": 2, "n_neighbors": 3, "random_state": 5, "pictures": True},
    {"preset": "tiny", "prototypes": "all", "n_neighbors": 1},
    {"preset": "pixels", "prototypes": 40, "index": "inverted", "n_lists": 12, "n_probe": 3},
    {"preset": "notebook", "calibration": "held_out"},
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_a_function_and_an_estimator_train_the_same(some, options):
    X, y, X_test, _ = some
    fitted = handful.PresetClassifier(**options).fit(X, y)
    model = handful.train_model(X, y, **options)
    assert fitted.model_.to_bytes() == model.to_bytes()
    assert_array_equal(fitted.predict(X_test), model.predict(X_test))
    assert_array_equal(fitted.predict_proba(X_test), model.predict_proba(X_test))
    assert fitted.explain(X_test[:3]) == model.explain(X_test[:3])
    assert (fitted.model_.pictures is None) == ("pictures" not in options)
    changed = set(options) - {"preset", "pictures"}
    assert model.preset == (None if changed else options["preset"])


def test_options_change_the_recipe_as_on_the_command_line(some):
    X, y, X_test, _ = some

    def train(**options):
        return handful.train_model(X, y, **{"preset": "notebook", **options})

    assert len(train().prototypes) == 90
    assert len(train(prototypes=3).prototypes) == 30
    assert len(train(prototypes="all").prototypes) == 1500
    assert [len(why.neighbors) for why in train(n_neighbors=7).explain(X_test[:2])] == [7, 7]
    inverted = train(prototypes="all", index="inverted", n_lists=20, n_probe=20)
    # All lists are searched, and so nothing is missed.
    assert_array_equal(inverted.predict(X_test), train(prototypes="all").predict(X_test))
    assert inverted.to_bytes() != train(prototypes="all").to_bytes()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"prototypes": 0}, "'prototypes' parameter"),
        ({"prototypes": "some"}, "'prototypes' parameter"),
        ({"n_neighbors": 0}, "'n_neighbors' parameter"),
        ({"index": "tree"}, "'index' parameter"),
        ({"calibration": "none"}, "'calibration' parameter"),
        ({"n_lists": 5}, "n_lists and n_probe need index='inverted'"),
        ({"index": "inverted", "n_lists": 5, "n_probe": 6}, "n_probe is 6"),
        ({"preset": "worst"}, 'expected one of the presets notebook, .*, found "worst"'),
    ],
    ids=str,
)
def test_wrong_options_are_refused(some, options, message):
    with pytest.raises(ValueError, match=message):
        handful.PresetClassifier(**{"preset": "notebook", **options}).fit(*some[:2])


def test_a_calibration_on_held_out_images_fits_them_and_changes_no_class(some):
    """With nearly a third of the labels wrong, MNIST's calibration is too confident."""
    X, y, X_test, y_test = some
    random = np.random.default_rng(0)

    def noisy(labels):
        return np.where(random.random(len(labels)) < 0.3, random.integers(0, 10, len(labels)), labels)

    y, y_test = noisy(y), noisy(y_test)
    given = handful.PresetClassifier("notebook", n_neighbors=3).fit(X, y)
    own = handful.PresetClassifier("notebook", n_neighbors=3, calibration="held_out").fit(X, y)
    assert_array_equal(own.predict(X_test), given.predict(X_test))
    losses = [log_loss(y_test, estimator.predict_proba(X_test)) for estimator in (given, own)]
    assert losses[1] < 0.9 * losses[0]
    # Sorted by class, the images held out are other ones, but as many of each class.
    order = np.argsort(y, kind="stable")
    by_class = handful.PresetClassifier("notebook", n_neighbors=3, calibration="held_out").fit(X[order], y[order])
    assert log_loss(y_test, by_class.predict_proba(X_test)) < 0.9 * losses[0]


def test_images_have_any_shape_type_and_range(some):
    X, y, X_test, _ = some
    kinds = [
        lambda x: x.reshape(-1, 28, 28),
        lambda x: x.reshape(-1, 28, 28, 1),
        lambda x: x.reshape(-1, 1, 28, 28),
        lambda x: x.astype(np.float64),
        lambda x: x / 255,
        lambda x: (x / 255).astype(np.float32).reshape(-1, 28, 28),
        lambda x: x * 3.0 - 700.0,
        pd.DataFrame,
    ]
    expected = handful.PresetClassifier("tiny").fit(X, y)
    for kind in kinds:
        found = handful.PresetClassifier("tiny").fit(kind(X), y)
        assert found.model_.to_bytes() == expected.model_.to_bytes()
        assert_array_equal(found.predict_proba(kind(X_test)), expected.predict_proba(X_test))
    wide = handful.PresetClassifier("notebook", image_shape=(14, 56)).fit(X, y)
    assert wide.model_.image_shape == (14, 56)
    assert handful.PresetClassifier("notebook").fit(X.reshape(-1, 14, 56), y).model_.image_shape == (14, 56)
    # What was learned from decides, and not what is asked about: all of these are 0 or 1.
    binary = (X > 128).astype(np.float64)
    found = handful.PresetClassifier("tiny").fit(binary, y)
    assert (found.data_min_, found.data_max_) == (0.0, 1.0)
    assert_allclose(found.predict_proba(binary[:9]), found.predict_proba(binary)[:9])
    with pytest.raises(ValueError, match="784 features"):
        found.predict(X_test[:, :783])


def test_floats_of_any_range_and_booleans_use_all_grey_values():
    digits, y = load_digits(return_X_y=True)
    found = handful.PresetClassifier("small").fit(digits[:500], y[:500])
    assert (found.data_min_, found.data_max_) == (0.0, 16.0)
    bright = handful.PresetClassifier("small").fit(np.rint(digits[:500] * (255 / 16)).astype(np.uint8), y[:500])
    assert (bright.data_min_, bright.data_max_) == (0.0, 255.0)
    assert bright.model_.to_bytes() == found.model_.to_bytes()
    ink = digits[:500] > 8
    booleans, floats = (handful.PresetClassifier("notebook").fit(ink.astype(kind), y[:500]) for kind in (bool, float))
    assert booleans.model_.to_bytes() == floats.model_.to_bytes()


def test_labels_keep_their_type(some):
    X, y, X_test, _ = some
    names = np.array(list("abcdefghij"))
    for labels in (y.astype(str), names[y], y % 2 == 0, y.astype(np.uint8), names[y].astype(object)):
        found = handful.PresetClassifier("notebook").fit(X, labels)
        assert_array_equal(found.classes_, np.unique(labels))
        assert found.predict(X_test).dtype == np.unique(labels).dtype


def test_blank_images_are_warned_of(some):
    fitted = handful.PresetClassifier("notebook").fit(*some[:2])
    for ask in (fitted.predict, fitted.predict_proba):
        with pytest.warns(handful.NoInkWarning, match="1 image has no ink .* index 1") as told:
            ask(np.stack([some[2][0], np.zeros(784, np.uint8)]))
        assert told[0].filename == __file__
