"""Compare handful's K-Means on a Dask cluster with one process on the same CPUs, and with Dask-ML on the same cluster.

    pip install -r benches/peers/requirements-on_dask.txt     # and the package: make wheel
    python benches/peers/on_dask.py

MNIST's training images and copies of them, shifted by up to 2 pixels, are on two workers with one thread each,
connected by TCP on this machine. The single process has two threads. All start from the file's first images, with
`tol` 0, and make the same number of iterations. Dask-ML clusters floats, so it gets the same images as f32. The
initial images are all different: equal ones would leave a cluster empty, whose centroid handful moves to the farthest
row, but Dask-ML to zero, so the results would differ. Data is loaded and converted beforehand. Each round measures
all of them one after the other, and ratios are taken within a round. Bytes are all bytes that went through the
loopback interface during a fit, divided by the number of passes: the iterations, and one pass for the labels.
"""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import dask
import dask.array as da
import dask_ml.cluster
import handful
import handful.dask
import numpy as np
from distributed import Client, LocalCluster, wait

import data
import options
from machine import Others, facts, use_cpus
from record import Record, spread, table
from scaling import copies

WORKERS = 2
ROWS, FEW_ROWS = 2_000_000, 480_000  # Dask-ML, whose floats take four times the memory, gets the few
PARTITIONS = 4  # few, as each takes some 6 ms a pass beside its arithmetic
FEW = 10_000  # whose distances are measured at once
N_ITER = 20
MOST, FASTER = 1.3, 5  # targets: times one process, times Dask-ML
MOST_DIFFERENCE = 1e-6  # of inertia between bytes and floats
PACKAGES = ["dask", "dask-ml", "distributed", "numpy", "scikit-learn"]


def read(path: Path, start: int, end: int) -> np.ndarray:
    """Some of a file's images."""
    size, offset = (end - start) * data.PIXELS, 16 + start * data.PIXELS
    return np.fromfile(path, np.uint8, size, offset=offset).reshape(-1, data.PIXELS)


def on_workers(path: Path, n_rows: int, dtype: type) -> da.Array:
    """A file's images in partitions that the workers have loaded."""
    size = -(-n_rows // PARTITIONS)
    starts = range(0, n_rows, size)
    ends = [min(start + size, n_rows) for start in starts]
    parts = [
        da.from_delayed(dask.delayed(read)(path, start, end), (end - start, data.PIXELS), np.uint8)
        for start, end in zip(starts, ends)
    ]
    X = da.concatenate(parts).astype(dtype).persist()
    wait(X)
    return X


def loopback() -> int:
    """Bytes that have gone through the loopback interface."""
    lines = Path("/proc/net/dev").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.strip().startswith("lo:"))


def inertia(rows: np.ndarray, centers: np.ndarray) -> float:
    """Squared distances to the nearest centroids, summed; Dask-ML sums distances that are not squared."""
    found, squares = 0.0, (centers**2).sum(axis=1)
    for start in range(0, len(rows), FEW):
        block = rows[start : start + FEW].astype(float)
        found += ((block**2).sum(axis=1) + (squares - 2 * block @ centers.T).min(axis=1)).sum()
    return found


def measure(record: Record, who: str, number: int, rows: np.ndarray, fit: Callable[[], object]) -> None:
    """One fit, of these rows, wherever it has them."""
    sent, began = loopback(), perf_counter()
    found = fit()
    seconds = perf_counter() - began
    bytes_a_pass = (loopback() - sent) / (N_ITER + 1)
    reached = inertia(rows, found.cluster_centers_.astype(float))
    record.add(
        who,
        WORKERS,
        number,
        seconds=seconds,
        inertia=reached,
        n_iter=found.n_iter_,
        bytes_a_pass=bytes_a_pass,
    )
    print(f"{who}: {seconds:.1f} s", file=sys.stderr, flush=True)


def round_(record: Record, number: int, path: Path, n_rows: int, few: int, n_clusters: int) -> None:
    """Measures all once; Dask-ML on few of the rows, and handful there too."""
    base = read(path, 0, n_rows)
    init = base[:n_clusters].astype(float)
    lloyd = {"n_clusters": n_clusters, "init": init, "max_iter": N_ITER, "tol": 0}

    def compare(who: str, kind: type, rows: np.ndarray, given: object, **params: object) -> None:
        measure(record, f"k = {n_clusters}, {who}", number, rows, lambda: kind(**lloyd | params).fit(given))

    compare("one process", handful.KMeans, base, base, n_jobs=WORKERS)
    compare("cluster", handful.dask.KMeans, base, on_workers(path, n_rows, np.uint8))
    compare("cluster, fewer rows", handful.dask.KMeans, base[:few], on_workers(path, few, np.uint8))
    floats = {"init": init.astype(np.float32)}
    compare(
        "Dask-ML, fewer rows", dask_ml.cluster.KMeans, base[:few], on_workers(path, few, np.float32), **floats
    )


def ratios(record: Record, a: str, b: str, metric: str = "seconds") -> list[float]:
    """By round."""
    values = (record.values(who, WORKERS, metric) for who in (a, b))
    return [a / b for a, b in zip(*values)]


def report(record: Record, n_clusters: int) -> list[str]:
    """Prints a table, and returns what misses its target."""
    name = f"k = {n_clusters}"
    whos = [
        f"{name}, {who}" for who in ("one process", "cluster", "cluster, fewer rows", "Dask-ML, fewer rows")
    ]
    rows = [
        [
            who,
            spread(record.values(who, WORKERS, "seconds")),
            f"{record.median(who, WORKERS, 'n_iter'):.0f}",
            f"{record.median(who, WORKERS, 'inertia'):.6g}",
            f"{record.median(who, WORKERS, 'bytes_a_pass') / 1e6:,.2f}",
        ]
        for who in whos
    ]
    print("\n" + table(["", "fit, s", "iterations", "inertia", "MB a pass"], rows))
    one, cluster, few, theirs = whos
    slower, faster = ratios(record, cluster, one), ratios(record, theirs, few)
    print(
        f"\nThe cluster takes {spread(slower)} times one process, and Dask-ML {spread(faster)} times the cluster."
    )
    missed = []
    if sorted(slower)[len(slower) // 2] > MOST:
        missed.append(f"{name}: more than {MOST} times one process")
    if sorted(faster)[len(faster) // 2] < FASTER:
        missed.append(f"{name}: less than {FASTER} times as fast as Dask-ML")
    if any(ratio != 1 for ratio in ratios(record, cluster, one, "inertia")):
        missed.append(f"{name}: another inertia than one process")
    if any(abs(ratio - 1) > MOST_DIFFERENCE for ratio in ratios(record, theirs, few, "inertia")):
        missed.append(f"{name}: another inertia than Dask-ML")
    return missed


def main() -> None:
    parser = options.parser(__doc__, quick="one round of 60,000 images: does it run?", binary=False)
    parser.add_argument(
        "--clusters", type=int, nargs="+", default=[10, 100], metavar="K", help="default: 10 100"
    )
    parser.add_argument(
        "--images", type=Path, metavar="FILE", help="an IDX file of 28 x 28 images to cluster instead"
    )
    args = parser.parse_args()

    use_cpus(WORKERS)
    n_rows, few = (60_000, 30_000) if args.quick else (ROWS, FEW_ROWS)
    record, others = Record(), Others()
    cluster = {"n_workers": WORKERS, "threads_per_worker": 1, "dashboard_address": "127.0.0.1:0"}
    with tempfile.TemporaryDirectory() as folder:
        base = data.images(data.MNIST, "train")
        times = -(-n_rows // len(base))
        path = args.images or data.write(Path(folder) / "points", times * len(base), copies(base, times))
        with LocalCluster(processes=True, protocol="tcp", **cluster) as local, Client(local):
            for number in range(1, 2 if args.quick else args.rounds + 1):
                for n_clusters in args.clusters:
                    round_(record, number, path, n_rows, few, n_clusters)
    print(f"\n{n_rows:,} images, fewer: {few:,}; {N_ITER} iterations, {WORKERS} threads in all")
    missed = [miss for n_clusters in args.clusters for miss in report(record, n_clusters)]
    print("\nMissed: " + ("; ".join(missed) or "nothing"))
    about = facts(PACKAGES) | {
        "handful": handful.__version__,
        "cpus busy with others": f"{others.cpus():.2f}",
    }
    record.close("on_dask", about, args.quick)


if __name__ == "__main__":
    main()
