"""Data sets in files: all formats, and what is inferred from them."""

import gzip
import io
import warnings

import handful
import numpy as np
import polars as pl
import pytest
from numpy.testing import assert_array_equal
from PIL import Image


@pytest.fixture
def arrays():
    random = np.random.default_rng(0)
    X, y = random.integers(0, 256, (30, 16), dtype=np.uint8), np.arange(30) % 3
    return X[:20], y[:20], X[20:], y[20:]


def test_numpy_files_are_loaded(tmp_path, arrays):
    X_train, y_train, X_test, y_test = arrays
    names = {"x_train": X_train.reshape(-1, 4, 4), "y_train": y_train, "x_test": X_test.reshape(-1, 4, 4)}
    np.savez(tmp_path / "all.npz", **names, y_test=y_test)
    for found, expected in zip(handful.datasets.load(tmp_path / "all.npz"), arrays, strict=True):
        assert_array_equal(found, expected)


@pytest.mark.parametrize("names", [[7, 10, 9], ["ant", "bee", "1"], ["1", "02", "10"]])
def test_csv_files_are_loaded_with_classes_as_they_are_named(tmp_path, arrays, names):
    names = np.array(names)
    X_train, y_train, X_test, y_test = arrays
    for part, X, y in [("train", X_train, y_train), ("test", X_test, y_test)]:
        lines = [",".join([str(names[label]), *map(str, row)]) for row, label in zip(X, y, strict=True)]
        (tmp_path / f"{part}.csv").write_text("\n".join(lines) + "\n")
    with pytest.warns(UserWarning, match="the first of 17 columns is taken for the label"):
        found = handful.datasets.load(str(tmp_path))
    expected = (X_train, names[y_train], X_test, names[y_test])
    for one, other in zip(found, expected, strict=True):
        assert_array_equal(one, other)
    assert found.y_test.dtype.kind == names.dtype.kind


def test_the_label_column_is_inferred_or_chosen(tmp_path, arrays):
    X_train, y_train, X_test, y_test = arrays
    for part, X, y in [("train", X_train, y_train), ("test", X_test, y_test)]:
        np.savetxt(tmp_path / f"{part}.csv", np.column_stack([X, y]), fmt="%.3e", delimiter=",")
    with pytest.warns(UserWarning, match="the last of 17 columns .* set label_column if that is wrong"):
        inferred = handful.datasets.load(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        chosen = [handful.datasets.load(tmp_path, label_column=column) for column in ("last", 17, "17")]
    for found in (inferred, *chosen):
        for one, other in zip(found, arrays, strict=True):
            assert_array_equal(one, other)
    with pytest.raises(ValueError, match="expected a label column '?\"?18"):
        handful.datasets.load(tmp_path, label_column=18)


def test_dark_ink_on_light_paper_is_inverted_on_request(tmp_path, mnist):
    X, y = mnist.X_test[:30], mnist.y_test[:30]
    images, path = 255 - X.reshape(-1, 28, 28), tmp_path / "dark.npz"
    np.savez(path, x_train=images[:20], y_train=y[:20], x_test=images[20:], y_test=y[20:])
    assert_array_equal(handful.datasets.load(path).X_train, 255 - X[:20])
    assert_array_equal(handful.datasets.load(path, invert="always").X_test, X[20:])
    with pytest.warns(UserWarning, match="; set invert to never if that is wrong"):
        assert_array_equal(handful.datasets.load(path, invert="auto").X_train, X[:20])
    for parameter in ("invert", "framing"):
        with pytest.raises(ValueError, match=f"{parameter}: expected 'auto', 'always' or 'never', found \"yes\""):
            handful.datasets.load(path, **{parameter: "yes"})


def test_pictures_of_several_sizes_in_one_table_are_framed(tmp_path, mnist):
    """In Parquet as on Hugging Face, they share a shape only once they are framed."""
    X, y = mnist.X_test[:20].reshape(-1, 28, 28), mnist.y_test[:20]

    def png(number):
        picture, file = np.pad(X[number], number), io.BytesIO()
        Image.fromarray(picture).save(file, "PNG")
        return {"bytes": file.getvalue(), "path": f"{number}.png"}

    for part in ("train", "test"):
        table = pl.DataFrame({"image": [png(number) for number in range(20)], "label": y})
        table.write_parquet(tmp_path / f"{part}-00000-of-00001.parquet")
    with pytest.raises(ValueError, match=r"row 2: expected images of 28 x 28 pixels.*found 30 x 30.*framing"):
        handful.datasets.load(tmp_path)
    found = handful.datasets.load(tmp_path, framing="always")
    assert found.X_train.shape == (20, 784)
    assert handful.load_model("fast").score(found.X_train, y) == 1.0


def test_what_is_no_data_set_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="missing"):
        handful.datasets.load(tmp_path / "missing")
    (tmp_path / "train.csv").write_text("this is\nno data set")
    with pytest.raises(ValueError, match="expected images, found none"):
        handful.datasets.load(tmp_path)
    with pytest.raises(ValueError, match=r"train\.csv"):
        handful.datasets.load(tmp_path / "train.csv")


def idx(values):
    """A file as MNIST has it."""
    sides = b"".join(side.to_bytes(4, "big") for side in values.shape)
    return bytes([0, 0, 8, values.ndim]) + sides + values.tobytes()


def save_npz(folder, X, y):
    np.savez(folder / "all.npz", images=X, labels=y)
    return folder / "all.npz"


def save_npy(folder, X, y):
    np.save(folder / "X.npy", X)
    np.save(folder / "y.npy", y)
    return folder / "X.npy"


def save_csv(folder, X, y):
    header = "label," + ",".join(f"pixel{number}" for number in range(16))
    rows = np.column_stack([y, X.reshape(-1, 16)])
    np.savetxt(folder / "digits.csv", rows, fmt="%d", delimiter=",", header=header, comments="")
    return folder / "digits.csv"


def save_parquet(folder, X, y):
    def png(image):
        file = io.BytesIO()
        Image.fromarray(image).save(file, "PNG")
        return {"bytes": file.getvalue(), "path": None}

    pl.DataFrame({"image": [png(image) for image in X], "label": y}).write_parquet(folder / "digits.parquet")
    return folder / "digits.parquet"


def save_libsvm(folder, X, y):
    rows = (" ".join(f"{i + 1}:{value}" for i, value in enumerate(row)) for row in X.reshape(-1, 16))
    (folder / "digits.libsvm").write_text("".join(f"{label} {row}\n" for label, row in zip(y, rows, strict=True)))
    return folder / "digits.libsvm"


def save_idx(folder, X, y):
    (folder / "my-images-idx3-ubyte").write_bytes(idx(X))
    (folder / "my-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(y.astype(np.uint8))))
    return folder / "my-images-idx3-ubyte"


def save_pictures(folder, X, y):
    for number, (image, label) in enumerate(zip(X, y, strict=True)):
        (folder / str(label)).mkdir(exist_ok=True)
        Image.fromarray(image).save(folder / str(label) / f"{number:03}.png")
    return folder


@pytest.mark.parametrize(
    "save", [save_npz, save_npy, save_csv, save_parquet, save_libsvm, save_idx, save_pictures], ids=lambda f: f.__name__
)
def test_a_single_set_of_any_format_is_loaded(tmp_path, arrays, save):
    # Pictures are read by folder, and so by class.
    X, y = np.concatenate(arrays[::2]), np.sort(np.concatenate(arrays[1::2]))
    X[:, 0] = 255
    path = save(tmp_path, X.reshape(-1, 4, 4), y)
    for name in {path, tmp_path}:
        found = handful.datasets.load(name, framing="never")
        assert isinstance(found, handful.datasets.Labelled)
        assert_array_equal(found.X, X)
        assert_array_equal(found.y, y)
        for part in ("train", "test"):
            again, _ = handful.datasets.load(name, part=part, framing="never")
            assert_array_equal(again, X)
        with pytest.raises(ValueError, match="expected training images and test images, found only one set"):
            handful.datasets.load(name, part="both", framing="never")


def test_one_part_is_loaded_alone(tmp_path, arrays):
    X_train, y_train, X_test, y_test = arrays
    for part, X, y in [("train", X_train, y_train), ("test", X_test, y_test)]:
        np.savez(tmp_path / f"{part}.npz", images=X.reshape(-1, 4, 4), labels=y)
    for part, X, y in [("train", X_train, y_train), ("test", X_test, y_test)]:
        found = handful.datasets.load(tmp_path, part=part)
        assert_array_equal(found.X, X)
        assert_array_equal(found.y, y)
    assert isinstance(handful.datasets.load(tmp_path), handful.datasets.TrainTest)
    for missing, X in [("test", X_train), ("train", X_test)]:
        hidden = (tmp_path / f"{missing}.npz").rename(tmp_path / ".hidden")
        assert_array_equal(handful.datasets.load(tmp_path).X, X)
        with pytest.raises(ValueError, match=missing):
            handful.datasets.load(tmp_path, part="both")
        hidden.rename(tmp_path / f"{missing}.npz")
    with pytest.raises(ValueError, match="part: expected 'auto', 'both', 'train' or 'test', found 'all'"):
        handful.datasets.load(tmp_path, part="all")
