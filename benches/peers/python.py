"""Compare the Python estimators of handful and scikit-learn: the same calls on the same arrays of MNIST.

    python benches/peers/python.py     # a part of `make bench`; requirements.txt and the package installed

Each round measures both in one process, pinned to as many CPUs as they have threads; for each row of the tables, one
after the other. Ratios are taken within a round; the tables show their median. Seconds are for `fit` and `predict` as
users call them, including checks and conversions. Memory is the rise of the resident memory after the data is loaded,
measured in a separate process.
"""

import json
import sys
from statistics import median

import cli
import estimators
import options
import peers
from machine import Others, facts, use_cpus
from record import Record, spread, table

BOTH = ["handful", "scikit-learn"]
# How many times faster at least.
TARGETS = {
    "k-NN, bytes": 25,
    "k-NN, bytes; scikit-learn f32": 25,
    "k-NN, f32 / 255": 10,
    "k-NN, f64 / 255": 10,
    "K-Means, bytes": 5,
    "K-Means, bytes; scikit-learn f32": 5,
    "K-Means, f32 / 255": 3,
}
MOST_DIFFERENCE = 1e-6  # of inertia, from the same rows
MEMORY = {
    "knn": "KNeighborsClassifier, fit and predict",
    "kmeans": "KMeans from given rows, fit and predict",
    "kmeans++": "KMeans from k-means++, fit and predict",
}
MOST_MEMORY = 0.5  # of the array's size
# These variables, set for another OpenBLAS, would slow down NumPy's, which detects the CPU itself.
CHOICES = ["OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"]


def measure(threads: int, *arguments: str) -> dict:
    """What estimators.py prints."""
    environment = peers.environment("scikit-learn", threads)
    environment = {name: value for name, value in environment.items() if name not in CHOICES}
    command = [sys.executable, estimators.__file__, "--threads", str(threads), *arguments]
    return json.loads(cli.run(command, environment))


def round_(record: Record, number: int, threads: int, quick: list[str]) -> None:
    """Measures everything once."""
    others = Others()
    print(f"{threads} thread(s), round {number} ...", file=sys.stderr, flush=True)
    for row, figures in measure(threads, *quick).items():
        for metric in ("seconds", "query_seconds"):
            for who, value in zip(BOTH, figures.pop(metric, [])):
                record.add(f"{row}, {who}", threads, number, **{metric: value})
        record.add(row, threads, number, **figures)
    for case in MEMORY:
        for who, whose in zip(BOTH, ([], ["--scikit-learn"])):
            found = measure(threads, "--memory", case, *whose, *quick)
            times = found["rise_bytes"] / found["array_bytes"]
            record.add(f"{case}, {who}", threads, number, memory_times=times)
    record.add("machine", threads, number, cpus_busy_with_others=others.cpus())


class Report:
    """Tables of one number of threads, and what misses its target."""

    def __init__(self, record: Record, threads: int) -> None:
        self.record, self.threads = record, threads
        self.missed: list[str] = []

    def rows(self, metric: str) -> list[str]:
        """Return the entries for which handful has this figure."""
        ours = [row for row in self.record.rows if row[1] == self.threads and row[3] == metric]
        names = [row[0].removesuffix(", handful") for row in ours if row[0].endswith(", handful")]
        return list(dict.fromkeys(names))

    def both(self, row: str, metric: str, scale: float = 1.0) -> list[str]:
        """Cells of handful, of scikit-learn if it has this figure, and of their ratio."""
        values = [self.record.values(f"{row}, {who}", self.threads, metric) for who in BOTH]
        ours, theirs = ([scale * value for value in one] for one in values)
        if not theirs:
            return [spread(ours), "–", "–"]
        return [spread(ours), spread(theirs), spread([their / our for our, their in zip(ours, theirs)])]

    def ratio(self, row: str) -> float:
        """Return how many times faster handful is."""
        ours, theirs = (self.record.values(f"{row}, {who}", self.threads, "seconds") for who in BOTH)
        return median(their / our for our, their in zip(ours, theirs))

    def judged(self, row: str, target: str, met: bool) -> str:
        """The target's cell."""
        if not met:
            self.missed.append(row)
        return target if met else f"{target}: missed"

    def differences(self, row: str) -> str:
        """What differs between the two."""
        found = []
        if differ := self.record.values(row, self.threads, "predictions_that_differ"):
            found.append(f"{max(differ):.0f} predictions, all of them ties" if max(differ) else "none")
        if inertia := self.record.values(row, self.threads, "inertia_difference"):
            found.append(f"inertia {max(inertia, key=abs):+.0e}")
        if equal := self.record.values(row, self.threads, "labels_equal"):
            found.append(f"{100 * min(equal):.4g} % of labels equal")
            # From the same rows it has to be the same.
            if max(map(abs, inertia)) > MOST_DIFFERENCE:
                self.missed.append(f"{row}: inertia")
        return ", ".join(found) or "–"

    def speed(self) -> str:
        """Of `fit` and `predict`."""
        rows = []
        for row in self.rows("seconds"):
            least = TARGETS.get(row)
            target = self.judged(row, f"≥ {least}", self.ratio(row) >= least) if least else "–"
            rows.append([row, *self.both(row, "seconds"), target, self.differences(row)])
        return table(["fit and predict, s", *BOTH, "times", "target", "differences"], rows)

    def latency(self) -> str:
        """Of one row at a time."""
        rows = [[row, *self.both(row, "query_seconds", 1e6)] for row in self.rows("query_seconds")]
        return table(["predict one row, µs", *BOTH, "times"], rows)

    def memory(self) -> str:
        """Of bytes, in sizes of the array."""
        rows = []
        for case, title in MEMORY.items():
            ours = self.record.values(f"{case}, handful", self.threads, "memory_times")
            target = self.judged(title, f"≤ {MOST_MEMORY}", max(ours) <= MOST_MEMORY)
            rows.append([title, *self.both(case, "memory_times"), target])
        return table(["memory, times the array of bytes", *BOTH, "times", "target"], rows)

    def text(self) -> str:
        """All of it."""
        busy = self.record.values("machine", self.threads, "cpus_busy_with_others")
        parts = [f"- Other processes kept {spread(busy)} CPUs busy meanwhile"]
        parts += [self.speed(), self.latency(), self.memory()]
        return "\n\n".join([*parts, f"Missed: {'; '.join(self.missed) or 'none'}"])


def main() -> None:
    quick = f"one round of {estimators.QUICK:,} queries, no prototypes: does it run?"
    args = options.parser(__doc__, quick, binary=False).parse_args()
    rounds = range(1, 2 if args.quick else args.rounds + 1)
    record = Record()
    for threads in args.threads:
        use_cpus(threads)
        for number in rounds:
            round_(record, number, threads, ["--quick"] if args.quick else [])
        print(f"\n{threads} thread(s), median of {len(rounds)} round(s):\n")
        print(Report(record, threads).text(), flush=True)
    about = facts(["handful", "numpy", "scikit-learn", "scipy"]) | {"commit": cli.commit()}
    record.close("python", about, args.quick)


if __name__ == "__main__":
    main()
