"""Models of one's own: classes of any type, several sets, and what remains when they are saved."""

import copy
import os
import pickle

import handful
import joblib
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from sklearn.metrics import accuracy_score

WORDS = np.array(["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"])


@pytest.fixture(scope="module")
def words(mnist):
    """A model of digits by their names, which has pictures."""
    X, y = mnist.X_train[:5000], WORDS[mnist.y_train[:5000]]
    return handful.train_model(X, y, preset="tiny", pictures=True)


def same(one, other, X):
    assert_array_equal(one.predict_proba(X), other.predict_proba(X))
    assert_array_equal(one.transform(X), other.transform(X))
    return one.to_bytes() == other.to_bytes()


def test_models_are_the_same_after_any_way_there_and_back(words, mnist, tmp_path):
    path = tmp_path / "words.safetensors"
    words.save(path)
    assert path.read_bytes() == words.to_bytes()
    joblib.dump(words, tmp_path / "words.joblib")
    for back in [
        handful.load_model(path),
        handful.load_model(str(path)),
        handful.load_model(os.fsencode(path)),
        handful.Model.from_bytes(words.to_bytes()),
        pickle.loads(pickle.dumps(words)),
        copy.copy(words),
        copy.deepcopy(words),
        joblib.load(tmp_path / "words.joblib"),
    ]:
        assert same(back, words, mnist.X_test[:50])
        assert_array_equal(back.classes_, words.classes_)
        assert_array_equal(back.pictures, words.pictures)
    assert pickle.loads(pickle.dumps(handful.load_model("tiny", n_jobs=2))).n_jobs == 2


def test_models_learn_words_and_numbers(words, mnist):
    assert words.classes_.tolist() == sorted(WORDS)
    assert words.score(mnist.X_test, WORDS[mnist.y_test]) > 0.96
    assert set(words.prototype_labels) == set(WORDS)
    assert words.provenance["n_samples"] == 5000
    numbers = handful.train_model(mnist.X_train[:2000], mnist.y_train[:2000] + 5.0, preset="tiny")
    # In the order of numbers, and not of their names.
    assert numbers.classes_.tolist() == list(range(5, 15))
    assert numbers.score(mnist.X_test, mnist.y_test + 5.0) > 0.9


DIGITS = np.arange(10)


LABELS = {
    "strings": DIGITS.astype(str),
    "objects": DIGITS.astype(str).astype(object),
    "words": WORDS,
    "pandas' strings": pd.array(WORDS, dtype="string"),
    "categories": pd.Categorical(WORDS),
    "lists": WORDS.tolist(),
    "numpy's strings": [np.str_(word) for word in WORDS],
    "numpy's numbers": [np.int16(digit) for digit in DIGITS],
    "numpy's booleans": [np.bool_(digit % 2) for digit in DIGITS],
    "booleans": DIGITS % 2 == 0,
    **{name: DIGITS.astype(name) for name in ("i1", "i2", "i4", "i8", "u1", "u2", "u4", "f2", "f4", "f8", ">i4")},
    "huge": np.arange(2**64 - 10, 2**64, dtype="u8"),
    "below zero": DIGITS - 5,
    "long double": DIGITS.astype(np.longdouble),
}


@pytest.fixture(scope="module")
def some(mnist):
    """Few digits, and others."""
    return mnist.X_train[:500], mnist.y_train[:500], mnist.X_test[:200], mnist.y_test[:200]


@pytest.mark.parametrize("kind", LABELS)
def test_labels_come_back_as_they_were_given(kind, some, tmp_path):
    labels, (X, y, X_test, y_test) = LABELS[kind], some
    y, y_test = ([labels[i] for i in rows] if isinstance(labels, list) else labels[rows] for rows in (y, y_test))
    peer = handful.KNeighborsClassifier().fit(X, y)
    model = handful.train_model(X, y, preset="notebook")
    model.save(tmp_path / "model")
    for own in (model, handful.load_model(tmp_path / "model"), pickle.loads(pickle.dumps(model))):
        predicted = own.predict(X_test)
        assert_array_equal(own.classes_, peer.classes_)
        expected = np.dtype(float) if kind == "long double" else peer.classes_.dtype.newbyteorder("=")
        # Strings are as long as the longest is.
        assert own.classes_.dtype == predicted.dtype == (expected if expected.kind != "U" else own.classes_.dtype)
        assert own.classes_.dtype.kind == expected.kind
        assert accuracy_score(y_test, predicted) == own.score(X_test, y_test) > 0.7
        assert_array_equal(predicted, own.classes_[own.predict_proba(X_test).argmax(axis=1)])
        assert [why.label for why in own.explain(X_test)] == predicted.tolist()


def test_a_score_compares_numbers_with_their_names(some):
    X, y, X_test, y_test = some
    numbers, names = (handful.train_model(X, labels, preset="notebook") for labels in (y, y.astype(str)))
    scores = [numbers.score(X_test, y_test.astype(kind)) for kind in (int, float, str, object)]
    assert scores == [names.score(X_test, y_test.astype(kind)) for kind in (int, float, str, object)]
    assert len(set(scores)) == 1


@pytest.mark.parametrize(
    ("labels", "kind", "reason"),
    [
        (np.arange(10).astype(complex), ValueError, "."),
        (np.arange(10).astype("M8[D]"), ValueError, "y: expected classes that are strings, booleans or numbers"),
        (np.arange(10).astype("S1"), TypeError, "bytes"),
        (np.array([*range(9), None], object), (TypeError, ValueError), "."),
    ],
    ids=["complex", "dates", "bytes", "None"],
)
def test_labels_that_no_file_keeps_are_refused(labels, kind, reason, some):
    with pytest.raises(kind, match=reason):
        handful.train_model(some[0], labels[some[1]], preset="notebook")


def test_several_sets_make_one_model(some):
    X, y, _, _ = some
    expected = handful.train_model(X, y, preset="notebook").to_bytes()
    pair = X[:200], y[:200]
    for sets in (
        [pair, (X[200:], y[200:])],
        (pair, (X[200:450].reshape(-1, 28, 28), y[200:450].tolist()), (pd.DataFrame(X[450:]), pd.Series(y[450:]))),
        [(X.reshape(-1, 28, 28, 1), y)],
        [(X[:200] / 255, y[:200]), (X[200:], y[200:].astype(np.int8))],
    ):
        assert handful.train_model(sets, preset="notebook").to_bytes() == expected
    strings = handful.train_model([(X, y.astype(str)), (X, WORDS[y])], preset="notebook")
    assert strings.classes_.tolist() == sorted([*map(str, range(10)), *WORDS])
    wide = handful.train_model([(X, y), (X.reshape(-1, 14, 56), y)], preset="notebook")
    assert wide.image_shape == (14, 56)


def test_random_choices_follow_from_the_seed(mnist):
    def train(random_state):
        X, y = mnist.X_train[:1000], mnist.y_train[:1000]
        return handful.train_model(X, y, preset="tiny", random_state=random_state).to_bytes()

    assert train(1) == train(np.int64(1))
    assert train(None) == train(None)
    assert len({train(None), train(1), train(2)}) == 3


def test_pictures_are_like_what_was_learned(words, mnist):
    assert words.pictures.shape == (len(words.prototype_labels), 28, 28)
    found = words.predict(words.pictures)
    assert np.mean(found == words.prototype_labels) > 0.9
    assert handful.train_model(mnist.X_train[:500], mnist.y_train[:500], preset="tiny").pictures is None


def test_models_learn_numbers_below_zero(mnist):
    y = np.where(mnist.y_train[:2000] % 2, -1, 1)
    model = handful.train_model(mnist.X_train[:2000], y, preset="notebook")
    assert model.classes_.tolist() == [-1, 1]
    assert model.score(mnist.X_train[:2000], y) > 0.8


def test_names_that_only_look_like_numbers_stay_names():
    for names in (["01", "1"], ["-0", "1"], ["+1", "2"], ["1_0", "2"], [str(2**63), "1"]):
        assert handful.datasets.named_classes(names).tolist() == names
