"""Measure how models read digits that MNIST does not have: corrupted, tiny, printed, and those in your own folders.

    make wild                                # the presets `fast`, `best` and `everyday`: three minutes
    make wild WILD="pictures more-pictures"  # also folders of pictures with a folder for each class
    python benches/wild/run.py --sources folders --folders pictures --only 'anna-*' --models mine.safetensors

The columns are: the number of images, how many are misread (with the 95 % interval), how many are rejected as not
digits, the mean confidence, the accuracy, and the expected calibration error (ECE, 15 bins). Of all presets,
only `everyday` frames the images of data files without being told to. For these files, the last two columns show the
errors with `--framing always`.
"""

import argparse
import json
import os
import shutil
import subprocess
from dataclasses import asdict
from pathlib import Path

from score import Scores, mean, predict, score
from sources import SOURCES, Options, Source

TITLES = f"{'images':>7} {'wrong %':>8} {'95 %':>13} {'rejected %':>11} {'confidence':>11} {'accuracy':>9} {'ECE':>6}"
FRAMED_TITLES = f"{'framed: wrong %':>17} {'rejected %':>11}"


def main() -> None:
    args = arguments()
    options = Options(args.work, args.limit, args.fonts, args.folders, args.only)
    groups = {name: list(SOURCES[name](options)) for name in args.sources}
    if not any(groups.values()):
        raise SystemExit("There are no images to classify")
    results = {model: measured(args.handful, model, groups) for model in args.models}
    if args.json:
        version = subprocess.run([args.handful, "--version"], capture_output=True, text=True, check=True).stdout.strip()
        document = {"handful": version, "limit": args.limit, "only": args.only, "models": results}
        args.json.write_text(json.dumps(document, indent=2) + "\n")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=["fast", "best", "everyday"], help="presets or files of models")
    parser.add_argument("--sources", nargs="+", choices=SOURCES, default=list(SOURCES), help="default: all")
    parser.add_argument(
        "--folders",
        nargs="+",
        type=Path,
        default=[Path(folder) for folder in os.environ.get("WILD", "").split()],
        help="folders of pictures, with a folder for each class or a labels.csv [default: those in $WILD]",
    )
    parser.add_argument(
        "--only", nargs="+", default=[], metavar="GLOB", help="patterns of the names of the pictures in the folders"
    )
    parser.add_argument(
        "--fonts", nargs="+", type=Path, default=[Path("/usr/share/fonts")], help="fonts, or folders with fonts"
    )
    parser.add_argument(
        "--limit", type=int, metavar="N", help="take only the first N images of each source; of pictures, every n-th"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write all figures to this file")
    parser.add_argument("--handful", default=os.environ.get("HANDFUL", "target/release/handful"), help="the program")
    parser.add_argument("--work", type=Path, default=Path("target/wild"), help="where to write images")
    args = parser.parse_args()
    if args.limit is not None and args.limit < 1:
        parser.error(f"--limit: expected a number from 1, found {args.limit}")
    if not shutil.which(args.handful):
        parser.error(f"{args.handful}: there is no such program; `cargo build --release` builds it")
    return args


def measured(handful: str, model: str, groups: dict[str, list[Source]]) -> dict[str, dict]:
    """Print a model's table, and return its figures by source and framing."""
    width = max(len(source.name) for sources in groups.values() for source in sources) + 2
    print(f"\n{model:{width}}{TITLES}{FRAMED_TITLES}")
    figures = {}
    for group, sources in groups.items():
        found = {}
        for source in sources:
            found[source.name] = {
                framing: score(source, predict(handful, model, framing, source)) for framing in source.framings
            }
            print(row(source.name, list(found[source.name].values()), width), flush=True)
        figures[group] = {
            name: {framing: asdict(scores) for framing, scores in by_framing.items()}
            for name, by_framing in found.items()
        }
        # Folders have nothing in common.
        if len(sources) > 1 and group != "folders":
            print(summary(group, found, width))
    return figures


def row(name: str, scores: list[Scores], width: int) -> str:
    first, *framed = scores
    interval = "{:.2f}-{:.2f}".format(*first.wrong_interval) if first.wrong_interval else ""
    text = (
        f"{name:{width}}{first.n_images:7,} {first.wrong_percent:8.2f} {interval:>13} {first.rejected_percent:11.2f} "
        f"{first.mean_confidence:11.3f} {first.accuracy:9.3f} {first.calibration_error:6.3f}"
    )
    text += "".join(f"{other.wrong_percent:17.2f} {other.rejected_percent:11.2f}" for other in framed)
    return text + (f"  ({first.n_unread} unread, which count as wrong)" if first.n_unread else "")


def summary(group: str, found: dict[str, dict[str, Scores]], width: int) -> str:
    """Return the mean of a group, and its worst sources."""
    columns = [list(column) for column in zip(*(scores.values() for scores in found.values()), strict=True)]
    worst = []
    for column in columns:
        name, scores = max(zip(found, column, strict=True), key=lambda pair: pair[1].wrong_percent)
        worst.append(f"{name} {scores.wrong_percent:.2f} % wrong")
    means = row(f"{group}, mean", [mean(column) for column in columns], width)
    return f"{means}\n{group}, worst: {'; framed: '.join(worst)}"


if __name__ == "__main__":
    main()
