"""The record of a benchmark: every figure as CSV, and medians for readers."""

import csv
from datetime import date
from pathlib import Path
from statistics import median

from data import ROOT
from machine import cpu_slug

FIELDS = ["contender", "threads", "round", "metric", "value"]


class Record:
    """Rows of `FIELDS`; the machine's facts are rows of the contender `machine`."""

    def __init__(self) -> None:
        self.rows: list[tuple] = []

    def facts(self, facts: dict[str, str]) -> None:
        """Facts, which have neither round nor threads."""
        self.rows += [("machine", "", "", metric, value) for metric, value in facts.items()]

    def add(self, contender: str, threads: int, round_: int, **metrics: float) -> None:
        """The figures of one contender in one round."""
        self.rows += [(contender, threads, round_, metric, value) for metric, value in metrics.items()]

    def values(self, contender: str, threads: int, metric: str) -> list[float]:
        """By round."""
        return [row[4] for row in self.rows if row[:2] == (contender, threads) and row[3] == metric]

    def median(self, contender: str, threads: int, metric: str) -> float:
        """Over the rounds."""
        return median(self.values(contender, threads, metric))

    def close(self, kind: str, about: dict[str, str], part: bool) -> None:
        """Prints the facts, and keeps the record unless it is of a part."""
        print("\n" + "; ".join(f"{name} {value}" for name, value in about.items()))
        self.facts(about)
        if part:
            print("(No record is written of a part.)")
        else:
            print(f"Every figure: {self.write(kind).relative_to(ROOT)}")

    def write(self, kind: str) -> Path:
        """A new file under benches/record; one of the same day and machine is replaced."""
        path = ROOT / "benches" / "record" / f"{kind}-{date.today()}-{cpu_slug()}.csv"
        path.parent.mkdir(exist_ok=True)
        with path.open("w", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(FIELDS)
            for *key, value in self.rows:
                writer.writerow([*key, f"{value:.6g}" if isinstance(value, float) else value])
        return path


def table(head: list[str], rows: list[list[str]]) -> str:
    """In Markdown; the first column to the left, figures to the right."""
    rule = ["---"] + ["---:"] * (len(head) - 1)
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, rule, *rows])


def spread(values: list[float]) -> str:
    """Return `median (min–max)`, with three significant digits where they matter."""

    def short(value: float) -> str:
        return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:,.0f}"

    middle = short(median(values))
    return middle if len(values) == 1 else f"{middle} ({short(min(values))}–{short(max(values))})"
