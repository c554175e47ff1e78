"""The original experiment in scikit-learn. Run as a program, this does it once and prints JSON.

K-Means with 9 centres for each digit, the best of 10 starts; 1-NN on the centres, on as many random images, and on
all images.
"""

import argparse
import json
from pathlib import Path
from time import perf_counter

import numpy as np
from sklearn.cluster import KMeans
from sklearn.neighbors import KNeighborsClassifier

import data

N_CLUSTERS, N_INIT = 9, 10


def centers(points: np.ndarray, labels: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The centres of every digit, and their digits."""
    digits = np.unique(labels)
    fitted = [KMeans(N_CLUSTERS, n_init=N_INIT, random_state=seed).fit(points[labels == d]) for d in digits]
    return np.concatenate([model.cluster_centers_ for model in fitted]), np.repeat(digits, N_CLUSTERS)


def measure(folder: Path, seed: int) -> dict:
    """Seconds of each stage, without reading files, and error rates."""
    train, test = (data.images(folder, split).astype(np.float32) for split in ("train", "t10k"))
    labels, truth = data.labels(folder, "train"), data.labels(folder, "t10k")
    found: dict[str, float] = {}

    def classify(model: str, points: np.ndarray, classes: np.ndarray) -> None:
        began = perf_counter()
        predicted = KNeighborsClassifier(1).fit(points, classes).predict(test)
        found[f"{model}_seconds"] = perf_counter() - began
        found[f"{model}_error_percent"] = 100 * float(np.mean(predicted != truth))

    classify("knn_all", train, labels)
    began = perf_counter()
    prototypes, digits = centers(train, labels, seed)
    found["kmeans_seconds"] = perf_counter() - began
    classify("kmeans_knn", prototypes, digits)
    rng = np.random.default_rng(seed)
    chosen = [rng.choice(np.flatnonzero(labels == d), N_CLUSTERS, replace=False) for d in np.unique(labels)]
    chosen = np.concatenate(chosen)
    classify("random_knn", train[chosen], labels[chosen])
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=data.MNIST)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    print(json.dumps(measure(args.data, args.seed)))
