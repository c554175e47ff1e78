"""Draw the digits of fonts, black on white."""

import shutil
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

# Of the digits, in pixels.
HEIGHTS = [20, 32, 64]
# Relative to the height.
MARGIN = 0.25
# Every font shows the same box or nothing for this character, which Unicode will never assign.
MISSING = "\uffff"


def usable(places: list[Path]) -> list[Path]:
    """Return the fonts among these files and in these folders that have all digits, by name."""
    files = {file for place in places for file in (place.rglob("*") if place.is_dir() else [place])}
    fonts = sorted(file for file in files if file.suffix.lower() in {".ttf", ".otf"})
    return [font for font in fonts if has_digits(font)]


def has_digits(path: Path) -> bool:
    try:
        font = ImageFont.truetype(path, 40)
    except OSError:
        # Bitmap fonts have no such size.
        return False
    missing = bytes(font.getmask(MISSING))
    return all(bytes(font.getmask(digit)) not in {missing, b""} for digit in "0123456789")


def draw(path: Path, digit: str, height: int) -> Image.Image:
    """Draw a digit that is `height` pixels high."""
    # Outlines are scaled in proportion, except for rounding.
    _, top, _, bottom = ImageFont.truetype(path, 1000).getbbox(digit)
    font = ImageFont.truetype(path, 1000 * height / (bottom - top))
    left, top, right, bottom = font.getbbox(digit)
    margin = round(MARGIN * height)
    image = Image.new("L", (round(right - left) + 2 * margin, round(bottom - top) + 2 * margin), 255)
    ImageDraw.Draw(image).text((margin - left, margin - top), digit, fill=0, font=font)
    return image


def draw_all(fonts: list[Path], height: int, folder: Path) -> None:
    """Write a folder for each digit, with a picture per font. What was in the folder is lost."""
    shutil.rmtree(folder, ignore_errors=True)
    for digit in "0123456789":
        (folder / digit).mkdir(parents=True)
        for number, font in enumerate(fonts):
            draw(font, digit, height).save(folder / digit / f"{number:03}-{font.stem}.png")
