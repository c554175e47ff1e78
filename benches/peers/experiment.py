"""The original experiment, whole: `handful compare` beside the same in scikit-learn.

    python benches/peers/experiment.py        # a part of `make bench`; requirements.txt installed

Nine K-Means centres for each of MNIST's digits, the best of ten starts, and 1-NN on the centres, on as many random
images, and on all 60,000. In each round both are run once, in a process of their own, pinned to as many CPUs as
they have threads; ratios are taken within a round. handful is timed from its start to its end, report written and
files read. scikit-learn is timed without its imports, without reading files and writes no report; what its whole
process took stands beside it. Its images are f32, which is its fastest.
"""

import json
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import cli
import data
import experiment_peer
import options
import peers
from machine import Others, facts, use_cpus
from record import Record, spread, table

STAGES = {
    "knn-all": "k-NN on all images",
    "kmeans-knn": "K-Means, and k-NN on centres",
    "random-knn": "k-NN on random images",
}


def measure_handful(binary: Path, folder: Path, threads: int, few: bool) -> tuple[dict, str]:
    """Figures, and the level of its kernels."""
    command = [binary, "--threads", threads, "--json", "compare", "--data", data.MNIST]
    command += ["--report", folder / "report.html"] + (["--n-init", 1] if few else [])
    began = perf_counter()
    found = cli.summary(command, None)
    figures = {"process_seconds": perf_counter() - began}
    for model in found["models"]:
        figures[f"{model['name']}, seconds"] = model["fit_seconds"] + model["predict_seconds"]
        figures[f"{model['name']}, error_percent"] = model["error_percent"]
    # Predictions are repeated to be timed, files are read, the report is written.
    stages = sum(figures[f"{name}, seconds"] for name in STAGES)
    figures["rest, seconds"] = figures["process_seconds"] - stages
    return figures, found["machine"]["level"]


def measure_peer(threads: int) -> dict:
    """The same for scikit-learn."""
    command = [sys.executable, experiment_peer.__file__, "--data", str(data.MNIST)]
    began = perf_counter()
    found = json.loads(cli.run(command, peers.environment("scikit-learn", threads)))
    seconds = {name: found[f"{name.replace('-', '_')}_seconds"] for name in STAGES}
    seconds["kmeans-knn"] += found["kmeans_seconds"]
    figures = {"process_seconds": perf_counter() - began, "seconds": sum(seconds.values())}
    figures |= {f"{name}, seconds": value for name, value in seconds.items()}
    errors = {name: found[f"{name.replace('-', '_')}_error_percent"] for name in STAGES}
    return figures | {f"{name}, error_percent": value for name, value in errors.items()}


def report(record: Record, threads: int) -> str:
    """Medians over the rounds."""

    def values(who: str, metric: str) -> list[float]:
        return record.values(who, threads, metric)

    def row(title: str, ours: str, theirs: str) -> list[str]:
        pairs = list(zip(values("handful", ours), values("scikit-learn", theirs)))
        cells = [spread(list(column)) for column in zip(*pairs)]
        return [title, *cells, spread([their / our for our, their in pairs])]

    rows = [row("all, as told above", "process_seconds", "seconds")]
    rows.append(row("all, both whole processes", "process_seconds", "process_seconds"))
    rows += [row(title, f"{name}, seconds", f"{name}, seconds") for name, title in STAGES.items()]
    rest = "handful's other work: timing predictions again, files, report"
    rows.append([rest, spread(values("handful", "rest, seconds")), "–", "–"])
    errors = [
        [
            title,
            *(
                f"{record.median(who, threads, f'{name}, error_percent'):.2f}"
                for who in ("handful", "scikit-learn")
            ),
        ]
        for name, title in STAGES.items()
    ]
    busy = values("machine", "cpus_busy_with_others")
    return "\n".join(
        [
            f"- Other processes kept {spread(busy)} CPUs busy meanwhile\n",
            table(["seconds", "handful", "scikit-learn", "times"], rows) + "\n",
            table(["error, %", "handful", "scikit-learn"], errors),
        ]
    )


def main() -> None:
    args = options.parser(__doc__, quick="one round, one start for handful: does it run?").parse_args()
    commit = "unknown" if args.handful else cli.commit()
    binary = (args.handful or cli.build()).resolve()
    rounds = range(1, 2 if args.quick else args.rounds + 1)
    record, level = Record(), ""
    with tempfile.TemporaryDirectory() as folder:
        for threads in args.threads:
            use_cpus(threads)
            for number in rounds:
                print(f"{threads} thread(s), round {number} ...", file=sys.stderr, flush=True)
                others = Others()
                ours, level = measure_handful(binary, Path(folder), threads, args.quick)
                record.add("handful", threads, number, **ours)
                record.add("scikit-learn", threads, number, **measure_peer(threads))
                record.add("machine", threads, number, cpus_busy_with_others=others.cpus())
            print(f"\n{threads} thread(s), median of {len(rounds)} round(s):\n")
            print(report(record, threads), flush=True)
    record.close("experiment", facts() | {"handful": commit, "level": level}, bool(args.quick))


if __name__ == "__main__":
    main()
