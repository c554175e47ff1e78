"""Values that handful's tests compare with, computed by scikit-learn, statsmodels and SciPy.

    pip install numpy scikit-learn statsmodels
    python crates/handful/tests/golden/make_reference.py

writes `reference.json` beside this file (about a minute on two cores).
"""

import gzip
import json
from importlib.metadata import version
from pathlib import Path

import numpy as np
from sklearn.cluster import KMeans
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support
from sklearn.neighbors import KNeighborsClassifier
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.proportion import proportion_confint

HERE = Path(__file__).parent
MNIST = HERE.parents[3] / "data" / "mnist"


def idx(name):
    raw = gzip.open(MNIST / f"{name}.gz").read()
    shape = np.frombuffer(raw, ">i4", raw[3], 4)
    return np.frombuffer(raw, np.uint8, -1, 4 + 4 * raw[3]).reshape(shape)


def rows(split):
    images = idx(f"{split}-images-idx3-ubyte")
    return images.reshape(len(images), -1), idx(f"{split}-labels-idx1-ubyte")


def class_inertia(x, y):
    """Best of 10 greedy k-means++ starts, 9 centres a digit, as the original experiment has it."""
    runs = [KMeans(9, n_init=10, random_state=0).fit(x[y == digit].astype(np.float32)) for digit in range(10)]
    return [float(run.inertia_) for run in runs]


def lloyd(x, n_clusters, seed):
    """One Lloyd run from given rows, in float64: initial rows, labels, inertia, n_iter."""
    init = np.sort(np.random.default_rng(seed).choice(len(x), n_clusters, replace=False))
    run = KMeans(n_clusters, init=x[init].astype(float), n_init=1, max_iter=300, tol=0).fit(x.astype(float))
    return {
        "init": init.tolist(),
        "labels": run.labels_.tolist(),
        "inertia": run.inertia_,
        "n_iter": run.n_iter_,
    }


def votes(x, y, queries):
    """Class probabilities of 3-NN, uniform and distance-weighted; query 0 is a training row."""
    table = {}
    for weights in ("uniform", "distance"):
        model = KNeighborsClassifier(3, weights=weights, algorithm="brute").fit(x.astype(float), y)
        table[weights] = model.predict_proba(queries.astype(float)).tolist()
    return table


def metrics():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 4, 200)
    predicted = np.where(rng.random(200) < 0.7, truth, rng.integers(0, 3, 200))
    precision, recall, f1, support = precision_recall_fscore_support(
        truth, predicted, labels=range(5), zero_division=0
    )
    return {
        "truth": truth.tolist(),
        "predicted": predicted.tolist(),
        "confusion_matrix": confusion_matrix(truth, predicted, labels=range(5)).tolist(),
        "precision": precision.tolist(),
        "recall": recall.tolist(),
        "f1": f1.tolist(),
        "support": support.tolist(),
    }


def main():
    x, y = rows("train")
    queries, _ = rows("t10k")
    wilson = [(0, 10), (10, 10), (1, 3), (81, 263), (9691, 10_000), (9233, 10_000)]
    discordant = [(0, 0), (0, 1), (5, 5), (3, 9), (10, 30), (90, 550), (400, 420)]
    reference = {
        "made_with": {name: version(name) for name in ("numpy", "scikit-learn", "statsmodels")},
        "class_inertia": class_inertia(x, y),
        "lloyd": lloyd(x[:2000], 20, seed=1),
        "votes": votes(x[:1000], y[:1000], np.vstack([x[:1], queries[:20]])),
        "wilson": [
            {"correct": c, "total": n, "interval": proportion_confint(c, n, 0.05, "wilson")} for c, n in wilson
        ],
        "mcnemar": [
            {"only_a": b, "only_b": c, "p_value": mcnemar([[0, b], [c, 0]], exact=True).pvalue}
            for b, c in discordant
        ],
        "metrics": metrics(),
    }
    (HERE / "reference.json").write_text(json.dumps(reference, indent=1) + "\n")


if __name__ == "__main__":
    main()
