"""Labels for many samples from the answers to a few questions."""

import pickle

import handful
import numpy as np
import pytest
from sklearn.datasets import load_digits, make_blobs
from sklearn.exceptions import NotFittedError


@pytest.fixture(scope="module")
def blobs():
    centers = [(10 * x, 10 * y) for x in range(3) for y in range(2)]
    return make_blobs(600, centers=centers, random_state=3, cluster_std=0.8)


def unlabelled(X):
    return np.full(len(X), -1)


def test_a_label_per_cluster_labels_every_sample_and_new_ones(blobs):
    X, truth = blobs
    labeler = handful.ClusterLabeler(n_clusters=6, random_state=0)
    y = unlabelled(X[:500])
    asked = labeler.fit(X[:500], y).query_indices_
    assert len(set(truth[asked])) == 6
    y[asked] = truth[asked]
    labeler.update(y)
    assert np.array_equal(labeler.transduction_, truth[:500])
    assert np.array_equal(labeler.predict(X[500:]), truth[500:])
    assert np.allclose(labeler.label_distributions_.sum(axis=1), 1, atol=1e-6)
    assert np.array_equal(labeler.fit(X[:500], y).transduction_, truth[:500])


def test_labels_may_be_words(blobs):
    X, truth = blobs
    words = np.array(["ant", "bee", "cat", "dog", "eel", "fox"], dtype=object)[truth]
    y = np.full(len(X), -1, dtype=object)
    labeler = handful.ClusterLabeler(n_clusters=6, random_state=0).fit(X, y)
    y[labeler.query_indices_] = words[labeler.query_indices_]
    labeler.update(y)
    assert labeler.classes_.tolist() == ["ant", "bee", "cat", "dog", "eel", "fox"]
    assert np.array_equal(labeler.predict(X), words)


def test_classes_that_no_medoid_shows_are_found_by_later_questions(blobs):
    X, truth = blobs
    labeler = handful.ClusterLabeler(n_clusters=2, random_state=0)
    y = unlabelled(X)
    labeler.fit(X, y)
    for _ in range(20):
        asked = labeler.query_indices_[:2]
        y[asked] = truth[asked]
        labeler.update(y)
    assert np.mean(labeler.transduction_ == truth) > 0.99
    assert set(labeler.classes_) == set(truth)


def test_without_labels_there_are_questions_but_no_answers(blobs):
    X, _ = blobs
    labeler = handful.ClusterLabeler(random_state=0).fit(X, unlabelled(X))
    assert len(labeler.query_indices_) == 10
    assert (labeler.transduction_ == -1).all()
    with pytest.raises(NotFittedError, match="no sample has a label yet"):
        labeler.predict(X)


def test_an_estimate_is_an_interval_around_the_accuracy_of_random_samples(blobs):
    X, truth = blobs
    y = unlabelled(X)
    labeler = handful.ClusterLabeler(n_clusters=6, random_state=1).fit(X, y)
    y[labeler.query_indices_] = truth[labeler.query_indices_]
    labeler.update(y)
    drawn = labeler.sample(50)
    assert len(set(drawn)) == 50 and np.array_equal(labeler.sample(20), drawn[:20])
    estimate = labeler.estimate(drawn, truth[drawn])
    assert estimate.n == 50
    assert estimate.low < estimate.accuracy == 1.0 == estimate.high
    wrong = labeler.estimate(drawn, np.where(np.arange(50) < 10, -7, truth[drawn]))
    assert wrong.accuracy == 0.8 and wrong.low < 0.8 < wrong.high
    with pytest.raises(ValueError, match="indices: expected indices from 0 to 599"):
        labeler.estimate([600], [0])
    with pytest.raises(ValueError, match="n: expected 1 to 600"):
        labeler.sample(601)


def test_gradients_label_digits_of_which_few_are_named():
    X, truth = load_digits(return_X_y=True)
    labeler = handful.ClusterLabeler(n_clusters=30, features="gradients", random_state=0)
    y = unlabelled(X)
    asked = labeler.fit(X, y).query_indices_
    y[asked] = truth[asked]
    accuracy = np.mean(labeler.update(y).transduction_ == truth)
    assert accuracy > 0.9
    again = pickle.loads(pickle.dumps(labeler))
    assert np.array_equal(again.predict(X[:50]), labeler.predict(X[:50]))
    assert np.array_equal(again.update(y).transduction_, labeler.transduction_)


def test_wrong_input_is_an_error_that_says_what_was_expected(blobs):
    X, truth = blobs
    with pytest.raises(ValueError, match=r"n_samples=3 should be >= n_clusters=10"):
        handful.ClusterLabeler().fit(X[:3], unlabelled(X[:3]))
    labeler = handful.ClusterLabeler(random_state=0).fit(X, truth)
    with pytest.raises(ValueError, match="expected a label or -1 for each of 600 samples, found 5"):
        labeler.update([0, 1, 2, 3, 4])
    mixed = np.array(["a", 1, *[-1] * 598], dtype=object)
    with pytest.raises(TypeError, match="classes that can be sorted"):
        labeler.update(mixed)


def test_the_same_seed_asks_the_same_and_all_threads_agree(blobs):
    X, truth = blobs
    y = np.where(np.arange(len(X)) % 50 == 0, truth, -1)
    one, many = (handful.ClusterLabeler(random_state=4, n_jobs=n).fit(X, y) for n in (1, 2))
    assert np.array_equal(one.query_indices_, many.query_indices_)
    assert np.array_equal(one.label_distributions_, many.label_distributions_)
