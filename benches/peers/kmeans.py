"""Compare the K-Means of handful and its peers on 60,000 training images of MNIST and on other data.

    python benches/peers/kmeans.py                             # a part of `make bench`
    python benches/peers/kmeans.py --only faiss,scikit-learn   # requirements.txt installed

All contenders start from the same rows and do the same number of iterations, in one run without a tolerance. Each
round measures every contender once, in its own process, pinned to as many CPUs as it has threads. Ratios are taken
within a round; the tables show their median. Peers are warmed up and get the images in memory as f32; handful starts
cold and from bytes. Seconds are for the whole clustering without reading files. Loop seconds, which only handful
reports, exclude everything before the first iteration and after the last. This script computes the inertia of all
contenders in f64 from their final centroids. It can differ: f32 may decide near-ties differently, and every contender
fills empty clusters in its own way.
"""

import hashlib
import json
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

import cli
import data
import kmeans_peers
import options
import peers
from machine import Others, cpu_info, facts, use_cpus
from record import Record, spread, table

SEED = 0
PATIENCE = 30.0  # seconds: slower contenders are not measured again
BLOCK = 1_000  # images whose distances are held at once

# HANDFUL_LEVEL of each.
OURS = {"handful": None, "handful-avx512vnni": "avx512vnni", "handful-avx2": "avx2", "handful-dense": None}
TITLES = {
    "handful-dense": "handful, without a sketch",
    "handful-avx512vnni": "handful, HANDFUL_LEVEL=avx512vnni",
    "handful-avx2": "handful, HANDFUL_LEVEL=avx2",
    "faiss": "FAISS Kmeans, as shipped",
    "faiss-skylakex": "FAISS Kmeans, OPENBLAS_CORETYPE=SkylakeX",
    "scikit-learn": "scikit-learn, lloyd, f32",
    "scikit-learn-elkan": "scikit-learn, elkan, f32",
    "scikit-learn-intelex": "scikit-learn-intelex, lloyd, f32",
}


@dataclass(frozen=True)
class Case:
    """Data to cluster, and the number of clusters."""

    name: str
    n_clusters: int  # of each class, if each is clustered on its own
    n_iter: int = 20
    per_class: bool = False
    few: bool = False  # only handful and FAISS
    data: str = "MNIST"


CASES = [
    Case("k=100", 100),
    Case("k=1,000", 1_000),
    Case("ten classes x 100", 100, per_class=True),
    Case("k=10,000", 10_000, n_iter=2, few=True),
    Case("Fashion-MNIST, k=100", 100, few=True, data="Fashion-MNIST"),
    Case("Fashion-MNIST, k=1,000", 1_000, few=True, data="Fashion-MNIST"),
    Case("random bytes, k=100", 100, few=True, data="random bytes"),
    Case("random bytes, k=1,000", 1_000, few=True, data="random bytes"),
]
QUICK_ITER = 2


@dataclass(frozen=True)
class Images:
    """Images to cluster, in files that all contenders read."""

    folder: Path
    points: np.ndarray
    labels: np.ndarray | None = None


def sources(folder: Path, quick: bool) -> dict[str, Images]:
    """Return images by their name in a case; random bytes, on which sketches are useless, go to the folder."""
    mnist = Images(data.MNIST, data.images(data.MNIST, "train"), data.labels(data.MNIST, "train"))
    if quick:
        return {"MNIST": mnist}
    rows = np.random.default_rng(SEED).integers(0, 256, (60_000, data.PIXELS), np.uint8)
    data.write(folder / "train-images-idx3-ubyte", len(rows), [rows])
    found = {"MNIST": mnist, "random bytes": Images(folder, rows)}
    if data.FASHION.exists():
        found["Fashion-MNIST"] = Images(data.FASHION, data.images(data.FASHION, "train"))
    else:
        print(f"Without Fashion-MNIST: {data.FASHION} is missing", file=sys.stderr)
    return found


@dataclass
class Bench:
    """State that all measurements share."""

    binary: Path
    folder: Path  # for files that are not kept
    n_iter: int | None  # instead of a case's own
    sources: dict[str, Images]
    record: Record = field(default_factory=Record)
    level: str = ""
    # Cached by centroids: most contenders find the same ones in every round.
    inertias: dict[tuple[bytes, str], float] = field(default_factory=dict)

    def groups(self, case: Case) -> list[np.ndarray]:
        """Rows of images that are clustered together."""
        images = self.sources[case.data]
        if not case.per_class:
            return [np.arange(len(images.points))]
        return [np.flatnonzero(images.labels == digit) for digit in np.unique(images.labels)]

    def write_init(self, case: Case) -> Path:
        """The rows that all start from: always the same, each only once."""
        rng = np.random.default_rng(SEED)
        chosen = [rng.choice(rows, case.n_clusters, replace=False) for rows in self.groups(case)]
        path = self.folder / "init.npy"
        np.save(path, self.sources[case.data].points[np.concatenate(chosen)].astype(np.float32))
        return path

    def inertia(self, case: Case, centroids: np.ndarray) -> float:
        """The images' squared distances to the nearest centroid (of their class), in f64, summed."""
        key = hashlib.sha256(centroids.tobytes()).digest(), case.name
        if key not in self.inertias:
            groups, points = self.groups(case), self.sources[case.data].points
            parts = np.split(centroids.astype(np.float64), len(groups))
            self.inertias[key] = sum(nearest(points, *pair) for pair in zip(groups, parts))
        return self.inertias[key]

    def measure_handful(self, name: str, case: Case, init: Path, threads: int) -> tuple[dict, np.ndarray]:
        """Figures, and the centroids that it ends with."""
        output = self.folder / "clusters.npz"
        arguments = ["--output", str(output)] + (["--per-class"] if case.per_class else [])
        arguments += ["--algorithm", "dense"] if name == "handful-dense" else []
        common = self.binary, self.sources[case.data].folder, init, threads, case.n_clusters
        common += (self.n_iter or case.n_iter,)
        found = cli.cluster(*common, *arguments, level=OURS[name])
        self.level = self.level or found["machine"]["level"]  # of `handful`, which is the first
        figures = {key: found[key] for key in ("seconds", "n_iter", "peak_bytes", "loop_seconds")}
        centroids = np.load(output)["centroids"]
        if abs(found["inertia"] / self.inertia(case, centroids) - 1) > 1e-9:
            raise SystemExit(f"{name} reports an inertia that its centroids do not have")
        return figures, centroids

    def measure_peer(self, name: str, case: Case, init: Path, threads: int) -> tuple[dict, np.ndarray]:
        """The same for a peer."""
        output = self.folder / "centroids.npy"
        command = [sys.executable, kmeans_peers.__file__, name, "--init", init]
        command += ["--data", self.sources[case.data].folder]
        command += ["--max-iter", self.n_iter or case.n_iter, "--threads", threads, "--output", output]
        command += ["--per-class"] if case.per_class else []
        environment = peers.environment(name, threads, kmeans_peers.PEERS)
        return json.loads(cli.run([str(part) for part in command], environment)), np.load(output)

    def round(self, number: int, names: list[str], case: Case, init: Path, threads: int) -> None:
        """Measure every contender once, except those that were too slow before."""
        others, reference = Others(), 0.0
        for name in names:
            who = f"{case.name}, {name}"
            if max(self.record.values(who, threads, "seconds"), default=0.0) > PATIENCE:
                continue
            print(f"{threads} thread(s), {case.name}, round {number}: {name} ...", file=sys.stderr, flush=True)
            measure = self.measure_handful if name in OURS else self.measure_peer
            figures, centroids = measure(name, case, init, threads)
            figures["inertia"] = self.inertia(case, centroids)
            reference = reference or figures["inertia"]  # handful comes first
            figures["inertia_ratio"] = figures["inertia"] / reference
            self.record.add(who, threads, number, **figures)
        self.record.add(f"{case.name}, machine", threads, number, cpus_busy_with_others=others.cpus())

    def table(self, names: list[str], case: Case, threads: int) -> str:
        """Medians; ratios are to handful."""

        def values(name: str, metric: str) -> list[float]:
            return self.record.values(f"{case.name}, {name}", threads, metric)

        def ratio(name: str, metric: str) -> str:
            # Slow contenders were measured in the first rounds only; zip pairs these.
            both = list(zip(values(name, "seconds"), values("handful", metric)))
            return spread([theirs / own for theirs, own in both]) if both else "–"

        rows = []
        for name in names:
            seconds, loop = values(name, "seconds"), values(name, "loop_seconds")
            row = [TITLES.get(name, name), str(len(seconds)), spread(seconds)]
            row += ["1" if name == "handful" else ratio(name, "seconds"), spread(loop) if loop else "–"]
            row += [ratio(name, "loop_seconds"), f"{np.median(values(name, 'inertia_ratio')):.6f}"]
            rows.append([*row, f"{np.median(values(name, 'n_iter')):.0f}"])
        head = ["", "rounds", "seconds", "times", "loop, s", "seconds, times handful's loop"]
        return table([*head, "inertia, times", "iterations"], rows)

    def head(self, names: list[str], case: Case, threads: int, n_rounds: int) -> str:
        """Return the text above the table."""
        busy = self.record.values(f"{case.name}, machine", threads, "cpus_busy_with_others")
        lines = [f"- Other processes kept {spread(busy)} CPUs busy meanwhile"]
        counts = {
            name: len(self.record.values(f"{case.name}, {name}", threads, "seconds")) for name in names
        }
        if slow := [TITLES.get(name, name) for name, count in counts.items() if count < n_rounds]:
            lines.append(f"- Not in every round, for taking more than {PATIENCE:.0f} s: {'; '.join(slow)}")
        return "\n".join(lines)


def nearest(points: np.ndarray, rows: np.ndarray, centroids: np.ndarray) -> float:
    """Squared distances of those `rows` of points to the nearest of the centroids, summed."""
    norms = np.einsum("ij,ij->i", centroids, centroids)
    total = 0.0
    for start in range(0, len(rows), BLOCK):
        block = points[rows[start : start + BLOCK]].astype(np.float64)
        difference = block - centroids[np.argmin(norms - 2 * block @ centroids.T, axis=1)]
        total += float(np.einsum("ij,ij->", difference, difference))
    return total


def contenders(only: str) -> list[str]:
    """Return the contenders to measure. handful always comes first, as the others are compared with it."""
    known = [*OURS, *kmeans_peers.PEERS]
    if "avx512f" not in cpu_info("flags").split():
        known.remove("faiss-skylakex")
    if "amx_int8" not in cpu_info("flags").split():
        known.remove("handful-avx512vnni")  # the fastest level here is no better than this one
    wanted = only.split(",") if only else known
    if unknown := set(wanted) - set(known):
        raise SystemExit(f"--only {','.join(sorted(unknown))}: there are {', '.join(known)}")
    return [name for name in known if name in wanted or name == "handful"]


def main() -> None:
    quick = f"one round of {QUICK_ITER} iterations of MNIST, k <= 1,000: does it run?"
    parser = options.parser(__doc__, quick=quick)
    every = ", ".join([*OURS, *kmeans_peers.PEERS])
    parser.add_argument("--only", default="", metavar="NAME,...", help=f"of {every}")
    args = parser.parse_args()

    names = contenders(args.only)
    commit = "unknown" if args.handful else cli.commit()
    binary = (args.handful or cli.build()).resolve()
    rounds = range(1, 2 if args.quick else args.rounds + 1)
    with tempfile.TemporaryDirectory() as folder:
        n_iter, images = QUICK_ITER if args.quick else None, sources(Path(folder), args.quick)
        bench = Bench(binary, Path(folder), n_iter, images)
        for threads in args.threads:
            use_cpus(threads)
            for case in CASES:
                if case.data not in bench.sources or (case.few and args.quick):
                    continue
                here = [name for name in names if not case.few or name in OURS or name.startswith("faiss")]
                init = bench.write_init(case)
                for number in rounds:
                    bench.round(number, here, case, init, threads)
                print(
                    f"\n{threads} thread(s), {case.name}, at most {bench.n_iter or case.n_iter} iterations"
                    f"{' a class' if case.per_class else ''}, 60,000 points, "
                    f"{data.PIXELS} dimensions, median of {len(rounds)} round(s):\n"
                )
                print(bench.head(here, case, threads, len(rounds)), end="\n\n")
                print(bench.table(here, case, threads), flush=True)

    about = facts() | {"handful": commit, "level": bench.level}
    bench.record.close("kmeans", about, bool(args.quick or args.only))


if __name__ == "__main__":
    main()
