"""How accurate labels are that spread from a few answers: `make labels`.

The true labels play the person who names images. Training images lose their labels; the labels of some are given back.
Accuracy is measured on test images, as the mean and the minimum over seeds, beside scikit-learn's LabelSpreading (with
the same answers, on 10,000 of the images) and a preset trained on as many random labels. With --validate, the last sixth of the training images plays the test set: choices are made on it.
"""

import argparse
import json
import sys
import time
import warnings

import handful
import numpy as np
from sklearn.datasets import load_digits
from sklearn.semi_supervised import LabelSpreading

# Images that LabelSpreading gets, answers included.
MOST_SPREAD = 10_000
DRAWN = 100  # images that are named for an estimate
METHODS = ("rounds", "single", "spreading", "preset")


def digits():
    """Return scikit-learn's digits, two thirds for training; there is no official split."""
    data = load_digits()
    order = np.random.default_rng(0).permutation(len(data.data))
    X, y = (data.data[order] * 255 / 16).round().astype(np.uint8), data.target[order]
    return X[:1200], y[:1200], X[1200:], y[1200:]


def fashion():
    """Return Fashion-MNIST as Debian's package has it."""
    return handful.datasets.load_mnist("/usr/share/datasets/fashion-mnist")


SETS = {
    "MNIST": (handful.datasets.load_mnist, [10, 20, 50, 100, 200], "gradients", "best"),
    "Fashion-MNIST": (fashion, [100, 500], "gradients", "best"),
    "load_digits": (digits, [10, 50], "gradients", "pixels"),
}


def single_round(labeler, X, truth, n_labels):
    """Name the medoids of as many clusters as there are labels."""
    labeler.set_params(n_clusters=n_labels).fit(X, np.full(len(X), -1))
    y = np.full(len(X), -1)
    y[labeler.query_indices_] = truth[labeler.query_indices_]
    return labeler.update(y), y


def rounds(labeler, X, truth, n_labels, first=10):
    """Name the medoids of ten clusters, then what is asked for next, ten at a time."""
    labeler.set_params(n_clusters=first).fit(X, np.full(len(X), -1))
    y = np.full(len(X), -1)
    while (left := n_labels - np.count_nonzero(y != -1)) > 0:
        asked = labeler.query_indices_[: min(left, first)]
        if len(asked) == 0:
            break
        y[asked] = truth[asked]
        labeler.update(y)
    return labeler, y


def estimated(labeler, truth, y):
    """Name images drawn at random: whether the interval contains the true accuracy, its width, and that accuracy."""
    drawn = labeler.sample(DRAWN)
    drawn = drawn[y[drawn] == -1]
    estimate = labeler.estimate(drawn, truth[drawn])
    accuracy = np.mean(labeler.transduction_ == truth)
    return estimate.low <= accuracy <= estimate.high, estimate.high - estimate.low, accuracy


def spreading(X, y, X_test, y_test, seed):
    """Spread the same answers by scikit-learn, on part of the images."""
    rng = np.random.default_rng(seed)
    answered = np.flatnonzero(y != -1)
    others = rng.permutation(np.flatnonzero(y == -1))[: MOST_SPREAD - len(answered)]
    rows = np.concatenate([answered, others])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = LabelSpreading(kernel="knn", n_neighbors=10, alpha=0.9, n_jobs=-1, max_iter=100)
        model.fit(X[rows] / 255.0, y[rows])
        return np.mean(model.predict(X_test / 255.0) == y_test)


def preset(name, X, truth, X_test, y_test, n_labels, seed):
    """Train a preset on as many labels of images drawn at random; None if that is not possible."""
    rows = np.random.default_rng(seed).choice(len(X), n_labels, replace=False)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = handful.train_model(X[rows], truth[rows], preset=name)
        return np.mean(model.predict(X_test) == y_test)
    except ValueError as error:
        print(f"{name} with {n_labels} labels: {error}", file=sys.stderr)
        return None


def summary(values):
    values = [100 * value for value in values if value is not None]
    return {"mean": float(np.mean(values)), "least": float(np.min(values))} if values else None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--labels", nargs="+", type=int)
    parser.add_argument("--validate", action="store_true", help="hold training images out instead of testing")
    parser.add_argument("--alone", action="store_true", help="without the peers")
    parser.add_argument("--json")
    options = parser.parse_args()
    found = []
    for name in options.sets:
        load, counts, features, recipe = SETS[name]
        X, truth, X_test, y_test = load()
        if options.validate:
            n = len(X) * 5 // 6
            X, truth, X_test, y_test = X[:n], truth[:n], X[n:], truth[n:]
        for n_labels in options.labels or counts:
            results = {key: [] for key in (*METHODS, "covered", "width", "seconds")}
            for seed in range(options.seeds):
                start = time.perf_counter()
                labeler = handful.ClusterLabeler(features=features, random_state=seed)
                labeler, y = single_round(labeler, X, truth, n_labels)
                results["seconds"].append(time.perf_counter() - start)
                results["single"].append(np.mean(labeler.predict(X_test) == y_test))
                if not options.alone:
                    results["spreading"].append(spreading(X, y, X_test, y_test, seed))
                    results["preset"].append(preset(recipe, X, truth, X_test, y_test, n_labels, seed))
                labeler, y = rounds(labeler, X, truth, n_labels)
                results["rounds"].append(np.mean(labeler.predict(X_test) == y_test))
                covered, width, _ = estimated(labeler, truth, y)
                results["covered"].append(covered)
                results["width"].append(width)
            row = {"set": name, "labels": n_labels, "seconds": float(np.median(results["seconds"]))}
            row |= {key: summary(results[key]) for key in METHODS}
            row["covered"] = f"{sum(results['covered'])} of {options.seeds}"
            row["width"] = float(np.mean(results["width"]))
            found.append(row)
            parts = [f"{key} {row[key]['mean']:.2f} ({row[key]['least']:.2f})" for key in METHODS if row[key]]
            told = f"interval right in {row['covered']}, {100 * row['width']:.1f} points wide, {row['seconds']:.1f} s"
            print(f"{name}, {n_labels} labels: {'; '.join(parts)}; {told}", flush=True)
    if options.json:
        with open(options.json, "w") as file:
            json.dump(found, file, indent=1)


if __name__ == "__main__":
    main()
