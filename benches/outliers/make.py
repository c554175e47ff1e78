"""Make images that are not digits, as IDX files for `handful compare --ood`: letters, overlaid digits, noise, blanks.

    make outliers                                   # everything: the images, and the presets' results on them
    python benches/outliers/make.py target/outliers # the images alone; needs requirements.txt and fonts

Letters are rendered from Debian's fonts and framed like MNIST's digits: scaled to a box of 20 x 20 pixels with
antialiasing, with the centre of mass in the middle of 28 x 28 pixels. Letters that look like digits are left out.
`--split train` uses other fonts (fonts-lato) and MNIST's training images; the outlier detection was tuned on those.
"""

import argparse
import gzip
import pathlib

import numpy as np
from PIL import Image, ImageDraw, ImageFont

SIDE, BOX = 28, 20
LETTERS = [c for c in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" if c not in "IlOoSsZzBbqg"]
FONTS = pathlib.Path("/usr/share/fonts/truetype")
FAMILIES = {
    "test": {
        "thin": ["dejavu/DejaVuSans", "dejavu/DejaVuSerif", "dejavu/DejaVuSansMono",
                 "liberation/LiberationSans-Regular", "liberation/LiberationSerif-Regular",
                 "liberation/LiberationMono-Regular", "freefont/FreeSans", "freefont/FreeSerif",
                 "freefont/FreeMono"],
        "thick": ["dejavu/DejaVuSans-Bold", "dejavu/DejaVuSerif-Bold", "dejavu/DejaVuSansMono-Bold",
                  "liberation/LiberationSans-Bold", "liberation/LiberationSerif-Bold",
                  "liberation/LiberationMono-Bold", "freefont/FreeSansBold", "freefont/FreeSerifBold",
                  "freefont/FreeMonoBold"],
    },
    "train": {
        "thin": ["lato/Lato-Regular", "lato/Lato-Light", "lato/Lato-Italic"],
        "thick": ["lato/Lato-Bold", "lato/Lato-Black", "lato/Lato-BoldItalic"],
    },
}  # fmt: skip


def framed(image: Image.Image) -> np.ndarray:
    """Frame as in MNIST: the ink in a box of 20 x 20, its centre of mass in the middle of 28 x 28."""
    image = image.crop(image.getbbox())
    scale = BOX / max(image.size)
    width, height = (max(1, round(length * scale)) for length in image.size)
    ink = np.asarray(image.resize((width, height), Image.Resampling.LANCZOS), dtype=float)
    rows, columns = (np.arange(length) + 0.5 for length in ink.shape)
    top = round(SIDE / 2 - (ink.sum(1) @ rows) / ink.sum())
    left = round(SIDE / 2 - (ink.sum(0) @ columns) / ink.sum())
    top, left = min(max(top, 0), SIDE - height), min(max(left, 0), SIDE - width)
    out = np.zeros((SIDE, SIDE), np.uint8)
    out[top : top + height, left : left + width] = ink.round().astype(np.uint8)
    return out


def letter(letter: str, font: ImageFont.FreeTypeFont) -> np.ndarray:
    image = Image.new("L", (400, 400))
    ImageDraw.Draw(image).text((100, 50), letter, fill=255, font=font)
    return framed(image)


def letters(fonts: list[str]) -> np.ndarray:
    loaded = [ImageFont.truetype(FONTS / f"{font}.ttf", 200) for font in fonts]
    return np.stack([letter(c, font) for font in loaded for c in LETTERS])


def overlaid(images: np.ndarray, labels: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """Two digits of different classes laid over each other."""
    one, other = rng.integers(len(images), size=(2, 4 * n))
    pairs = np.flatnonzero(labels[one] != labels[other])[:n]
    return np.maximum(images[one[pairs]], images[other[pairs]])


def noise(n: int, rng: np.random.Generator) -> np.ndarray:
    """Uniform, normal, black and white, and sparse black and white noise."""
    shape = (n // 4, SIDE, SIDE)
    normal = rng.normal(127, 60, shape).clip(0, 255)
    coarse = rng.integers(0, 2, (n // 4, SIDE // 4, SIDE // 4)).repeat(4, 1).repeat(4, 2) * 255
    sparse = (rng.random(shape) < 0.1) * 255
    return np.concatenate([rng.integers(0, 256, shape), normal, coarse, sparse]).astype(np.uint8)


def blank() -> np.ndarray:
    """Every shade."""
    return np.repeat(np.arange(256, dtype=np.uint8), SIDE * SIDE).reshape(-1, SIDE, SIDE)


def read(path: pathlib.Path) -> np.ndarray:
    data = gzip.decompress(path.read_bytes())
    shape = np.frombuffer(data, ">u4", count=data[3], offset=4)
    return np.frombuffer(data, np.uint8, offset=4 + 4 * data[3]).reshape(shape)


def write(path: pathlib.Path, images: np.ndarray) -> None:
    header = bytes([0, 0, 8, 3]) + np.array(images.shape, ">u4").tobytes()
    path.write_bytes(gzip.compress(header + images.tobytes(), mtime=0))
    print(f"{path}: {len(images):,} images")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path, help="where to write, made if need be")
    parser.add_argument("--mnist", type=pathlib.Path, default="data/mnist", help="where the digits are")
    parser.add_argument("--split", choices=FAMILIES, default="test")
    args = parser.parse_args()
    name = {"train": "train", "test": "t10k"}[args.split]
    digits = read(args.mnist / f"{name}-images-idx3-ubyte.gz")
    labels = read(args.mnist / f"{name}-labels-idx1-ubyte.gz")
    rng = np.random.default_rng(0)
    args.folder.mkdir(parents=True, exist_ok=True)
    for width, fonts in FAMILIES[args.split].items():
        write(args.folder / f"letters-{width}-idx3-ubyte.gz", letters(fonts))
    write(args.folder / "overlaid-idx3-ubyte.gz", overlaid(digits, labels, 2000, rng))
    write(args.folder / "noise-idx3-ubyte.gz", noise(2000, rng))
    write(args.folder / "blank-idx3-ubyte.gz", blank())


if __name__ == "__main__":
    main()
