"""Models of few images, and models that are taught a few more."""

import handful
import numpy as np
import pytest
from sklearn.datasets import load_digits


@pytest.mark.parametrize("kind", [np.int64, float, str])
def test_a_model_is_taught_what_it_misread(kind, mnist):
    model = handful.load_model("fast")
    wrong = np.flatnonzero(model.predict(mnist.X_test[:2000]) != mnist.y_test[:2000])[:3]
    X, y = mnist.X_test[wrong], mnist.y_test[wrong]
    taught = model.taught(X, y.astype(kind))
    assert taught.predict(X).tolist() == y.tolist()
    assert model.predict(X).tolist() != y.tolist(), "the model itself stays as it is"
    assert taught.provenance["n_taught"] == 3
    assert len(taught.prototypes) == len(model.prototypes) + 9, "three of five votes each"
    assert handful.Model.from_bytes(taught.to_bytes()).predict(X).tolist() == y.tolist()


def test_one_image_of_each_class_is_enough(mnist):
    rows = [int(np.flatnonzero(mnist.y_train == digit)[0]) for digit in range(10)]
    for preset in ("notebook", "pixels", "tiny", "small", "fast", "best", "neighbors"):
        model = handful.train_model(mnist.X_train[rows], mnist.y_train[rows], preset=preset)
        assert model.score(mnist.X_test[:1000], mnist.y_test[:1000]) > 0.3, preset


@pytest.mark.parametrize("preset", ["notebook", "pixels", "tiny", "small", "fast", "neighbors"])
def test_presets_learn_digits_of_eight_by_eight_pixels(preset):
    digits = load_digits()
    X, y = (digits.images * 15.9375).astype(np.uint8), digits.target
    model = handful.train_model(X[:1000], y[:1000], preset=preset)
    assert model.score(X[1000:], y[1000:]) > 0.85
