"""Audits of labelled images."""

import handful
import numpy as np
import pandas as pd
import pytest
from handful.datasets import load_mnist

N = 2000


@pytest.fixture(scope="module")
def flawed():
    X, y, X_test, y_test = load_mnist()
    X, y, X_test, y_test = X[:N].copy(), y[:N].copy(), X_test[:300].copy(), y_test[:300].copy()
    y[100] = (y[100] + 5) % 10
    X[900], y[900] = X[7], y[7]
    X_test[60], y_test[60] = np.roll(X[350].reshape(28, 28), 1, axis=0).ravel(), y[350]
    X[1234] = 0
    return X, y, X_test, y_test


@pytest.fixture(scope="module")
def found(flawed):
    return handful.audit(*flawed)


def test_what_is_wrong_is_found(flawed, found):
    y = flawed[1]
    place = found.label_issues.tolist().index(100)
    assert found.suggested[place] == (y[100] + 5) % 10
    assert found.scores[100] > 0.9
    assert 100 not in found.neighbors[place]
    assert found.duplicates.tolist() == [[7, 900], [350, N + 60]]
    assert found.duplicate_distances.tolist() == [0, 0]
    assert found.outliers[0] == 1234
    assert np.isinf(found.outlier_scores[1234])
    assert len(found.rare_classes) == 0


def test_scores_are_the_votes_against_the_label(found):
    assert found.probabilities.shape == (N + 300, 10)
    np.testing.assert_allclose(found.probabilities.sum(axis=1), 1)
    own = found.probabilities[np.arange(N + 300), found.labels]
    np.testing.assert_array_equal(found.scores, 1 - own)
    assert (np.diff(found.scores[found.label_issues]) <= 0).all()
    assert (found.scores[found.label_issues] >= 0.9).all()


def test_findings_are_a_table(flawed, found):
    table = found.to_frame()
    assert len(table) == len(found.label_issues) + len(found.duplicates) + len(found.outliers)
    leak = table[table.kind == "leak"].iloc[0]
    assert (leak.part, leak["index"], leak.other_part, leak.other_index) == ("train", 350, "test", 60)
    copy = table[table.kind == "duplicate"].iloc[0]
    assert (copy["index"], copy.other_index, copy.label, copy.other_label) == (900, 7, flawed[1][7], flawed[1][7])
    wrong = table[(table.kind == "label") & (table["index"] == 100) & (table.part == "train")].iloc[0]
    assert wrong.suggested == (wrong.label + 5) % 10
    assert pd.isna(wrong.other_index) and pd.isna(wrong.distance)


def test_labels_may_be_words_and_images_may_have_any_form(flawed):
    X, y, _, _ = flawed
    words = np.array(["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"])
    found = handful.audit(X.reshape(-1, 28, 28) / 255.0, words[y], n_jobs=1)
    place = found.label_issues.tolist().index(100)
    assert found.suggested[place] == words[(y[100] + 5) % 10]
    assert set(found.to_frame().part) == {"all"}


def test_a_stricter_audit_finds_some_of_the_same(flawed, found):
    strict = handful.audit(*flawed, min_score=0.97)
    n = len(strict.label_issues)
    assert 0 < n < len(found.label_issues)
    np.testing.assert_array_equal(strict.label_issues, found.label_issues[:n])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"n_neighbors": 0}, "n_neighbors: expected a whole number of at least 1, found 0"),
        ({"min_score": 1.5}, "min_score: expected 0 to 1, found 1.5"),
        ({"X_test": np.zeros((3, 784), np.uint8)}, "expected both X_test and y_test"),
        ({"image_shape": (27, 28)}, "image_shape"),
    ],
)
def test_what_cannot_be_meant_is_refused(flawed, wrong, message):
    with pytest.raises(ValueError, match=message):
        handful.audit(flawed[0][:50], flawed[1][:50], **wrong)


def test_images_of_one_class_are_refused():
    with pytest.raises(ValueError, match="expected images of at least two classes, found one class"):
        handful.audit(np.arange(40, dtype=np.uint8).reshape(10, 4), np.ones(10, int))
