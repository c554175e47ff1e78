"""Compare handful's inverted index with its exact search, and with FAISS IVFFlat at the same number of lists.

    python benches/peers/inverted.py                                # MNIST; requirements.txt installed
    python benches/peers/inverted.py --data FOLDER --n-lists 1000   # IDX files of any size, t10k files or --queries

All use one thread. Each round measures all three once, one after the other. Ratios are taken within a round; the tables
show their median. handful's index probes the number of lists that it chose itself, from its own rows. FAISS probes the
fewest lists with which it finds at least as many true neighbours of the queries as handful. FAISS is warmed up and has
its rows in memory as f32. It searches only the first 2,000 queries, and its time is scaled.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from math import isqrt
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np

import cli
import data
import options
import peers
from machine import facts, use_cpus
from record import Record, spread, table

K = 3
FAISS_QUERIES = 2_000


def recall(found: np.ndarray, exact: np.ndarray) -> float:
    """Return the share of the true neighbours that were found."""
    return float((found[:, :, None] == exact[: len(found), None, :]).any(axis=1).mean())


def serve_faiss(folder: Path, queries: Path, n_lists: int, exact: Path, wanted: float) -> None:
    """Build an index, then search once for each line of input; all output is JSON."""
    import faiss

    faiss.omp_set_num_threads(1)
    points = data.images(folder, "train")
    asked = data.images(queries, "t10k")[:FAISS_QUERIES].astype(np.float32)
    true = np.load(exact)["indices"][:FAISS_QUERIES]
    start = perf_counter()
    quantizer = faiss.IndexFlatL2(points.shape[1])
    index = faiss.IndexIVFFlat(quantizer, points.shape[1], n_lists)
    # FAISS uses at most 256 rows per list; more would only be copied.
    step = max(1, len(points) // (256 * n_lists))
    index.train(points[::step].astype(np.float32))
    for first in range(0, len(points), 100_000):
        index.add(points[first : first + 100_000].astype(np.float32))
    fit = perf_counter() - start
    for n_probe in range(1, n_lists + 1):
        index.nprobe = n_probe
        reached = recall(index.search(asked, K)[1], true)
        if reached >= wanted:
            break
    print(json.dumps({"fit_seconds": fit, "n_probe": n_probe, "recall": reached}), flush=True)
    for _ in sys.stdin:
        seconds = peers.seconds(index.search, asked, K)
        query = median(peers.seconds(index.search, asked[i : i + 1], K) for i in range(peers.SINGLES))
        print(json.dumps({"search_seconds": seconds, "queries": len(asked), "query_seconds": query}), flush=True)


class Faiss:
    """A process that keeps its index for all rounds."""

    def __init__(self, *args: object) -> None:
        # Its OpenBLAS does not know every newer CPU.
        environment = peers.environment("faiss-skylakex", 1)
        command = [sys.executable, __file__, "--serve-faiss", *map(str, args)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self.process = subprocess.Popen(command, env=environment, text=True, **pipes)
        self.about = self.answer()

    def answer(self) -> dict:
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit("faiss ended early")
        return json.loads(line)

    def search(self) -> dict:
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return self.answer()

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait()


def main() -> None:
    parser = options.parser(__doc__, quick="one round on MNIST with 64 lists: does it run?")
    parser.add_argument("--data", type=Path, default=data.MNIST, help="folder with IDX files to search")
    parser.add_argument("--queries", type=Path, default=data.MNIST, help="folder whose t10k images are looked up")
    parser.add_argument("--n-lists", type=options.positive, help="default: twice the square root of the number of rows")
    parser.add_argument("--serve-faiss", nargs=5, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.serve_faiss:
        folder, queries, n_lists, exact, wanted = args.serve_faiss
        return serve_faiss(Path(folder), Path(queries), int(n_lists), Path(exact), float(wanted))

    commit = "unknown" if args.handful else cli.commit()
    binary = (args.handful or cli.build()).resolve()
    use_cpus(1)
    record, rounds = Record(), range(1, 2 if args.quick else args.rounds + 1)
    n_lists = args.n_lists or (64 if args.quick else 2 * isqrt(len(data.images(args.data, "train"))))
    labels, true_labels = data.labels(args.data, "train"), data.labels(args.queries, "t10k")
    errors: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        asked = data.images(args.queries, "t10k")
        queries = data.write(Path(folder) / "queries", len(asked), [asked])
        some = data.write(Path(folder) / "some", 1_000, [asked[:1_000]])
        points = next(path for path in args.data.glob("train-images-idx3-ubyte*"))
        faiss, exact, about = None, Path(folder) / "exact.npz", {}
        for number in rounds:
            for name in ["exact", "inverted", "faiss"]:
                print(f"round {number}: {name} ...", file=sys.stderr, flush=True)
                if name == "faiss":
                    # Build it once, after the first search of handful, which it is compared with.
                    faiss = faiss or Faiss(args.data, args.queries, n_lists, exact, about["found"])
                    figures = faiss.search()
                    seconds = figures["search_seconds"] * len(asked) / figures["queries"]
                    record.add(name, 1, number, search_seconds=seconds, query_seconds=figures["query_seconds"])
                    continue
                output = exact if name == "exact" else Path(folder) / "inverted.npz"
                chosen = [] if name == "exact" else ["--index", "inverted", "--n-lists", str(n_lists)]
                batch = cli.neighbors(binary, points, queries, 1, K, *chosen, "-o", str(output))
                if name == "inverted":
                    chosen += ["--n-probe", str(batch["n_probe"])]
                single = cli.neighbors(binary, points, some, 1, K, *chosen, "--one-by-one")
                record.add(
                    name, 1, number, fit_seconds=batch["fit_seconds"], search_seconds=batch["search_seconds"],
                    query_seconds=single["latency_seconds"]["median"],
                )  # fmt: skip
                found = np.load(output)["indices"]
                # The nearest neighbour breaks ties.
                votes = labels[found]
                voted = np.where(votes[:, 1] == votes[:, 2], votes[:, 1], votes[:, 0])
                errors[name] = 100 * float((voted != true_labels).mean())
                if name == "inverted":
                    about = batch | {"found": recall(found, np.load(exact)["indices"])}
        faiss.close()

    rows = []
    for name in ["inverted", "exact", "faiss"]:
        cells = [name]
        for metric in ["search_seconds", "query_seconds"]:
            values, ours = (record.values(who, 1, metric) for who in (name, "inverted"))
            cells += [f"{median(values):.4g}", spread([theirs / own for theirs, own in zip(values, ours)])]
        rows.append(cells)
    print(f"\n1 thread, {K} of {len(labels):,} points for each of {len(asked):,} queries, {n_lists} lists:\n")
    print(table(["", "search, s", "times", "one query, s", "times"], rows))
    print(
        f"\n- handful probes {about['n_probe']} lists: recall {about['recall']:.4f} on {about['recall_sample']} of its own "
        f"rows, {about['found']:.4f} of the queries; made in {record.median('inverted', 1, 'fit_seconds'):.1f} s"
        f"\n- FAISS probes {faiss.about['n_probe']}: recall {faiss.about['recall']:.4f} of the queries; made in "
        f"{faiss.about['fit_seconds']:.1f} s"
        f"\n- error of {K}-NN: exact {errors['exact']:.2f} %, inverted {errors['inverted']:.2f} %"
    )
    record.add("inverted", 1, 1, n_lists=n_lists, n_probe=about["n_probe"], recall=about["found"])
    record.add("faiss", 1, 1, n_lists=n_lists, n_probe=faiss.about["n_probe"], recall=faiss.about["recall"])
    record.close("inverted", facts() | {"handful": commit}, bool(args.quick or args.data != data.MNIST))


if __name__ == "__main__":
    main()
