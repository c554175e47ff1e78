"""The peers. Run as a program, this measures one peer in its own process and prints JSON.

Every peer gets points and queries in its fastest type. The conversion is not timed.
"""

import argparse
import json
import os
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np

import data

WARM_UP = 300  # queries
FIRST = 2_000  # queries, whose time decides whether all are searched
PATIENCE = 15.0  # seconds
SINGLES = 100  # queries, one at a time


class Faiss:
    """IndexFlatL2: f32, matrix products by the OpenBLAS that comes with it."""

    def __init__(self, n_dims: int, n_neighbors: int, n_threads: int) -> None:
        import faiss

        faiss.omp_set_num_threads(n_threads)
        self.index = faiss.IndexFlatL2(n_dims)
        self.n_neighbors = n_neighbors

    def convert(self, rows: np.ndarray) -> np.ndarray:
        return rows.astype(np.float32)

    def fit(self, points: np.ndarray) -> None:
        self.index.add(points)

    def search(self, queries: np.ndarray) -> np.ndarray:
        return self.index.search(queries, self.n_neighbors)[1]


class ScikitLearn:
    """Brute force in f32; its trees are slower in 784 dimensions."""

    def __init__(self, n_dims: int, n_neighbors: int, n_threads: int) -> None:
        self.model = self.estimator()(n_neighbors=n_neighbors, algorithm="brute", n_jobs=n_threads)

    def estimator(self) -> type:
        from sklearn.neighbors import NearestNeighbors

        return NearestNeighbors

    def convert(self, rows: np.ndarray) -> np.ndarray:
        return rows.astype(np.float32)

    def fit(self, points: np.ndarray) -> None:
        self.model.fit(points)

    def search(self, queries: np.ndarray) -> np.ndarray:
        return self.model.kneighbors(queries, return_distance=True)[1]


class ScikitLearnIntelex(ScikitLearn):
    """The same by Intel's oneDAL."""

    def estimator(self) -> type:
        from sklearnex.neighbors import NearestNeighbors

        return NearestNeighbors


class Usearch:
    """Exact search without an index. Of x - 128: it takes unsigned bytes for rows of bits."""

    def __init__(self, n_dims: int, n_neighbors: int, n_threads: int) -> None:
        self.n_neighbors, self.n_threads = n_neighbors, n_threads

    def convert(self, rows: np.ndarray) -> np.ndarray:
        return (rows ^ 0x80).view(np.int8)

    def fit(self, points: np.ndarray) -> None:
        self.points = points

    def search(self, queries: np.ndarray) -> np.ndarray:
        from usearch.index import MetricKind, search

        found = search(
            self.points, queries, self.n_neighbors, MetricKind.L2sq, exact=True, threads=self.n_threads
        )
        return found.keys.reshape(len(queries), self.n_neighbors).astype(np.int64)


# Class and environment of each; the key is its name in tables and for `--only`.
PEERS: dict[str, tuple[type, dict[str, str]]] = {
    "faiss": (Faiss, {}),
    # Its OpenBLAS does not know every newer CPU, and takes some for one without AVX.
    "faiss-skylakex": (Faiss, {"OPENBLAS_CORETYPE": "SkylakeX"}),
    "scikit-learn": (ScikitLearn, {}),
    "scikit-learn-intelex": (ScikitLearnIntelex, {}),
    "usearch-i8": (Usearch, {}),
}


def environment(name: str, n_threads: int, known: dict[str, tuple] = PEERS) -> dict[str, str]:
    """Return the environment that the peer's process needs before its libraries are loaded."""
    pools = ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"]
    return os.environ | dict.fromkeys(pools, str(n_threads)) | known[name][1]


def seconds(work, *args) -> float:
    """How long one call takes."""
    start = perf_counter()
    work(*args)
    return perf_counter() - start


def measure(name: str, folder: Path, n_neighbors: int, n_threads: int, n_queries: int, output: Path) -> dict:
    """Fit, one search of `n_queries` (0: all, or only `FIRST` if all would take too long), single queries."""
    points, queries = data.images(folder, "train"), data.images(folder, "t10k")
    peer = PEERS[name][0](points.shape[1], n_neighbors, n_threads)
    rows, asked = peer.convert(points), peer.convert(queries)

    fit = seconds(peer.fit, rows)
    peer.search(asked[:WARM_UP])
    if n_queries == 0:
        first = seconds(peer.search, asked[:FIRST])
        n_queries = len(asked) if first * len(asked) / FIRST <= PATIENCE else FIRST

    start = perf_counter()
    found = peer.search(asked[:n_queries])
    search = perf_counter() - start
    np.save(output, found)

    query = median(seconds(peer.search, asked[i : i + 1]) for i in range(min(SINGLES, n_queries)))
    return {"queries": n_queries, "fit_seconds": fit, "search_seconds": search, "query_seconds": query}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=PEERS)
    parser.add_argument("--data", type=Path, default=data.MNIST)
    parser.add_argument("--n-neighbors", type=int, default=3)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--queries", type=int, default=0)
    parser.add_argument("--output", type=Path, required=True)
    args = parser.parse_args()
    print(
        json.dumps(measure(args.name, args.data, args.n_neighbors, args.threads, args.queries, args.output))
    )
