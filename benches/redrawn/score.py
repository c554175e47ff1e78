"""Print how many redrawn digits of each kind a preset misreads, and how many it refuses as not digits.

    python benches/redrawn/make.py --to target/redrawn && python benches/redrawn/score.py target/redrawn
"""

import argparse
import csv
import io
import subprocess
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="what make.py wrote")
    parser.add_argument("--model", default="best", help="a preset or a model's file")
    parser.add_argument("--handful", default="target/release/handful", help="the program")
    args = parser.parse_args()
    kinds = sorted((path for path in args.folder.iterdir() if path.is_dir()), key=lambda path: path.name != "same")
    baseline = None
    for kind in kinds:
        wrong, refused = score(kind, args)
        # The digits as they are in MNIST come first.
        baseline = wrong if baseline is None else baseline
        print(f"{kind.name:26} {wrong:6.2f} % wrong, {wrong - baseline:+.2f} points {refused:6.2f} % refused")


def score(kind: Path, args: argparse.Namespace) -> tuple[float, float]:
    """Return the percentages of a kind's pictures that are misread, and that are refused as not digits."""
    truth = {row["file"]: row["label"] for row in csv.DictReader((kind / "labels.csv").open())}
    command = [args.handful, "predict", "--model", args.model, "--format", "csv", str(kind)]
    found = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    rows = list(csv.DictReader(io.StringIO(found)))
    wrong = sum(truth[Path(row["source"]).name] != row["label"] for row in rows)
    refused = sum(row["is_digit"] != "true" for row in rows)
    return 100 * wrong / len(rows), 100 * refused / len(rows)


if __name__ == "__main__":
    main()
