"""Redraw MNIST's digits as realistic pictures: other sizes, positions and colours, and from cameras.

    pip install -r benches/redrawn/requirements.txt
    python benches/redrawn/make.py                    # the first 1,000 test images: 20 seconds
    python benches/redrawn/make.py --split train --first 50000 --to target/redrawn-train

For each kind, this writes a folder `target/redrawn/KIND` with `labels.csv` and one picture per digit, named by its
index in MNIST. The output is always the same: the random choices depend on the index alone. Choose values on training
images that were not used for training, never on the test images.
"""

import argparse
import csv
import gzip
import pathlib

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageOps

FILTERS = [Image.Resampling.BILINEAR, Image.Resampling.BICUBIC, Image.Resampling.LANCZOS]
# Width of a canvas with an off-centre digit, relative to the digit's frame.
ROOM = 2.2
# Brightness at the dim end of uneven light, relative to the bright end.
DIMMEST = 0.55
# A blackboard is not quite black; otherwise, uneven light would not be visible on it.
BOARD = 60


class Digit:
    """An MNIST image, and the random numbers for its pictures."""

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


# What people crop at: with its full ink at least half as strong.
CROP_LEVEL = 128
# (paper, ink), at least 60 apart.
GREYS = [
    (0, 60), (0, 128), (40, 255), (60, 130), (100, 220), (127, 20),
    (129, 20), (127, 240), (180, 100), (200, 140), (255, 195), (255, 0),
]  # fmt: skip


def cropped(image: Image.Image, margin: int, fill: int = 0) -> Image.Image:
    """Light ink on dark, cropped to its bounding box, with a margin of paper."""
    strong = image.point(lambda value: 255 * (value >= CROP_LEVEL))
    left, top, right, bottom = strong.getbbox() or (0, 0, *image.size)
    margin_box = (left - margin, top - margin, right + margin, bottom + margin)
    canvas = Image.new("L", (margin_box[2] - margin_box[0], margin_box[3] - margin_box[1]), fill)
    canvas.paste(image, (-margin_box[0], -margin_box[1]))
    return canvas


def half_inked(image: Image.Image) -> Image.Image:
    """Cropped to its bounding box, with strokes so wide that half of the crop is ink."""
    for width in range(1, 40, 2):
        wide = cropped(image.filter(ImageFilter.MaxFilter(width)), 0)
        if np.asarray(wide).mean() >= 127:
            break
    return wide


def on_grey(image: Image.Image, paper: int, ink: int) -> Image.Image:
    return image.point(lambda value: paper + value * (ink - paper) / 255)


def soft(digit: Digit) -> Image.Image:
    blurred = digit.drawn(70).filter(ImageFilter.GaussianBlur(2))
    return on_grey(cropped(blurred, 4), paper=168, ink=70)


def with_lines(digit: Digit, draw_lines: Callable[[ImageDraw.ImageDraw, int, Digit], None]) -> Image.Image:
    """A dark digit with its own margin on white, and dark lines that do not belong to it."""
    side = int(digit.rng.integers(60, 160, endpoint=True))
    ink = dark_on_light(digit.drawn(side))
    paper = Image.new("L", ink.size, "white")
    draw_lines(ImageDraw.Draw(paper), side, digit)
    return ImageChops.darker(paper, ink)


def edge_line(edges: int) -> Callable[[ImageDraw.ImageDraw, int, Digit], None]:
    """Lines of two pixels along so many edges, one beside the other."""

    def draw_lines(draw: ImageDraw.ImageDraw, side: int, digit: Digit) -> None:
        boxes = [(0, 0, side, 1), (0, 0, 1, side), (0, side - 2, side, side), (side - 2, 0, side, side)]
        first = int(digit.rng.integers(4))
        for edge in range(first, first + edges):
            draw.rectangle(boxes[edge % 4], fill="black")

    return draw_lines


def ruled(draw: ImageDraw.ImageDraw, side: int, digit: Digit) -> None:
    """Lines of writing paper, about as far apart as a digit is high."""
    pitch = round(digit.rng.uniform(0.5, 0.9) * side)
    grey = int(digit.rng.integers(60, 190))
    for y in range(int(digit.rng.integers(pitch)), side, pitch):
        draw.line((0, y, side, y), fill=grey, width=int(digit.rng.integers(1, 2, endpoint=True)))


def squared(draw: ImageDraw.ImageDraw, side: int, digit: Digit) -> None:
    """Squares of 5 mm, for digits of 8 to 12 mm."""
    pitch = 5 * side / digit.rng.uniform(11, 17)
    grey, width = int(digit.rng.integers(60, 190)), int(digit.rng.integers(1, 2, endpoint=True))
    for along in (0, 1):
        for at in np.arange(digit.rng.uniform(0, pitch), side, pitch).round().tolist():
            draw.line((at, 0, at, side) if along else (0, at, side, at), fill=grey, width=width)


def dark_corner(draw: ImageDraw.ImageDraw, side: int, digit: Digit) -> None:
    """A corner that shows the table."""
    across, down = (digit.rng.uniform(0.12, 0.35, 2) * side).tolist()
    x, y = (digit.rng.integers(2, size=2) * side).tolist()
    corner = [(x, y), (abs(x - across), y), (x, abs(y - down))]
    draw.polygon(corner, fill=int(digit.rng.integers(0, 90)))


def neighbour(digit: Digit) -> Image.Image:
    """Part of another digit at one edge of the picture."""
    ink, other = digit.drawn(100), digit.drawn(100).transpose(Image.Transpose.ROTATE_90)
    canvas = ImageChops.offset(ink, 0)
    beside = cropped(other, 0)
    shown = int(digit.rng.integers(3, 9, endpoint=True))
    left = digit.rng.integers(2) * (100 - shown)
    canvas.paste(beside.crop((0, 0, shown, beside.height)), (int(left), int(digit.rng.integers(100 - beside.height, endpoint=True))))
    return dark_on_light(ImageChops.lighter(canvas, ink))


POLARITIES = {"light": lambda image: image, "dark": dark_on_light}


def crop_kind(side: int, margin: int, polarity: str) -> Callable[[Digit], Image.Image]:
    return lambda digit: POLARITIES[polarity](cropped(digit.drawn(side), margin))


def grey_kind(paper: int, ink: int) -> Callable[[Digit], Image.Image]:
    return lambda digit: on_grey(digit.image, paper, ink)


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
    "soft": soft,
    "half_ink_light": lambda digit: half_inked(digit.drawn(70)),
    "half_ink_dark": lambda digit: dark_on_light(half_inked(digit.drawn(70))),
    "line_at_one_edge": lambda digit: with_lines(digit, edge_line(1)),
    "line_at_two_edges": lambda digit: with_lines(digit, edge_line(2)),
    "line_all_round": lambda digit: with_lines(digit, edge_line(4)),
    "ruled": lambda digit: with_lines(digit, ruled),
    "squared": lambda digit: with_lines(digit, squared),
    "dark_corner": lambda digit: with_lines(digit, dark_corner),
    "neighbour": neighbour,
}  # fmt: skip
KINDS |= {
    f"crop_{side}_margin_{margin}_{polarity}": crop_kind(side, margin, polarity)
    for side in (16, 28, 70, 300)
    for margin in (0, 1, 2, 4)
    for polarity in POLARITIES
}
KINDS |= {f"grey_{paper}_{ink}": grey_kind(paper, ink) for paper, ink in GREYS}


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
