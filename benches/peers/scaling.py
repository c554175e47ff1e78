"""Measure how handful's search time and memory grow with the number of points, and on other data.

    python benches/peers/scaling.py        # a part of `make bench`

MNIST's training images are searched unchanged, and together with shifted copies, up to 4 and 16 times as many. Copies
are shifted by up to 2 pixels. A sketch rules out fewer images of Fashion-MNIST, and none of random bytes. There,
`auto` should be as fast as brute force. Each round measures both, and their ratio is taken within the round. Extra
bytes are the peak memory of the process, minus the bytes of points and queries, divided by the number of points.
"""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np

import cli
import data
import options
from machine import Others, facts, use_cpus
from record import Record, spread, table

K = 3
N_QUERIES = 10_000
FEW = 1_000  # queries that brute force searches among more than `MANY` points
MANY = 100_000
BLOCK = 60_000
REACH = 2  # pixels
FLAT_LIMIT = 1.1  # times that auto may take of brute force on random bytes


@dataclass
class Set:
    """Files of points and queries."""

    name: str
    points: Path
    queries: Path
    n_points: int
    few_queries: Path | None = None  # for brute force, where all would take too long


def copies(base: np.ndarray, n_copies: int) -> Iterator[np.ndarray]:
    """The images as they are, then shifted; always the same shifts."""
    rng = np.random.default_rng(0)
    yield base
    for _ in range(n_copies - 1):
        yield data.shifted(base, REACH, rng)


def random_bytes(n_rows: int, seed: int) -> Iterator[np.ndarray]:
    """Generate rows on which sketches are useless."""
    rng = np.random.default_rng(seed)
    for start in range(0, n_rows, BLOCK):
        yield rng.integers(0, 256, (min(BLOCK, n_rows - start), data.PIXELS), np.uint8)


@contextmanager
def grown(n_copies: int) -> Iterator[Set]:
    """Return MNIST with shifted copies; the file is deleted afterwards."""
    base, queries = data.images(data.MNIST, "train"), data.images(data.MNIST, "t10k")
    with tempfile.TemporaryDirectory() as folder:
        at, n_points = Path(folder), n_copies * len(base)
        points = data.write(at / "points", n_points, copies(base, n_copies))
        few = data.write(at / "few", FEW, [queries[:FEW]]) if n_points > MANY else None
        name = "MNIST" if n_copies == 1 else f"MNIST, shifted, {n_copies} times"
        yield Set(name, points, data.write(at / "queries", len(queries), [queries]), n_points, few)


@contextmanager
def flat(n_points: int = BLOCK) -> Iterator[Set]:
    """Random bytes of MNIST's shape."""
    with tempfile.TemporaryDirectory() as folder:
        points = data.write(Path(folder) / "points", n_points, random_bytes(n_points, 1))
        queries = data.write(Path(folder) / "queries", N_QUERIES, random_bytes(N_QUERIES, 2))
        yield Set("random bytes", points, queries, n_points)


@contextmanager
def fashion(folder: Path) -> Iterator[Set]:
    """Fashion-MNIST, in the same four files as MNIST."""
    yield Set("Fashion-MNIST", folder, folder, 60_000)


def measure(record: Record, binary: Path, of: Set, threads: int, number: int) -> None:
    """One round: auto, then brute force."""
    for algorithm in ("auto", "brute"):
        queries = of.few_queries if algorithm == "brute" and of.few_queries else of.queries
        found = cli.neighbors(binary, of.points, queries, threads, K, "--algorithm", algorithm)
        search = found["search_seconds"] * N_QUERIES / found["n_queries"]
        held = (found["n_samples"] + found["n_queries"]) * found["n_features"]
        record.add(
            f"{of.name}, {algorithm}",
            threads,
            number,
            points=found["n_samples"],
            queries=found["n_queries"],
            fit_seconds=found["fit_seconds"],
            search_seconds=found["search_seconds"],
            search_seconds_all=search,
            peak_bytes=found["peak_bytes"],
            extra_bytes_a_point=(found["peak_bytes"] - held) / found["n_samples"],
        )


def ratios(record: Record, name: str, algorithm: str, threads: int) -> list[float]:
    """Search time to that of brute force, by round."""
    times = (record.values(f"{name}, {one}", threads, "search_seconds_all") for one in (algorithm, "brute"))
    return [ours / brute for ours, brute in zip(*times)]


def rows(record: Record, sets: list[tuple[str, int]], threads: int) -> list[list[str]]:
    """Of the table; growth is that of time per point and query, from the smallest MNIST."""
    found = []
    for name, n_points in sets:
        for algorithm in ("auto", "brute"):
            who = f"{name}, {algorithm}"
            queries, fit, search, extra = (
                record.median(who, threads, metric)
                for metric in ("queries", "fit_seconds", "search_seconds_all", "extra_bytes_a_point")
            )
            growth = "–"
            if name.startswith("MNIST"):
                first_name, first_points = sets[0]
                first = record.median(f"{first_name}, {algorithm}", threads, "search_seconds_all")
                growth = f"{search / first / (n_points / first_points):.2f}"
            ratio = "1" if algorithm == "brute" else spread(ratios(record, name, algorithm, threads))
            scaled = ", scaled" if queries < N_QUERIES else ""
            row = [name, algorithm, f"{n_points:,}", f"{queries:,.0f}{scaled}", f"{fit:.3f}", f"{search:.3f}"]
            found.append([*row, f"{1e6 * search / N_QUERIES:,.1f}", growth, ratio, f"{extra:,.0f}"])
    return found


HEAD = [
    "data", "algorithm", "points", "queries measured", "fit, s", "search, s", "µs a query",
    "of proportional growth", "search, times brute force", "extra bytes a point",
]  # fmt: skip


def main() -> None:
    parser = options.parser(__doc__, quick="one round, at most 4 times MNIST: does it run?")
    parser.add_argument("--fashion", type=Path, default=data.FASHION, metavar="PATH", help="its folder")
    args = parser.parse_args()

    commit = "unknown" if args.handful else cli.commit()
    binary = (args.handful or cli.build()).resolve()
    rounds = range(1, 2 if args.quick else args.rounds + 1)
    makers = [grown(n_copies) for n_copies in ((1, 4) if args.quick else (1, 4, 16))]
    if args.fashion.is_dir():
        makers.append(fashion(args.fashion))
    else:
        print(f"No Fashion-MNIST in {args.fashion}: left out. (Debian: apt install dataset-fashion-mnist)")
    makers.append(flat())

    record, sets, others = Record(), [], Others()
    for maker in makers:
        with maker as one:
            sets.append((one.name, one.n_points))
            for number in rounds:
                for n_threads in args.threads:
                    use_cpus(n_threads)
                    measure(record, binary, one, n_threads, number)
            print(f"{one.name} is measured", file=sys.stderr)

    for n_threads in args.threads:
        of = f"{K} nearest, {N_QUERIES:,} queries, median of {len(rounds)} round(s)"
        print(f"\n{n_threads} thread(s), {of}:\n")
        print(table(HEAD, rows(record, sets, n_threads)))
        ratio = median(ratios(record, "random bytes", "auto", n_threads))
        verdict = "within" if ratio <= FLAT_LIMIT else "NOT within"
        print(
            f"\nOn random bytes auto takes {ratio:.2f} times brute force, {verdict} the limit: {FLAT_LIMIT}."
        )

    about = facts() | {"handful": commit, "cpus busy with others": f"{others.cpus():.2f}"}
    record.close("scaling", about, args.quick)


if __name__ == "__main__":
    main()
