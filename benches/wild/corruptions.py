"""The 15 corruptions of MNIST-C (Mu and Gilmer 2019, arXiv 1906.02337), each at the one severity of that data set.

    python benches/wild/corruptions.py target/corruptions.png    # ten digits per corruption

The images are floats from 0 to 1. All random choices depend on the index of the image alone.

The parameters are those of the authors' code, which is public. Where a comment names ImageNet-C (Hendrycks and
Dietterich 2019, arXiv 1903.12261), the corruption comes from there, with the named severity of 1 to 5. The random
numbers are not the authors', so error rates differ by chance from those on the published files.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import idx
import numpy as np
from PIL import Image, ImageDraw
from scipy.ndimage import affine_transform, gaussian_filter, shift
from skimage.feature import canny
from skimage.util import random_noise

SIDE = 28
CENTRE = (SIDE - 1) / 2

Array = np.ndarray
Random = np.random.Generator


def blurred(image: Array, sigma: float) -> Array:
    return gaussian_filter(image, sigma, mode="nearest")


def shot_noise(image: Array, rng: Random) -> Array:
    # 3 photons at a pixel of full ink: ImageNet-C's severity 5.
    return rng.poisson(3 * image) / 3


def impulse_noise(image: Array, rng: Random) -> Array:
    # 17 % of the pixels become black or white: ImageNet-C's severity 4.
    return random_noise(image, mode="s&p", amount=0.17, rng=rng)


def glass_blur(image: Array, rng: Random) -> Array:
    # A blur of 0.7 pixels; two passes, each of which swaps half of the pixels with one that is at most one pixel up and
    # one to the left; the same blur again: ImageNet-C's severity 1.
    image = blurred(image, 0.7)
    for _ in range(2):
        is_swapped = rng.integers(2, size=image.shape)
        offsets = rng.integers(-1, 1, size=(*image.shape, 2))
        for row in range(SIDE - 1, 1, -1):
            for column in range(SIDE - 1, 1, -1):
                if is_swapped[row, column]:
                    down, right = offsets[row, column]
                    here, there = (row, column), (row + down, column + right)
                    image[here], image[there] = image[there], image[here]
    return blurred(image, 0.7)


def motion_blur(image: Array, rng: Random) -> Array:
    # ImageMagick's motion blur of radius 10 and sigma 3, up to 45 degrees from the horizontal: ImageNet-C's severity 1.
    # It smears to one side, with the weights of half a Gaussian.
    angle = np.radians(rng.uniform(-45, 45))
    steps = np.arange(2 * 10 + 1)
    weights = np.exp(-(steps**2) / (2 * 3**2))
    direction = np.array([np.sin(angle), np.cos(angle)])
    smear = [weight * shift(image, -step * direction, order=1) for step, weight in zip(steps, weights, strict=True)]
    return np.sum(smear, axis=0) / weights.sum()


def affine(image: Array, matrix: list[list[float]]) -> Array:
    """Each pixel is taken from `matrix` times its place; places are (row, column) from the middle."""
    centre = np.full(2, CENTRE)
    return affine_transform(image, np.array(matrix), centre - matrix @ centre, order=1)


def shear(image: Array, rng: Random) -> Array:
    # 0.4 radians to either side. The matrix is that of scikit-image in 2019; it also stretches by 8 %.
    angle = rng.choice([-0.4, 0.4])
    return affine(image, [[np.cos(angle), 0], [-np.sin(angle), 1]])


def scale(image: Array, rng: Random) -> Array:
    # To 0.7 of the size.
    return affine(image, [[1 / 0.7, 0], [0, 1 / 0.7]])


def rotate(image: Array, rng: Random) -> Array:
    # 0.4 radians, which is 23 degrees, in either direction.
    angle = rng.choice([-0.4, 0.4])
    return affine(image, [[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])


def brightness(image: Array, rng: Random) -> Array:
    # Half of white more, in HSV, where the value of a grey is the grey: ImageNet-C's severity 5.
    return image + 0.5


def translate(image: Array, rng: Random) -> Array:
    # 3 pixels in one of the four diagonal directions.
    return shift(image, rng.choice([-3, 3], size=2), order=0)


def stripe(image: Array, rng: Random) -> Array:
    # The first 7 and the last 7 columns are inverted.
    image = image.copy()
    image[:, :7] = 1 - image[:, :7]
    image[:, -7:] = 1 - image[:, -7:]
    return image


def fog(image: Array, rng: Random) -> Array:
    # Three times as much fog as image, scaled back to the range of the image: ImageNet-C's severity 5.
    amount = 3
    most = image.max()
    return (image + amount * clouds(rng)[:SIDE, :SIDE]) * most / (most + amount)


def clouds(rng: Random) -> Array:
    """Return a random landscape of 256 x 256 heights from 0 to 1 (Fournier, Fussell and Carpenter 1982).

    Each step halves the distance between the points. A new point gets the mean of the four points around it, plus
    noise. The noise of the next step is smaller by 1.4 squared: ImageNet-C divides it by 1.4, but applies it twice.
    The landscape is periodic.
    """
    height, noise = np.zeros((1, 1)), 1.0
    while len(height) < 256:
        n = len(height)
        below, right = np.roll(height, -1, axis=0), np.roll(height, -1, axis=1)
        finer = np.empty((2 * n, 2 * n))
        finer[::2, ::2] = height
        middle = (height + below + right + np.roll(below, -1, axis=1)) / 4 + noise * rng.uniform(-1, 1, (n, n))
        finer[1::2, 1::2] = middle
        finer[::2, 1::2] = (height + right + middle + np.roll(middle, 1, axis=0)) / 4
        finer[1::2, ::2] = (height + below + middle + np.roll(middle, 1, axis=1)) / 4
        finer[::2, 1::2] += noise * rng.uniform(-1, 1, (n, n))
        finer[1::2, ::2] += noise * rng.uniform(-1, 1, (n, n))
        height, noise = finer, noise / 1.4**2
    return (height - height.min()) / np.ptp(height)


def spatter(image: Array, rng: Random) -> Array:
    # Mud of grey 63 where noise (mean 0.65, deviation 0.3, blurred by 1 pixel) exceeds 0.65. The mud is blurred by 1.5
    # pixels, and left out where it then covers less than 0.8: ImageNet-C's severity 4.
    wet = blurred(rng.normal(0.65, 0.3, image.shape), 1) > 0.65
    mud = blurred(wet.astype(float), 1.5)
    mud[mud < 0.8] = 0
    return image * (1 - mud) + 63 / 255 * mud


def line(start: tuple[float, float], end: tuple[float, float]) -> Array:
    """A soft line between (column, row) and a later column: 1 + ln(1 - d / 2.3) at d rows above or below it."""
    (left, from_row), (right, to_row) = start, end
    rows, columns = np.indices((SIDE, SIDE))
    distance = abs(rows - from_row - (columns - left) * (to_row - from_row) / (right - left))
    ink = 1 + np.log(1 - np.minimum(distance, 2.29) / 2.3)
    return np.where((columns >= np.floor(left)) & (columns < np.ceil(right)), ink.clip(0), 0)


def dotted_line(image: Array, rng: Random) -> Array:
    # From a random row at the left edge to one at the right edge: two columns without the line, two columns with it.
    first, last = rng.integers(27, size=2)
    return image + line((0, first), (27, last)) * (np.arange(SIDE) % 4 >= 2)


def zigzag(image: Array, rng: Random) -> Array:
    # Around a straight line from column 2 to column 25 that rises or falls by at most 5 rows. There is a corner every 4
    # pixels, in turn 2 pixels below and 2 pixels above the line.
    row = rng.integers(27)
    slope = rng.integers(-5, 5) / (25 - 2)
    length = (25 - 2) * np.hypot(1, slope)
    along = np.array([0, *np.arange(2, length - 2, 4), length])
    across = np.array([0, *(2 * (-1) ** np.arange(len(along) - 2)), 0])
    angle = np.arctan(slope)
    columns = 2 + along * np.cos(angle) - across * np.sin(angle)
    rows = row + along * np.sin(angle) + across * np.cos(angle)
    corners = list(zip(columns, rows, strict=True))
    for start, end in zip(corners, corners[1:], strict=False):
        image = (image + line(start, end)).clip(0, 1)
    return image


def canny_edges(image: Array, rng: Random) -> Array:
    # Canny's detector with scikit-image's defaults: a blur of 1 pixel, thresholds of 0.1 and 0.2.
    return canny(image).astype(float)


# In the order of the paper.
CORRUPTIONS: dict[str, Callable[[Array, Random], Array]] = {
    corruption.__name__: corruption
    for corruption in [
        shot_noise, impulse_noise, glass_blur, motion_blur, shear, scale, rotate, brightness, translate, stripe, fog,
        spatter, dotted_line, zigzag, canny_edges,
    ]
}  # fmt: skip


def corrupted(name: str, images: Array) -> Array:
    """Corrupt images of bytes."""
    results = [CORRUPTIONS[name](image / 255, np.random.default_rng(index)) for index, image in enumerate(images)]
    return (np.stack(results).clip(0, 1) * 255).round().astype(np.uint8)


def contact_sheet(images: Array, enlarged: int = 2) -> Image.Image:
    """A row for each corruption, with its name."""
    rows = [("(none)", images), *((name, corrupted(name, images)) for name in CORRUPTIONS)]
    cell, names = (SIDE + 2) * enlarged, 100
    sheet = Image.new("L", (names + cell * len(images), cell * len(rows)), 128)
    for row, (name, digits) in enumerate(rows):
        ImageDraw.Draw(sheet).text((5, cell * row + cell // 2 - 5), name, fill=255)
        for column, digit in enumerate(digits):
            picture = Image.fromarray(digit).resize([SIDE * enlarged] * 2, Image.Resampling.NEAREST)
            sheet.paste(picture, (names + cell * column, cell * row))
    return sheet


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sheet", type=Path, help="the picture to write")
    args = parser.parse_args()
    images, labels = idx.mnist_test()
    firsts = [np.flatnonzero(labels == digit)[0] for digit in range(10)]
    contact_sheet(images[firsts]).save(args.sheet)


if __name__ == "__main__":
    main()
