"""An inverted index misses what its recall says, and no more."""

import pickle

import handful
import numpy as np
import pytest
from numpy.testing import assert_array_equal


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    centres = rng.integers(0, 200, (20, 30))
    return (centres[np.arange(2000) % 20] + rng.integers(0, 55, (2000, 30))).astype(np.uint8)


def test_with_all_lists_it_is_the_exact_search(rows):
    y = np.arange(2000) % 20
    exact = handful.KNeighborsClassifier(3).fit(rows, y)
    assert (exact.recall_, exact.n_lists_, exact.n_probe_) == (1.0, None, None)
    every = handful.KNeighborsClassifier(3, index="inverted", n_lists=40, n_probe=40).fit(rows, y)
    assert (every.recall_, every.n_lists_, every.n_probe_) == (1.0, 40, 40)
    for found, expected in zip(every.kneighbors(), exact.kneighbors(), strict=True):
        assert_array_equal(found, expected)
    few = handful.KNeighborsClassifier(3, index="inverted", n_lists=40, n_probe=1).fit(rows, y)
    own = few.kneighbors(rows[::2], 4)[1], exact.kneighbors(rows[::2], 4)[1]
    hits = sum(len(set(a) & set(b)) - 1 for a, b in zip(*own, strict=True))
    # Where a list holds too few rows the search goes on in the next, which the figure does not count.
    assert 0 <= hits / 3000 - few.recall_ < 0.01 and few.recall_ < 1
    assert_array_equal(pickle.loads(pickle.dumps(few)).kneighbors(rows)[1], few.kneighbors(rows)[1])


def test_as_many_lists_as_the_recall_asks_for(rows):
    knn = handful.KNeighborsClassifier(index="inverted").fit(rows, np.arange(2000) % 20)
    assert knn.n_lists_ == 88 and 1 <= knn.n_probe_ <= 88 and knn.recall_ >= 0.99
    assert knn.score(rows, np.arange(2000) % 20) > 0.99


def test_what_makes_no_sense_is_refused(rows):
    y = np.arange(2000) % 20

    def fit(X=rows, **params):
        return handful.KNeighborsClassifier(**params).fit(X, y)

    with pytest.raises(ValueError, match="expected whole numbers from 0 to 255"):
        fit(rows / 3, index="inverted")
    knn = fit(index="inverted")
    with pytest.raises(ValueError, match="expected whole numbers from 0 to 255"):
        knn.predict(rows / 3)
    with pytest.raises(ValueError, match="n_probe is 5: expected 1 to 4"):
        fit(index="inverted", n_lists=4, n_probe=5)
    with pytest.raises(ValueError, match="n_lists is 2001: expected 1 to 2000"):
        fit(index="inverted", n_lists=2001)
    with pytest.raises(ValueError, match="need index='inverted'"):
        fit(n_probe=5)
