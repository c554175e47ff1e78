"""Small files of every format that handful reads, written by the software that people write them with.

    pip install -r crates/handful/tests/formats/requirements.txt
    python crates/handful/tests/formats/make_fixtures.py

writes `fixtures` beside this file anew (a second): MNIST's first images in each format, and `expected.json` with their
labels and the SHA-256 of each image's bytes. The same bytes every time.
"""

import bz2
import csv
import gzip
import hashlib
import json
import pathlib
import shutil
from importlib.metadata import version

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image, ImageDraw, ImageOps
from sklearn.datasets import load_digits

HERE = pathlib.Path(__file__).parent
FIXTURES = HERE / "fixtures"
MNIST = HERE.parents[3] / "data/mnist"
N_IMAGES = {"train": 8, "test": 4}
# Files that take many bytes per pixel have only the first of the images.
FEW = 2
WORDS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
# As many rows tell which column is the label.
N_DIGITS = {"tra": 60, "tes": 30}
# The first and the last letter are among them.
LETTERS = {"train": [23, 7, 16, 15, 26, 1, 14, 2], "test": [1, 13, 26, 8]}


def read_idx(name):
    data = gzip.decompress((MNIST / name).read_bytes())
    shape = np.frombuffer(data, ">u4", count=data[3], offset=4)
    return np.frombuffer(data, np.uint8, offset=4 + 4 * data[3]).reshape(shape)


def idx(array):
    """The bytes of an IDX file."""
    code = {"uint8": 0x08, "int32": 0x0C}[array.dtype.name]
    header = bytes([0, 0, code, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    return header + array.astype(array.dtype.newbyteorder(">")).tobytes()


def write(name, data):
    path = FIXTURES / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if name.endswith(".gz"):
        data = gzip.compress(data, mtime=0)
    path.write_bytes(data)


def save(name, image, **options):
    path = FIXTURES / name
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, optimize=True, **options)


def mnist_files(split, images, labels):
    prefix = {"train": "train", "test": "t10k"}[split]
    for kind, array in [("images-idx3", images), ("labels-idx1", labels)]:
        write(f"torchvision/MNIST/raw/{prefix}-{kind}-ubyte", idx(array))
        write(f"gzip/{prefix}-{kind}-ubyte.gz", idx(array))


def emnist(split, images):
    """Rows and columns are swapped, and labels are places in the alphabet."""
    letters = np.array(LETTERS[split], np.uint8)
    write(f"emnist/emnist-letters-{split}-images-idx3-ubyte.gz", idx(images.transpose(0, 2, 1)))
    write(f"emnist/emnist-letters-{split}-labels-idx1-ubyte.gz", idx(letters))
    mapping = "".join(f"{i} {64 + i} {96 + i}\n" for i in range(1, 27))
    write("emnist/emnist-letters-mapping.txt", mapping.encode())


def qmnist(split, images, labels):
    """Columns: class, series of NIST's forms, writer, index for the writer, NIST's class, index, duplicate, unused."""
    series = {"train": 0, "test": 4}[split]
    rows = [
        [label, series, 2500 + 37 * i, 3 * i, ord("0") + label, 229_000 + i, 0, 0]
        for i, label in enumerate(labels.tolist())
    ]
    write(f"qmnist/qmnist-{split}-images-idx3-ubyte.gz", idx(images))
    write(f"qmnist/qmnist-{split}-labels-idx2-int.gz", idx(np.array(rows, np.int32)))


def keras(digits):
    (FIXTURES / "keras").mkdir()
    arrays = {f"{x_or_y}_{split}": digits[split][i] for split in digits for i, x_or_y in enumerate("xy")}
    np.savez(FIXTURES / "keras/mnist.npz", **{name: array[:FEW] for name, array in arrays.items()})
    np.savez_compressed(FIXTURES / "keras/compressed.npz", **arrays)
    # As networks want them: with a channel, and a column for each class.
    images, labels = digits["train"]
    np.savez_compressed(FIXTURES / "keras/one_hot.npz", x=images[..., None], y=np.eye(10, dtype=np.float32)[labels])
    floats = labels.astype(np.float64)
    np.savez_compressed(FIXTURES / "keras/floats.npz", x=images[:, None], y=np.where(floats == 0, -0.0, floats))


def write_csv(name, header, rows, **options):
    path = FIXTURES / name
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        # OpenML puts names into quotes, but not numbers.
        writer = csv.writer(file, lineterminator="\n", **options)
        writer.writerows([header] if header else [])
        csv.writer(file, lineterminator="\n").writerows(rows)


def csv_files(digits):
    (x, y), (x_test, _) = ([array[:FEW] for array in digits[split]] for split in digits)
    x, x_test = (images.reshape(FEW, -1).tolist() for images in (x, x_test))
    y = y.tolist()
    pixels = [f"pixel{i}" for i in range(784)]
    label_first = [[label, *row] for label, row in zip(y, x)]
    write_csv("kaggle/train.csv", ["label", *pixels], label_first)
    write_csv("kaggle/test.csv", pixels, x_test)
    from_1 = [f"pixel{i}" for i in range(1, 785)]
    label_last = [[*row, label] for label, row in zip(y, x)]
    write_csv("csv/openml.csv", [*from_1, "class"], label_last, quoting=csv.QUOTE_ALL)
    write_csv("csv/headerless.csv", None, label_first)
    order = np.random.default_rng(0).permutation(785)
    shuffled = np.array(["label", *pixels])[order].tolist(), np.array(label_first)[:, order].tolist()
    write_csv("csv/shuffled.csv", *shuffled)
    write_csv("csv/words.csv", ["label", *pixels], [[WORDS[label], *row] for label, row in zip(y, x)])


def uci():
    """Tables as UCI distributes them: 8 x 8 pixels from 0 to 16, and the digit behind them."""
    images, labels = load_digits(return_X_y=True)
    first = 0
    for name, n in N_DIGITS.items():
        rows = np.column_stack([images, labels])[first : first + n].astype(int)
        write_csv(f"uci/optdigits.{name}", None, rows.tolist())
        first += n


def texts(digits):
    """What np.savetxt writes, the label first or last."""
    (FIXTURES / "text").mkdir()
    x, y = digits["train"]
    x = x.reshape(len(x), -1)[:FEW]
    np.savetxt(FIXTURES / "text/first.txt", np.column_stack([y[:FEW], x]), fmt="%.2e")
    np.savetxt(FIXTURES / "text/last.txt", np.column_stack([x, y[:FEW]]), fmt="%d")


def png(image):
    buffer = pa.BufferOutputStream()
    Image.fromarray(image).save(buffer, "png")
    return buffer.getvalue().to_pybytes()


def parquet(name, images, labels, **options):
    path = FIXTURES / "huggingface" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({"image": images, "label": labels}), path, **options)


def parquet_files(digits):
    structs = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    for split, (images, labels) in digits.items():
        # The dataset has no paths.
        rows = pa.array([{"bytes": png(image), "path": None} for image in images], structs)
        name = f"mnist/{split}-00000-of-00001.parquet"
        parquet(name, rows, pa.array(labels.tolist(), pa.int64()), compression="snappy")
    images, labels = digits["train"]
    rows = [{"bytes": png(image), "path": f"{i}.png"} for i, image in enumerate(images)]
    names = pa.array([WORDS[label] for label in labels])
    parquet("zstd.parquet", pa.array(rows, structs), names, compression="zstd", row_group_size=4)
    plain = pa.array([png(image) for image in images], pa.binary())
    parquet("binary.parquet", plain, pa.array(labels.tolist(), pa.int64()), compression="snappy")


def usps_values(images):
    """16 x 16 values from -1 to 1. Of two decimals, so that some of them are 0."""
    small = [Image.fromarray(image).resize((16, 16), Image.Resampling.BICUBIC) for image in images]
    values = (np.stack(small).reshape(len(images), -1) / 127.5 - 1).round(2)
    # These would be half a step on 0 to 255, and which way a half that is no binary fraction goes is chance.
    return values + 0.01 * np.isin(abs(values), [0.4, 0.8])


def usps(digits):
    """As in both places: one has the labels 0 to 9 first, the other 1 to 10, and no zeros."""
    train, test = (list(zip(labels.tolist(), usps_values(images))) for images, labels in digits.values())
    # The trailing spaces are theirs.
    fixed = "".join(f"{label:.4f} {' '.join(f'{v:.4f}' for v in row)} \n" for label, row in train)
    short = "".join(f"{label} {' '.join(f'{v:g}' for v in row)}\n" for label, row in test)
    write("usps/zip.train.gz", fixed.encode())
    write("usps/zip.test.gz", short.encode())
    for name, rows in [("usps", train[:FEW]), ("usps.t", test[:FEW])]:
        lines = [
            f"{label + 1} {' '.join(f'{i}:{v:g}' for i, v in enumerate(row, 1) if v != 0)} \n"
            for label, row in rows
        ]
        write(f"usps/{name}", "".join(lines).encode())
    write("usps/usps.bz2", bz2.compress((FIXTURES / "usps/usps").read_bytes()))


def folders(digits):
    for split, (images, labels) in digits.items():
        for i, (image, label) in enumerate(zip(images, labels)):
            save(f"folders/{split}/{label}/{i:05}.png", Image.fromarray(image))


def words():
    """Cats have ears, dogs are long."""
    for i in range(4):
        cat, dog = Image.new("L", (12, 10)), Image.new("L", (12, 10))
        draw = ImageDraw.Draw(cat)
        draw.ellipse([i, 3, i + 7, 9], fill=220)
        draw.polygon([(i, 5), (i + 1, 0), (i + 3, 4)], fill=220)
        draw.polygon([(i + 7, 5), (i + 6, 0), (i + 4, 4)], fill=220)
        draw = ImageDraw.Draw(dog)
        draw.rectangle([1, 2 + i, 9, 4 + i], fill=180)
        draw.rectangle([9, 1 + i, 11, 3 + i], fill=240)
        draw.line([2, 4 + i, 2, 6 + i], fill=180)
        draw.line([8, 4 + i, 8, 6 + i], fill=180)
        for name, image in [("cat", cat), ("dog", dog)]:
            if i % 2 == 0:
                save(f"words/{name}/{i}.png", image)
            else:
                save(f"words/{name}/{i}.{'jpg' if i == 1 else 'jpeg'}", image, quality=95)


def npy(images):
    """Wide numbers for the first image alone, for the sake of size."""
    (FIXTURES / "npy").mkdir()
    arrays = {
        "images": images,
        "fortran": np.asfortranarray(images),
        "big_endian": images.astype(">i2"),
        "unit": images[:1].astype(np.float32) / 255,
        "flat": images[:1].reshape(1, -1).astype(float),
        "signed": images[:1].astype(np.int64),
        "channel_last": images[..., None],
        "channel_first": images[:, None],
        "one": images[0],
        "one_fortran": np.asfortranarray(images[0]),
        "one_row": images[0].ravel(),
    }
    for name, array in arrays.items():
        np.save(FIXTURES / f"npy/{name}.npy", array)


def strays(digit):
    """One digit in pictures of all sorts."""

    def drawn(side):
        return Image.fromarray(digit).resize((side, side), Image.Resampling.BICUBIC)

    def on_paper(size, side, place):
        """Black on white."""
        paper = Image.new("L", size)
        paper.paste(drawn(side), place)
        return ImageOps.invert(paper)

    save("strays/inverted.png", on_paper((28, 28), 28, (0, 0)))
    save("strays/large.png", on_paper((400, 300), 100, (250, 30)).convert("RGB"))
    for name, ink in [("alpha", "black"), ("white_alpha", "white")]:
        image = Image.new("RGBA", (40, 40), ink)
        image.putalpha(drawn(40))
        save(f"strays/{name}.png", image)
    coloured = ImageOps.colorize(drawn(40), black="cornsilk", white="darkblue")
    save("strays/palette.png", coloured.quantize(16))
    save("strays/sixteen.png", Image.fromarray(digit.astype(np.uint16) * 257))
    save("strays/tiny.png", drawn(12))
    save("strays/bilevel.png", on_paper((100, 100), 100, (0, 0)).convert("1", dither=Image.Dither.NONE))

    # From bright at the upper left to dim at the lower right, and a sensor's noise.
    down, right = np.mgrid[0:1:120j, 0:1:160j]
    noise = np.random.default_rng(0).normal(0, 4, (120, 160))
    paper = np.asarray(on_paper((160, 120), 84, (50, 30))) / 255
    photo = (40 + 190 * paper) * (1 - 0.4 * (down + right) / 2) + noise
    photo = Image.fromarray(photo.clip(0, 255).round().astype(np.uint8))
    save("strays/photo.jpg", ImageOps.colorize(photo, black="black", white="oldlace"), quality=60)

    # 6: whoever shows the picture has to turn it a quarter clockwise.
    exif = Image.Exif()
    exif[0x0112] = 6
    upright = on_paper((60, 80), 56, (2, 12))
    save("strays/rotated.jpg", upright.transpose(Image.Transpose.ROTATE_90), quality=90, exif=exif)


def tiff(images):
    """As scanners and programs for pictures write them."""
    first, *others = [Image.fromarray(image) for image in images]
    tall = Image.fromarray(np.pad(images[1], [(0, 12), (0, 0)]))
    bilevel = first.point(lambda value: 255 * (value >= 128)).convert("1", dither=Image.Dither.NONE)
    inverted = ImageOps.invert(first)
    pictures = {
        "pages": (first, {"save_all": True, "append_images": others, "compression": "tiff_deflate"}),
        "mixed": (first, {"save_all": True, "append_images": [tall, *others], "compression": "tiff_lzw"}),
        "grey": (first, {}),
        "packbits": (first, {"compression": "packbits"}),
        "sixteen": (Image.fromarray(images[0].astype(np.uint16) * 257), {"compression": "tiff_lzw"}),
        "colour": (first.convert("RGB"), {"compression": "tiff_deflate"}),
        "big": (first, {"big_tiff": True}),
        # 262 says what 0 means: here white.
        "white_is_zero": (inverted, {"tiffinfo": {262: 0}}),
        "bilevel": (bilevel, {}),
        "fax": (bilevel, {"compression": "group4"}),
        "fax3": (bilevel, {"compression": "group3"}),
    }
    (FIXTURES / "tiff").mkdir()
    for name, (image, options) in pictures.items():
        image.save(FIXTURES / f"tiff/{name}.tif", **options)


def unsupported(image):
    (FIXTURES / "unsupported").mkdir()
    for name in ["digit.pdf", "digit.avif", "digit.jp2", "digit.ico"]:
        options = {"creationDate": None, "modDate": None} if name.endswith("pdf") else {}
        Image.fromarray(image).save(FIXTURES / "unsupported" / name, **options)


def sha256(rows):
    return [hashlib.sha256(row.tobytes()).hexdigest() for row in rows]


def expected(digits):
    content = {"made_with": {name: version(name) for name in ("numpy", "pillow", "pyarrow", "scikit-learn")}}
    images, labels = load_digits(return_X_y=True)
    first, second = N_DIGITS.values()
    for name, rows in [("tra", slice(0, first)), ("tes", slice(first, first + second))]:
        content[name] = {"labels": labels[rows].tolist(), "sha256": sha256(images[rows].astype(np.uint8))}
    for split, (images, labels) in digits.items():
        # Of what the text says; halves are rounded up.
        small = np.floor((usps_values(images) + 1) * 127.5 + 0.5).astype(np.uint8)
        content[split] = {
            "labels": labels.tolist(),
            "letters": LETTERS[split],
            "sha256": sha256(images),
            "usps_sha256": sha256(small),
        }
    write("expected.json", (json.dumps(content, indent=1) + "\n").encode())


def main():
    shutil.rmtree(FIXTURES, ignore_errors=True)
    FIXTURES.mkdir()
    digits = {}
    for split, prefix in [("train", "train"), ("test", "t10k")]:
        files = (f"{prefix}-{kind}-ubyte.gz" for kind in ("images-idx3", "labels-idx1"))
        digits[split] = images, labels = [read_idx(file)[: N_IMAGES[split]] for file in files]
        mnist_files(split, images, labels)
        emnist(split, images)
        qmnist(split, images, labels)
    keras(digits)
    csv_files(digits)
    parquet_files(digits)
    uci()
    texts(digits)
    usps(digits)
    folders(digits)
    words()
    npy(digits["train"][0][:FEW])
    tiff(digits["train"][0][:3])
    unsupported(digits["test"][0][0])
    strays(digits["test"][0][0])
    expected(digits)


if __name__ == "__main__":
    main()
