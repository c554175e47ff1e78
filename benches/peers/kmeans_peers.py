"""K-Means of the peers. Run as a program, this measures one peer in its own process and prints JSON.

Every peer gets its images as f32, separately for each class if needed. The conversion is not timed.
"""

import argparse
import json
from pathlib import Path
from time import perf_counter

import numpy as np

import data

WARM_UP = 2_000  # images, for 2 iterations from the first 10


class Faiss:
    """K-Means in f32, with IndexFlatL2 for the assignment, on all images instead of a sample."""

    def __init__(self, n_clusters: int, n_iter: int, n_threads: int) -> None:
        import faiss

        faiss.omp_set_num_threads(n_threads)
        every = {"max_points_per_centroid": 10**9, "min_points_per_centroid": 1}
        self.model = faiss.Kmeans(data.PIXELS, n_clusters, niter=n_iter, **every)

    def fit(self, rows: np.ndarray, init: np.ndarray) -> None:
        self.model.train(rows, init_centroids=init)

    def found(self) -> tuple[np.ndarray, int]:
        return self.model.centroids, len(self.model.obj)


class ScikitLearn:
    """Lloyd's algorithm in f32, with OpenMP's number of threads."""

    algorithm = "lloyd"

    def __init__(self, n_clusters: int, n_iter: int, n_threads: int) -> None:
        self.estimator, self.n_clusters = self.load(), n_clusters
        self.options = {"n_init": 1, "max_iter": n_iter, "tol": 0.0, "algorithm": self.algorithm}

    def load(self) -> type:
        from sklearn.cluster import KMeans

        return KMeans

    def fit(self, rows: np.ndarray, init: np.ndarray) -> None:
        self.model = self.estimator(self.n_clusters, init=init, **self.options).fit(rows)

    def found(self) -> tuple[np.ndarray, int]:
        return self.model.cluster_centers_, self.model.n_iter_


class ScikitLearnElkan(ScikitLearn):
    """The same clusters, with bounds that save distances."""

    algorithm = "elkan"


class ScikitLearnIntelex(ScikitLearn):
    """Lloyd's algorithm by Intel's oneDAL, whose threads keep to the CPUs of the process."""

    def load(self) -> type:
        from sklearnex.cluster import KMeans

        return KMeans


# Class and environment of each; the key is its name in tables and for `--only`.
PEERS: dict[str, tuple[type, dict[str, str]]] = {
    "faiss": (Faiss, {}),
    "faiss-skylakex": (Faiss, {"OPENBLAS_CORETYPE": "SkylakeX"}),  # see peers.py
    "scikit-learn": (ScikitLearn, {}),
    "scikit-learn-elkan": (ScikitLearnElkan, {}),
    "scikit-learn-intelex": (ScikitLearnIntelex, {}),
}


def measure(
    name: str, folder: Path, init: Path, per_class: bool, n_iter: int, n_threads: int, output: Path
) -> dict:
    """Seconds to cluster all images, or one class after another, from `init`; saves the centroids."""
    peer = PEERS[name][0]
    points, starts = data.images(folder, "train"), np.load(init)
    parts = [points.astype(np.float32)]
    if per_class:
        labels = data.labels(folder, "train")
        parts = [parts[0][labels == digit] for digit in np.unique(labels)]
    starts = np.split(starts, len(parts))

    few = parts[0][:WARM_UP]
    peer(10, 2, n_threads).fit(few, few[:10])

    centroids, seconds, done = [], 0.0, 0
    for rows, start in zip(parts, starts):
        began = perf_counter()
        model = peer(len(start), n_iter, n_threads)
        model.fit(rows, start)
        seconds += perf_counter() - began
        ended, iterations = model.found()
        centroids.append(ended)
        done += iterations
    np.save(output, np.concatenate(centroids))
    return {"seconds": seconds, "n_iter": done}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=PEERS)
    parser.add_argument("--data", type=Path, default=data.MNIST)
    parser.add_argument("--init", type=Path, required=True)
    parser.add_argument("--per-class", action="store_true")
    parser.add_argument("--max-iter", type=int, default=20)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--output", type=Path, required=True)
    args = parser.parse_args()
    what = args.name, args.data, args.init, args.per_class, args.max_iter, args.threads, args.output
    print(json.dumps(measure(*what)))
