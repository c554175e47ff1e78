"""How many redrawn digits a preset reads wrong, kind by kind.

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
    for kind in sorted(path for path in args.folder.iterdir() if path.is_dir()):
        truth = {row["file"]: row["label"] for row in csv.DictReader((kind / "labels.csv").open())}
        command = [args.handful, "predict", "--model", args.model, "--format", "csv", str(kind)]
        found = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        rows = list(csv.DictReader(io.StringIO(found)))
        wrong = sum(truth[Path(row["source"]).name] != row["label"] for row in rows)
        print(f"{kind.name:26} {len(rows):6,} pictures  {100 * wrong / len(rows):5.2f} % wrong")


if __name__ == "__main__":
    main()
