"""Teach a model digits that it misreads, one at a time, and print what it then makes of similar digits and of MNIST.

    python benches/teach.py                        # needs NumPy; builds the program
    python benches/teach.py --models fast --digits 5

The synthetic pen draws digits until the model has misread enough of them. For each, the similar digits are deformed
copies of it (`handful augment`), which the model is not taught. The table shows the share of similar digits that are read
right, before and after, and the error on MNIST's test images, before, and the mean and the largest after.
"""

import argparse
import csv
import io
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent / "peers"))
import cli
import data

IMAGES = "train-images-idx3-ubyte"
DRAWN, COPIES = 20_000, 100


def main() -> None:
    asked = parser().parse_args()
    handful = asked.handful or cli.build()
    print("| model | digits | similar ones right, before | after | MNIST, error before | mean | worst |")
    print("| --- |" + " ---: |" * 6)
    with tempfile.TemporaryDirectory(prefix="handful-teach-") as name:
        folder = Path(name)
        run(handful, "augment", "--pen", "--count", str(DRAWN), "-o", str(folder / "drawn"))
        for model in asked.models:
            before, after, errors = [], [], []
            for image, label in misread(handful, model, folder / "drawn", asked.digits):
                digit, similar, taught = folder / "digit", folder / "similar", folder / "taught.safetensors"
                write(digit, image[None], label)
                run(handful, "augment", "--data", str(digit), "--count", str(1 + COPIES), "-o", str(folder / "copies"))
                # The first is the digit itself.
                write(similar, data.images(folder / "copies", "train")[1:], label)
                run(handful, "train", "--from", model, "--data", str(digit), "-o", str(taught))
                before.append(accuracy(handful, model, similar / IMAGES))
                after.append(accuracy(handful, str(taught), similar / IMAGES))
                errors.append(100 - accuracy(handful, str(taught), data.MNIST))
            own = 100 - accuracy(handful, model, data.MNIST)
            right = f"{np.mean(before):.0f} % | {np.mean(after):.0f} %"
            print(f"| `{model}` | {len(errors)} | {right} | {own:.2f} % | {np.mean(errors):.3f} % | {max(errors):.2f} % |")


def misread(handful: Path, model: str, folder: Path, wanted: int) -> list[tuple[np.ndarray, int]]:
    """Drawn digits that the model misreads, with their labels."""
    told = run(handful, "predict", "--model", model, "--format", "csv", str(folder / IMAGES))
    found = [row["label"] for row in csv.DictReader(io.StringIO(told))]
    images, labels = data.images(folder, "train"), data.labels(folder, "train")
    wrong = [row for row, label in enumerate(labels) if found[row] != str(label)]
    return [(images[row], int(labels[row])) for row in wrong[:wanted]]




def write(folder: Path, images: np.ndarray, label: int) -> None:
    """A data set of images of one class."""
    folder.mkdir(exist_ok=True)
    data.write(folder / IMAGES, len(images), [images])
    labels = np.array([0x801, len(images)], ">i4").tobytes() + bytes([label]) * len(images)
    (folder / "train-labels-idx1-ubyte").write_bytes(labels)


def accuracy(handful: Path, model: str, path: Path) -> float:
    """The share of images that a model reads right, in percent."""
    return 100 * json.loads(run(handful, "evaluate", "--model", model, "--data", str(path), "--json"))["accuracy"]


def run(handful: Path, *args: str) -> str:
    return subprocess.run([handful, *args], check=True, capture_output=True, text=True).stdout


def parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    found.add_argument("--handful", type=Path, help="the program; built unless given")
    found.add_argument("--models", nargs="+", default=["fast", "everyday"], help="presets or files")
    found.add_argument("--digits", type=int, default=25, help="number of digits that each model is taught")
    return found


if __name__ == "__main__":
    main()
