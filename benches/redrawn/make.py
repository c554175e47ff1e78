"""MNIST's digits as pictures that people have: of other sizes, places, colours, and from cameras.

    pip install -r benches/redrawn/requirements.txt
    python benches/redrawn/make.py                    # the first 1,000 test images: 20 seconds
    python benches/redrawn/make.py --split train --first 50000 --to target/redrawn-train

writes for each kind a folder `target/redrawn/KIND` with a picture per digit, named by its place in MNIST, and
`labels.csv`. The same bytes every time: what is random depends on the place alone. Choose values on training images
that nothing was trained on, never on the test images.
"""

import argparse
import csv
import gzip
import pathlib

import numpy as np
from PIL import Image, ImageFilter, ImageOps

FILTERS = [Image.Resampling.BILINEAR, Image.Resampling.BICUBIC, Image.Resampling.LANCZOS]
# How much wider than the digit's frame a canvas is whose digit is off centre.
ROOM = 2.2
# At the dim end of uneven light, of what it is at the bright end.
DIMMEST = 0.55
# A blackboard is not quite black: else uneven light would not be seen on it.
BOARD = 60


class Digit:
    """An MNIST image, and what is to be random about its pictures."""

    def __init__(self, pixels: np.ndarray, index: int):
        self.image = Image.fromarray(pixels)
        self.filter = FILTERS[index % len(FILTERS)]
        self.rng = np.random.default_rng(index)

    def drawn(self, side: int) -> Image.Image:
        """Light on dark, with MNIST's own margin."""
        return self.image.resize((side, side), self.filter)

    def off_centre(self, side: int) -> Image.Image:
        canvas = Image.new("L", [round(ROOM * side)] * 2)
        left, top = self.rng.integers(0, canvas.width - side, size=2, endpoint=True).tolist()
        canvas.paste(self.drawn(side), (left, top))
        return canvas

    def any_side(self) -> int:
        return int(self.rng.integers(28, 300, endpoint=True))


def dark_on_light(image: Image.Image) -> Image.Image:
    return ImageOps.invert(image)


def on_board(image: Image.Image) -> Image.Image:
    return image.point(lambda ink: BOARD + ink * (255 - BOARD) / 255)


def rounded(pixels: np.ndarray) -> Image.Image:
    return Image.fromarray(pixels.clip(0, 255).round().astype(np.uint8))


def unevenly_lit(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Bright at one side and dim at the other, in any direction."""
    angle = rng.uniform(0, 2 * np.pi)
    down, right = np.indices((image.height, image.width))
    along = down * np.sin(angle) + right * np.cos(angle)
    along = (along - along.min()) / np.ptp(along)
    return rounded(np.asarray(image) * (1 - (1 - DIMMEST) * along))


def noisy(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    return rounded(np.asarray(image) + rng.normal(0, 10, (image.height, image.width)))


def black_on_transparent(ink: Image.Image) -> Image.Image:
    image = Image.new("RGBA", ink.size, "black")
    image.putalpha(ink)
    return image


# Of 28 x 28 there is `same`. A filter of 5 of 140 pixels takes or adds about a pixel of MNIST's to a stroke's width.
KINDS = {
    "same": lambda digit: digit.image,
    "size_12": lambda digit: digit.drawn(12),
    "size_20": lambda digit: digit.drawn(20),
    "size_50": lambda digit: digit.drawn(50),
    "size_100": lambda digit: digit.drawn(100),
    "size_300": lambda digit: digit.drawn(300),
    "size_600": lambda digit: digit.drawn(600),
    "off_centre": lambda digit: digit.off_centre(digit.any_side()),
    "dark_on_light": lambda digit: dark_on_light(digit.drawn(100)),
    "dark_on_light_off_centre": lambda digit: dark_on_light(digit.off_centre(digit.any_side())),
    "colour": lambda digit: ImageOps.colorize(digit.drawn(120), black="#f6ecc4", white="#1c2a6b"),
    "alpha": lambda digit: black_on_transparent(digit.drawn(90)),
    "eroded": lambda digit: digit.drawn(140).filter(ImageFilter.MinFilter(5)),
    "dilated": lambda digit: digit.drawn(140).filter(ImageFilter.MaxFilter(5)),
    "jpeg50": lambda digit: dark_on_light(digit.drawn(100)),
    "uneven": lambda digit: unevenly_lit(dark_on_light(digit.off_centre(150)), digit.rng),
    "noise": lambda digit: noisy(dark_on_light(digit.drawn(100)), digit.rng),
    "uneven_light_on_dark": lambda digit: unevenly_lit(on_board(digit.off_centre(150)), digit.rng),
}  # fmt: skip


def read(path: pathlib.Path) -> np.ndarray:
    data = gzip.decompress(path.read_bytes())
    shape = np.frombuffer(data, ">u4", count=data[3], offset=4)
    return np.frombuffer(data, np.uint8, offset=4 + 4 * data[3]).reshape(shape)


def save(kind: str, image: Image.Image, folder: pathlib.Path, index: int) -> str:
    """The name of the picture that was written."""
    if kind == "jpeg50":
        name = f"{index:04}.jpg"
        image.save(folder / name, quality=50)
    else:
        name = f"{index:04}.png"
        image.save(folder / name, compress_level=1)
    return name


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--to", type=pathlib.Path, default="target/redrawn", help="where to write")
    parser.add_argument("--mnist", type=pathlib.Path, default="data/mnist", help="where the digits are")
    parser.add_argument("--split", choices=["train", "test"], default="test")
    parser.add_argument("--first", type=int, default=0, help="the place of the first image")
    parser.add_argument("--count", type=int, default=1000, help="how many images")
    args = parser.parse_args()
    name = {"train": "train", "test": "t10k"}[args.split]
    images = read(args.mnist / f"{name}-images-idx3-ubyte.gz")
    labels = read(args.mnist / f"{name}-labels-idx1-ubyte.gz")
    places = range(len(images))[args.first : args.first + args.count]
    for kind, draw in KINDS.items():
        folder = args.to / kind
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "labels.csv").open("w", newline="") as file:
            rows = csv.writer(file, lineterminator="\n")
            rows.writerow(["file", "label"])
            for index in places:
                picture = draw(Digit(images[index], index))
                rows.writerow([save(kind, picture, folder, index), labels[index]])
        print(f"{folder}: {len(places):,} pictures")


if __name__ == "__main__":
    main()
