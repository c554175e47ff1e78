"""Estimators of handful and scikit-learn in one process. Run as a program, this measures both once and prints JSON.

Both are called as users call them, including conversions: `fit` and `predict` on arrays in memory. Each is first warmed
up on a few rows.
"""

import argparse
import ctypes
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter

import handful
import numpy as np
import sklearn.cluster
import sklearn.neighbors
from threadpoolctl import threadpool_limits

import data
import experiment_peer
from kmeans import nearest

K = 3
N_CLUSTERS = 100
LLOYD = {"n_init": 1, "max_iter": 20, "tol": 0}
SEED = 0
FEW = 2_000  # images, to warm up
SINGLES = 300  # queries, one at a time
QUICK = 1_000  # queries with `--quick`, and a tenth of the single ones

# How images come; divided by 255 they are no whole numbers, so that handful cannot take them as bytes.
TYPES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "bytes": lambda rows: rows,
    "f32": lambda rows: rows.astype(np.float32),
    "f32 / 255": lambda rows: rows / np.float32(255),
    "f64 / 255": lambda rows: rows / 255,
}


@dataclass
class Mnist:
    """Bytes, one image a row."""

    points: np.ndarray
    labels: np.ndarray
    queries: np.ndarray

    def few(self) -> "Mnist":
        """Enough to warm up."""
        return Mnist(self.points[:FEW], self.labels[:FEW], self.queries[:FEW])

    def init(self) -> np.ndarray:
        """Rows that K-Means starts from: always the same, each only once."""
        rng = np.random.default_rng(SEED)
        return self.points[rng.choice(len(self.points), N_CLUSTERS, replace=False)]


def timed(work: Callable) -> tuple[float, object]:
    """How long it takes, and what it returns."""
    began = perf_counter()
    found = work()
    return perf_counter() - began, found


def classifiers(threads: int, k: int = K) -> tuple:
    """k-NN, ours and theirs."""
    theirs = sklearn.neighbors.KNeighborsClassifier(k, algorithm="brute", n_jobs=threads)
    return handful.KNeighborsClassifier(k, n_jobs=threads), theirs


def clusterings(threads: int, **params: object) -> tuple:
    """K-Means, ours and theirs, which has as many threads as OpenMP."""
    ours = handful.KMeans(N_CLUSTERS, **LLOYD, **params, n_jobs=threads)
    return ours, sklearn.cluster.KMeans(N_CLUSTERS, **LLOYD, **params)


def knn(mnist: Mnist, threads: int, ours_as: str, theirs_as: str) -> dict:
    """Fit, and predict all queries."""
    seconds, predicted = [], []
    for model, kind in zip(classifiers(threads), (ours_as, theirs_as)):
        points, queries = TYPES[kind](mnist.points), TYPES[kind](mnist.queries)
        took, found = timed(lambda: model.fit(points, mnist.labels).predict(queries))
        seconds.append(took)
        predicted.append(found)
    differ = np.flatnonzero(predicted[0] != predicted[1])
    if wrong := [query for query in differ if not is_tie(mnist.points, mnist.queries[query])]:
        raise SystemExit(f"predictions of queries {wrong} differ without a tie: one of them is wrong")
    return {"seconds": seconds, "predictions_that_differ": len(differ)}


def is_tie(points: np.ndarray, query: np.ndarray) -> bool:
    """Return whether the nearest neighbours are ambiguous: the next one is as far as the last of them."""
    differences = points - query.astype(np.int32)
    last, after = np.partition(np.einsum("ij,ij->i", differences, differences), [K - 1, K])[K - 1 : K + 1]
    return last == after


def kmeans(mnist: Mnist, threads: int, ours_as: str, theirs_as: str) -> dict:
    """Fit from given rows. Inertia is computed here for both, in f64, from the centroids that each ends with."""
    init, seconds, labels, inertias = mnist.init(), [], [], []
    for number, kind in enumerate((ours_as, theirs_as)):
        points = TYPES[kind](mnist.points)
        model = clusterings(threads, init=TYPES[kind](init))[number]
        took, found = timed(lambda: model.fit(points))
        seconds.append(took)
        labels.append(found.labels_)
        inertias.append(inertia(points, found.cluster_centers_))
    return {
        "seconds": seconds,
        "inertia_difference": inertias[0] / inertias[1] - 1,
        "labels_equal": float(np.mean(labels[0] == labels[1])),
    }


def kmeans_seeded(mnist: Mnist, threads: int) -> dict:
    """Fit bytes from k-means++, whose random numbers differ."""
    took, found = zip(
        *(timed(lambda: model.fit(mnist.points)) for model in clusterings(threads, random_state=SEED))
    )
    inertias = [inertia(mnist.points, model.cluster_centers_) for model in found]
    return {"seconds": took, "inertia_difference": inertias[0] / inertias[1] - 1}


def inertia(points: np.ndarray, centroids: np.ndarray) -> float:
    """Squared distances to the nearest centroids, summed."""
    return nearest(points, np.arange(len(points)), centroids.astype(np.float64))


def prototypes(mnist: Mnist, threads: int) -> dict:
    """Nine prototypes of each digit, the best of ten starts; scikit-learn has f32, its fastest."""
    ours = handful.PrototypeClassifier(9, n_init=10, random_state=SEED, n_jobs=threads)
    points = TYPES["f32"](mnist.points)
    works = (
        lambda: ours.fit(mnist.points, mnist.labels),
        lambda: experiment_peer.centers(points, mnist.labels, SEED),
    )
    return {"seconds": [timed(work)[0] for work in works]}


def singles(mnist: Mnist, models: list, n_queries: int) -> dict:
    """Seconds of one prediction; scikit-learn's queries are f32."""
    medians = []
    # Not alternating: each pass of scikit-learn over all rows would evict handful's data from the caches.
    for model, kind in zip(models, ("bytes", "f32")):
        queries = TYPES[kind](mnist.queries[:n_queries])
        took = [timed(lambda: model.predict(queries[i : i + 1]))[0] for i in range(n_queries)]
        medians.append(median(took))
    return {"query_seconds": medians}


def latencies(mnist: Mnist, threads: int, n_queries: int) -> Iterator[tuple[str, dict]]:
    """Rows of one prediction at a time."""
    ours, theirs = classifiers(threads)
    both = [
        ours.fit(mnist.points, mnist.labels),
        theirs.fit(mnist.points.astype(np.float32), mnist.labels),
    ]
    yield f"KNeighborsClassifier({K})", singles(mnist, both, n_queries)
    ours = handful.PrototypeClassifier(9, random_state=SEED, n_jobs=threads).fit(mnist.points, mnist.labels)
    theirs = classifiers(threads, 1)[1].fit(ours.prototypes_.astype(np.float32), ours.prototype_labels_)
    yield "PrototypeClassifier(9)", singles(mnist, [ours, theirs], n_queries)
    model = handful.load_model("fast", n_jobs=threads)
    yield 'load_model("fast")', singles(mnist, [model], n_queries)


def rows(mnist: Mnist, threads: int, quick: bool) -> Iterator[tuple[str, dict]]:
    """Of the tables, each with figures of handful first, then of scikit-learn."""
    for title, *kinds in [
        ("k-NN, bytes", "bytes", "bytes"),
        ("k-NN, bytes; scikit-learn f32", "bytes", "f32"),
        ("k-NN, f32 / 255", "f32 / 255", "f32 / 255"),
        ("k-NN, f64 / 255", "f64 / 255", "f64 / 255"),
    ]:
        knn(mnist.few(), threads, *kinds)
        yield title, knn(mnist, threads, *kinds)
    for title, *kinds in [
        ("K-Means, bytes", "bytes", "bytes"),
        ("K-Means, bytes; scikit-learn f32", "bytes", "f32"),
        ("K-Means, f32 / 255", "f32 / 255", "f32 / 255"),
    ]:
        kmeans(mnist.few(), threads, *kinds)
        yield title, kmeans(mnist, threads, *kinds)
    yield "K-Means with k-means++, bytes", kmeans_seeded(mnist, threads)
    if not quick:
        yield "PrototypeClassifier(9, n_init=10); scikit-learn f32", prototypes(mnist, threads)
    yield from latencies(mnist, threads, SINGLES // 10 if quick else SINGLES)


def memory_works(mnist: Mnist, threads: int) -> dict[str, tuple[Callable, Callable]]:
    """What is done while memory is watched, by handful and by scikit-learn."""

    def knn(model):
        return lambda: model.fit(mnist.points, mnist.labels).predict(mnist.queries)

    def kmeans(model):
        return lambda: model.fit(mnist.points).predict(mnist.points)

    return {
        "knn": tuple(map(knn, classifiers(threads))),
        "kmeans": tuple(map(kmeans, clusterings(threads, init=mnist.init()))),
        "kmeans++": tuple(map(kmeans, clusterings(threads, random_state=SEED))),
    }


def rise(work: Callable) -> int:
    """By how many bytes resident memory rises at most."""

    def status(key: str) -> int:
        return 1024 * int(re.search(rf"{key}:\s+(\d+) kB", Path("/proc/self/status").read_text())[1])

    # Memory that was freed after reading files would hide new allocations.
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    before = status("VmRSS")
    work()
    return status("VmHWM") - before


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--memory", choices=["knn", "kmeans", "kmeans++"], help="measure only this")
    parser.add_argument("--scikit-learn", action="store_true", help="whose memory: not handful's")
    args = parser.parse_args()
    points, queries = data.images(data.MNIST, "train"), data.images(data.MNIST, "t10k")
    mnist = Mnist(points, data.labels(data.MNIST, "train"), queries[: QUICK if args.quick else None])
    with threadpool_limits(args.threads):
        if args.memory:
            work = memory_works(mnist, args.threads)[args.memory][args.scikit_learn]
            found: dict = {"rise_bytes": rise(work), "array_bytes": points.nbytes}
        else:
            found = dict(rows(mnist, args.threads, args.quick))
    print(json.dumps(found))


if __name__ == "__main__":
    main()
