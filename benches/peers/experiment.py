"""Compare the whole original experiment in handful (`handful compare`) and in scikit-learn.

    python benches/peers/experiment.py        # a part of `make bench`; requirements.txt installed

The experiment finds nine K-Means centres for each digit of MNIST, the best of ten runs. It then measures 1-NN on the
centres, on the same number of random images, and on all 60,000. Each round runs both once, in their own processes,
pinned to as many CPUs as they have threads. Ratios are taken within a round. handful is timed from start to end,
including reading files and writing the report. scikit-learn is timed without imports and without reading files, and
writes no report; the time of its whole process is shown next to it. Its images are f32, its fastest type.
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
    # The rest is for repeated predictions for timing, reading files and writing the report.
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
