"""Pictures of digits of the kinds that people have, drawn by Pillow from MNIST's test images.

    pip install -r benches/redrawn/requirements.txt
    python crates/handful/tests/framing/make_fixtures.py

writes `fixtures/KIND/*.png` and `fixtures/KIND/labels.csv`, the same bytes every time. The kinds are those of
`benches/redrawn/make.py`, which draws many more digits to measure on.
"""

import csv
import pathlib
import shutil
import sys

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parents[3]
sys.path.insert(0, str(ROOT / "benches/redrawn"))

import make  # noqa: E402

# A digit of each class among the test images, which nobody would misread.
DIGITS = [3, 2, 1, 30, 4, 8, 11, 0, 61, 12]
FIXTURES = HERE / "fixtures"
KINDS = [
    *(f"crop_{side}_margin_{margin}_dark" for side, margin in [(28, 0), (28, 1), (70, 0), (70, 2), (70, 4), (300, 0)]),
    *("crop_70_margin_0_light", "crop_16_margin_1_light", "half_ink_dark", "half_ink_light", "soft"),
    *("grey_127_20", "grey_129_20", "grey_40_255", "grey_100_220", "grey_255_195"),
    *("line_at_one_edge", "line_at_two_edges", "line_all_round", "ruled", "squared", "dark_corner", "neighbour"),
]


def main() -> None:
    images = make.read(ROOT / "data/mnist/t10k-images-idx3-ubyte.gz")
    labels = make.read(ROOT / "data/mnist/t10k-labels-idx1-ubyte.gz")
    shutil.rmtree(FIXTURES, ignore_errors=True)
    for number, kind in enumerate(KINDS):
        folder = FIXTURES / kind
        folder.mkdir(parents=True)
        with (folder / "labels.csv").open("w", newline="") as file:
            rows = csv.writer(file, lineterminator="\n")
            rows.writerow(["file", "label"])
            # Five digits of a kind, the other five of the next.
            for index in DIGITS[number % 2 :: 2]:
                picture = make.KINDS[kind](make.Digit(images[index], index))
                name = make.save(kind, picture, folder, index)
                rows.writerow([name, labels[index]])


if __name__ == "__main__":
    main()
