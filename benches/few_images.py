"""Train the presets on a few images of each digit, and print their errors on MNIST's test images.

    python benches/few_images.py                       # needs NumPy; builds the program
    python benches/few_images.py --presets tiny --per-class 1 10

The images are drawn from MNIST's training set, with another seed for each repetition. Errors are means over the
repetitions, in percent, with their standard deviation.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent / "peers"))
import cli
import data

PRESETS = ["notebook", "pixels", "tiny", "small", "fast", "best", "neighbors"]


def main() -> None:
    asked = parser().parse_args()
    handful = asked.handful or cli.build()
    x, y = data.images(data.MNIST, "train"), data.labels(data.MNIST, "train")
    print("| preset |" + "".join(f" {n} |" for n in asked.per_class))
    print("| --- |" + " ---: |" * len(asked.per_class))
    for preset in asked.presets:
        cells = []
        for n in asked.per_class:
            errors = [error(handful, preset, x, y, n, seed) for seed in range(asked.repetitions)]
            cells.append(f" {np.mean(errors):.2f} ± {np.std(errors):.2f} |")
        print(f"| `{preset}` |" + "".join(cells), flush=True)


def error(handful: Path, preset: str, x: np.ndarray, y: np.ndarray, n: int, seed: int) -> float:
    """The error in percent of a preset that learned from `n` images of each digit."""
    rng = np.random.default_rng(seed)
    rows = np.concatenate([rng.choice(np.flatnonzero(y == digit), n, replace=False) for digit in range(10)])
    with tempfile.TemporaryDirectory(prefix="handful-few-") as name:
        folder, model = Path(name), Path(name) / "model.safetensors"
        data.write(folder / "train-images-idx3-ubyte", len(rows), [x[rows]])
        labels = np.array([0x801, len(rows)], ">i4").tobytes() + y[rows].tobytes()
        (folder / "train-labels-idx1-ubyte").write_bytes(labels)
        run(handful, "train", "--preset", preset, "--data", name, "-o", str(model))
        told = run(handful, "evaluate", "--model", str(model), "--data", str(data.MNIST), "--json")
        return 100 * (1 - json.loads(told)["accuracy"])


def run(handful: Path, *args: str) -> str:
    return subprocess.run([handful, *args], check=True, capture_output=True, text=True).stdout


def parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    found.add_argument("--handful", type=Path, help="the program; built unless given")
    found.add_argument("--presets", nargs="+", default=PRESETS, choices=PRESETS)
    found.add_argument("--per-class", nargs="+", type=int, default=[1, 3, 10, 30, 100])
    found.add_argument("--repetitions", type=int, default=5)
    return found


if __name__ == "__main__":
    main()
