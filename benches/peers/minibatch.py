"""Compare exact passes of handful's KMeans with scikit-learn's MiniBatchKMeans: CPU time and inertia on MNIST.

    python benches/peers/minibatch.py     # requirements.txt and the package installed; some minutes

One thread clusters the 60,000 training images into 100 and 1,000 clusters. handful gets bytes, scikit-learn `float32`,
which is faster there than bytes. handful runs once until it has converged, and once for a few iterations only, as long as
a mini-batch run takes or less. Inertia is that of all images, for all from their final centroids.
"""

import os

THREADS = 1
os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = str(THREADS)

import time
from statistics import median

import handful
import numpy as np
import sklearn.cluster

CLUSTERS = (100, 1000)
FEW = 5  # iterations
SEEDS = range(3)


def kmeans(k: int, seed: int, **params) -> handful.KMeans:
    return handful.KMeans(k, random_state=seed, n_jobs=THREADS, **params)


RUNS = {
    "handful, KMeans": (np.uint8, kmeans),
    f"handful, KMeans(max_iter={FEW})": (np.uint8, lambda k, seed: kmeans(k, seed, max_iter=FEW)),
    "scikit-learn, MiniBatchKMeans": (
        np.float32,
        lambda k, seed: sklearn.cluster.MiniBatchKMeans(k, random_state=seed),
    ),
    "scikit-learn, MiniBatchKMeans(batch_size=10000)": (
        np.float32,
        lambda k, seed: sklearn.cluster.MiniBatchKMeans(k, random_state=seed, batch_size=10_000),
    ),
}


def main() -> None:
    images = handful.datasets.load_mnist().X_train
    print("| clusters | | CPU time, s | inertia, millions |\n| ---: | --- | ---: | ---: |")
    for k in CLUSTERS:
        for name, (dtype, estimator) in RUNS.items():
            X = images.astype(dtype, copy=False)
            seconds, inertia = [], []
            for seed in SEEDS:
                start = time.process_time()
                centers = estimator(k, seed).fit(X).cluster_centers_
                seconds.append(time.process_time() - start)
                places = centers.astype(np.float64)
                inertia.append(-handful.KMeans(k, init=places, max_iter=1).fit(places).score(images))
            print(f"| {k} | {name} | {median(seconds):.2f} | {median(inertia) / 1e6:,.0f} |", flush=True)


if __name__ == "__main__":
    main()
