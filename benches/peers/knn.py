"""Compare handful and its peers: the exact 3 nearest of MNIST's 60,000 training images for 10,000 test images.

    make bench                                             # everything, from scratch
    python benches/peers/knn.py --only faiss,scikit-learn  # requirements.txt installed

Each round measures every contender once, in its own process, pinned to as many CPUs as it has threads. Ratios are
taken within a round, so that a slow minute of the machine affects both sides; the tables show their median. Peers are
warmed up and get the data in memory, in their fastest type; handful starts cold and from bytes. Every neighbour that a
peer finds is compared with handful's.
"""

import json
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean, median

import numpy as np

import cli
import data
import options
import peers
from machine import Others, Peak, Rate, cpu_info, facts, use_cpus
from record import Record, spread, table

K = 3
SINGLES = 1_000  # queries that handful answers one at a time

# Options of `handful neighbors` and HANDFUL_LEVEL of each.
OURS: dict[str, tuple[list[str], str | None]] = {
    "handful": ([], None),
    "handful-brute": (["--algorithm", "brute"], None),
    "handful-avx512vnni": ([], "avx512vnni"),
    "handful-brute-avx512vnni": (["--algorithm", "brute"], "avx512vnni"),
    "handful-avx2": ([], "avx2"),
}
TITLES = {
    "handful-brute": "handful, brute force",
    "handful-avx512vnni": "handful, HANDFUL_LEVEL=avx512vnni",
    "handful-brute-avx512vnni": "handful, brute force, HANDFUL_LEVEL=avx512vnni",
    "handful-avx2": "handful, HANDFUL_LEVEL=avx2",
    "faiss": "FAISS IndexFlatL2, as shipped",
    "faiss-skylakex": "FAISS IndexFlatL2, OPENBLAS_CORETYPE=SkylakeX",
    "scikit-learn": "scikit-learn, brute, f32",
    "scikit-learn-intelex": "scikit-learn-intelex, brute, f32",
    "usearch-i8": "usearch, exact, i8",
}


@dataclass
class Bench:
    """State that all measurements share."""

    binary: Path
    folder: Path  # for files that are not kept
    limit: int  # queries for everyone; 0: all 10,000
    points: np.ndarray
    queries: np.ndarray
    record: Record = field(default_factory=Record)
    level: str = ""
    # Once chosen, a peer's number of queries is the same in every round.
    settled: dict[tuple[str, int], int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        asked = self.queries[: self.limit or None]
        self.all = data.write(self.folder / "all", len(asked), [asked])
        self.some = data.write(self.folder / "some", len(asked[:SINGLES]), [asked[:SINGLES]])

    def measure_handful(self, name: str, threads: int) -> tuple[dict, np.ndarray]:
        """Return figures and the neighbours found; check their distances."""
        arguments, level = OURS[name]
        output = self.folder / "neighbors.npz"
        common = self.binary, data.MNIST
        batch = cli.neighbors(*common, self.all, threads, K, *arguments, "-o", str(output), level=level)
        single = cli.neighbors(*common, self.some, threads, K, *arguments, "--one-by-one", level=level)
        self.level = self.level or batch["machine"]["level"]  # of `handful`, which is the first
        found = np.load(output)
        if (found["distances"] != self.distances(found["indices"])).any():
            raise SystemExit(f"{name} reports distances that its neighbours do not have")
        figures = {
            "queries": batch["n_queries"],
            "fit_seconds": batch["fit_seconds"],
            "search_seconds": batch["search_seconds"],
            "query_seconds": single["latency_seconds"]["median"],
            "peak_bytes": batch["peak_bytes"],
        }
        return figures, found["indices"]

    def measure_peer(self, name: str, threads: int) -> tuple[dict, np.ndarray]:
        """The same for a peer."""
        output = self.folder / "found.npy"
        n_queries = self.limit or self.settled.get((name, threads), 0)
        command = [sys.executable, peers.__file__, name, "--threads", threads, "--queries", n_queries]
        command += ["--data", data.MNIST, "--n-neighbors", K, "--output", output]
        figures = json.loads(cli.run([str(part) for part in command], peers.environment(name, threads)))
        self.settled[name, threads] = figures["queries"]
        return figures, np.load(output)

    def distances(self, indices: np.ndarray) -> np.ndarray:
        """Of neighbours of the first queries: exact, in ascending order."""
        return np.sort(data.squared_distances(self.points, self.queries[: len(indices)], indices))

    def round(self, number: int, names: list[str], threads: int, peak: Peak) -> None:
        """Measure every contender once, and the peak before and after."""
        exact = None
        others = Others()
        self.add_peak(number, threads, "start", peak.measure())
        for name in names:
            print(f"{threads} thread(s), round {number}: {name} ...", file=sys.stderr, flush=True)
            measure = self.measure_handful if name in OURS else self.measure_peer
            figures, indices = measure(name, threads)
            found = self.distances(indices)
            exact = found if exact is None else exact  # handful comes first
            if (found < exact[: len(found)]).any():
                raise SystemExit(f"{name} found nearer neighbours than handful did: one of them is wrong")
            figures["lists_that_differ"] = int((found != exact[: len(found)]).any(axis=1).sum())
            scale = len(self.queries) / figures["queries"]
            figures["search_seconds_all"] = figures["search_seconds"] * scale
            figures["fit_search_seconds_all"] = figures["fit_seconds"] + figures["search_seconds_all"]
            macs = len(self.points) * len(self.queries) * data.PIXELS
            figures["nominal_gmacs"] = 1e-9 * macs / figures["search_seconds_all"]
            self.record.add(name, threads, number, **figures)
        self.add_peak(number, threads, "end", peak.measure())
        self.record.add("machine", threads, number, cpus_busy_with_others=others.cpus())

    def add_peak(self, number: int, threads: int, when: str, rates: dict[str, Rate]) -> None:
        """Rows of the contender `peak-bytes` or `peak-f32`."""
        for kind, rate in rates.items():
            metrics = {f"gmacs_{when}": rate.median, f"best_gmacs_{when}": rate.best}
            self.record.add(f"peak-{kind}", threads, number, instruction=rate.instruction, **metrics)

    def peaks(self, kind: str, threads: int) -> list[float]:
        """By round: the mean of before and after."""
        both = [self.record.values(f"peak-{kind}", threads, f"gmacs_{when}") for when in ("start", "end")]
        return [mean(pair) for pair in zip(*both)]

    def head(self, names: list[str], threads: int) -> list[str]:
        """Return the text above the table: the peaks, and how close brute force comes to them."""
        lines = []
        for kind in ("tiles", "bytes", "f32"):
            if peaks := self.peaks(kind, threads):
                instruction = self.record.values(f"peak-{kind}", threads, "instruction")[0]
                ends = [
                    self.record.median(f"peak-{kind}", threads, f"gmacs_{when}") for when in ("start", "end")
                ]
                rates = f"{ends[0]:.0f} GMAC/s before a round, {ends[1]:.0f} after"
                lines.append(f"- Peak for {kind} ({instruction}): {rates}")
        fastest = "tiles" if self.level == "amx" else "bytes"
        for name, kind in [("handful-brute", fastest), ("handful-brute-avx512vnni", "bytes")]:
            if name in names and (peaks := self.peaks(kind, threads)):
                rates = self.record.values(name, threads, "nominal_gmacs")
                share = median(100 * rate / peak for rate, peak in zip(rates, peaks))
                lines.append(f"- {TITLES[name]}, reaches {share:.0f} % of the peak for {kind}")
        others = self.record.values("machine", threads, "cpus_busy_with_others")
        lines.append(f"- Other processes kept {spread(others)} CPUs busy meanwhile")
        return lines

    def table(self, names: list[str], threads: int) -> str:
        """Medians; ratios are to handful."""

        def ratio(name: str, metric: str) -> str:
            values, ours = (self.record.values(who, threads, metric) for who in (name, "handful"))
            return "1" if name == "handful" else spread([theirs / own for theirs, own in zip(values, ours)])

        shown = "search_seconds_all", "fit_seconds", "query_seconds", "nominal_gmacs", "queries"
        rows = []
        for name in names:
            search, fit, query, gmacs, queries = (
                self.record.median(name, threads, metric) for metric in shown
            )
            differ = max(self.record.values(name, threads, "lists_that_differ"))
            queries = f"{queries:,.0f}" + (", scaled" if queries < len(self.queries) else "")
            row = [TITLES.get(name, name), queries, f"{search:.3f}", ratio(name, "search_seconds_all")]
            row += [f"{fit:.3f}", ratio(name, "fit_search_seconds_all"), f"{1e6 * query:,.0f}"]
            rows.append([*row, ratio(name, "query_seconds"), f"{gmacs:,.0f}", f"{differ:.0f}"])
        head = ["", "queries measured", "search, s", "times", "fit, s", "fit + search, times"]
        return table([*head, "one query, µs", "times", "nominal GMAC/s", "lists that differ"], rows)


def contenders(only: str) -> list[str]:
    """Return the contenders to measure. handful always comes first, as the others are compared with it."""
    known = [*OURS, *peers.PEERS]
    if "avx512f" not in cpu_info("flags").split():
        known.remove("faiss-skylakex")
    if "amx_int8" not in cpu_info("flags").split():
        # The fastest level here is no better than this one.
        known.remove("handful-avx512vnni")
        known.remove("handful-brute-avx512vnni")
    wanted = only.split(",") if only else known
    if unknown := set(wanted) - set(known):
        raise SystemExit(f"--only {','.join(sorted(unknown))}: there are {', '.join(known)}")
    return [name for name in known if name in wanted or name == "handful"]


def main() -> None:
    parser = options.parser(__doc__, quick="one round of 1,000 queries: does it run?")
    parser.add_argument(
        "--only", default="", metavar="NAME,...", help=f"of {', '.join([*OURS, *peers.PEERS])}"
    )
    args = parser.parse_args()

    names = contenders(args.only)
    commit = "unknown" if args.handful else cli.commit()
    binary = (args.handful or cli.build()).resolve()
    rounds = range(1, 2 if args.quick else args.rounds + 1)
    peak = Peak()
    points, queries = data.images(data.MNIST, "train"), data.images(data.MNIST, "t10k")
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(binary, Path(folder), 1_000 if args.quick else 0, points, queries)
        for threads in args.threads:
            use_cpus(threads)
            for number in rounds:
                bench.round(number, names, threads, peak)
            print(
                f"\n{threads} thread(s), {K} of {len(points):,} points for each of {len(queries):,} queries, "
                f"{data.PIXELS} dimensions, median of {len(rounds)} round(s):\n"
            )
            print("\n".join(bench.head(names, threads)), end="\n\n")
            print(bench.table(names, threads), flush=True)

    about = facts() | {"handful": commit, "level": bench.level}
    bench.record.close("knn", about, bool(args.quick or args.only))


if __name__ == "__main__":
    main()
