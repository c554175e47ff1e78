"""Data sets: MNIST from the clone or a mirror, checked, and files of one's own."""

import gzip
import hashlib
import io
import shutil
import threading
import warnings
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import handful
import numpy as np
import polars as pl
import pytest
from handful import datasets
from numpy.testing import assert_array_equal
from PIL import Image

NAMES = sorted(f"{name}.gz" for name in datasets.MNIST_SHA256)


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """Run where there is no clone, no data, and a home that is empty; return the user's folder of MNIST."""
    monkeypatch.delenv("HANDFUL_DATA", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home" / "data"))
    monkeypatch.setattr(datasets, "MIRRORS", ())
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "home" / "data" / "handful" / "mnist"


@pytest.fixture
def serve():
    """Serve folders on this machine."""
    servers = []

    def start(folder):
        class Handler(SimpleHTTPRequestHandler):
            def log_message(self, *_):
                server.asked.append(self.path)

        server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=folder))
        server.asked = []
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        servers.append((server, thread))
        return server, f"http://127.0.0.1:{server.server_port}/"

    yield start
    for server, thread in servers:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def mirror(clone, tmp_path):
    """A folder of what a mirror has, to be changed at will."""
    return shutil.copytree(clone / "data" / "mnist", tmp_path / "mirror")


def files_in(folder):
    return sorted(path.name for path in folder.rglob("*")) if folder.exists() else []


def test_mnist_of_a_clone_is_found_from_any_folder_in_it(clone, monkeypatch):
    monkeypatch.delenv("HANDFUL_DATA", raising=False)
    monkeypatch.setattr(datasets, "MIRRORS", ())
    monkeypatch.chdir(clone / "crates" / "handful-python")
    data = handful.datasets.load_mnist()
    assert [array.shape for array in data] == [(60000, 784), (60000,), (10000, 784), (10000,)]
    assert data.X_train.dtype == data.X_test.dtype == np.uint8
    assert np.bincount(data.y_train).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    header = {"X_train": 16, "y_train": 8, "X_test": 16, "y_test": 8}
    for (name, skipped), file in zip(header.items(), datasets.MNIST_SHA256, strict=True):
        content = gzip.decompress((clone / "data" / "mnist" / f"{file}.gz").read_bytes())
        assert hashlib.sha256(content).hexdigest() == datasets.MNIST_SHA256[file]
        assert getattr(data, name).astype(np.uint8).tobytes() == content[skipped:]


def test_a_wrong_variable_is_told_and_nothing_is_downloaded(elsewhere, serve, clone, tmp_path, monkeypatch):
    server, address = serve(clone / "data" / "mnist")
    monkeypatch.setattr(datasets, "MIRRORS", (address,))
    monkeypatch.setenv("HANDFUL_DATA", str(tmp_path / "nowhere"))
    for download in (True, False):
        with pytest.raises(FileNotFoundError, match="nowhere"):
            handful.datasets.load_mnist(download=download)
    assert server.asked == []
    assert files_in(elsewhere) == files_in(tmp_path / "nowhere") == []


def test_the_variable_says_where_data_is(elsewhere, clone, monkeypatch):
    for folder in (clone / "data", clone / "data" / "mnist"):
        monkeypatch.setenv("HANDFUL_DATA", str(folder))
        assert len(handful.datasets.load_mnist(download=False).y_test) == 10000


def test_without_a_download_it_is_told_where_was_looked(elsewhere, serve, clone, monkeypatch):
    server, address = serve(clone / "data" / "mnist")
    monkeypatch.setattr(datasets, "MIRRORS", (address,))
    with pytest.raises(FileNotFoundError, match=str(elsewhere)):
        handful.datasets.load_mnist(download=False)
    assert server.asked == []


@pytest.mark.parametrize("given", [True, False])
def test_what_is_nowhere_is_downloaded_once(elsewhere, serve, clone, tmp_path, monkeypatch, mnist, given):
    server, address = serve(clone / "data" / "mnist")
    monkeypatch.setattr(datasets, "MIRRORS", (address,))
    folder, target = (tmp_path / "given", tmp_path / "given") if given else (None, elsewhere)
    for data in (handful.datasets.load_mnist(folder), handful.datasets.load_mnist(folder, download=False)):
        for found, expected in zip(data, mnist, strict=True):
            assert_array_equal(found, expected)
    assert sorted(server.asked) == [f"/{name}" for name in NAMES]
    assert files_in(target) == NAMES
    for name in NAMES:
        assert (target / name).read_bytes() == (clone / "data" / "mnist" / name).read_bytes()


def damage(file, how):
    content = file.read_bytes()
    if how == "missing":
        file.unlink()
    elif how == "cut off":
        file.write_bytes(content[: len(content) // 2])
    elif how == "flipped":
        file.write_bytes(content[:5000] + bytes([content[5000] ^ 255]) + content[5001:])
    elif how == "garbled":
        file.write_bytes(content[:10] + b"\xff" * 100)
    elif how == "a page":
        file.write_bytes(b"<html>Moved</html>")
    elif how == "other images":
        file.write_bytes(gzip.compress(bytes(1000)))


DAMAGE = ["missing", "cut off", "flipped", "garbled", "a page", "other images"]


@pytest.mark.parametrize("how", DAMAGE)
def test_where_one_mirror_fails_the_next_is_asked(elsewhere, serve, clone, mirror, monkeypatch, how):
    damage(mirror / NAMES[0], how)
    (first, one), (second, two) = serve(mirror), serve(clone / "data" / "mnist")
    monkeypatch.setattr(datasets, "MIRRORS", (one, two))
    assert len(handful.datasets.load_mnist().y_test) == 10000
    assert sorted(first.asked)[-4:] == [f"/{name}" for name in NAMES]
    assert second.asked == [f"/{NAMES[0]}"]
    assert files_in(elsewhere) == NAMES


def test_a_mirror_that_talks_nonsense_is_passed_over(elsewhere, serve, clone, monkeypatch):
    server, nonsense = serve(clone)
    handler = server.RequestHandlerClass.func
    monkeypatch.setattr(handler, "handle", lambda self: self.wfile.write(b"nonsense\n"))
    monkeypatch.setattr(datasets, "MIRRORS", (nonsense, serve(clone / "data" / "mnist")[1]))
    assert len(handful.datasets.load_mnist().y_test) == 10000


@pytest.mark.parametrize("how", DAMAGE)
def test_what_no_mirror_has_whole_is_not_kept(elsewhere, serve, mirror, monkeypatch, how):
    damage(mirror / NAMES[0], how)
    server, address = serve(mirror)
    nobody = f"http://127.0.0.1:{free_port()}/"
    monkeypatch.setattr(datasets, "MIRRORS", (nobody, address))
    with pytest.raises(OSError, match=f"{NAMES[0]} could not be downloaded .*{elsewhere}") as caught:
        handful.datasets.load_mnist()
    for mirror_address in (nobody, address):
        assert mirror_address in str(caught.value)
    if how == "other images":
        assert "SHA-256" in str(caught.value)
    # What came whole before is there, and nothing else.
    assert NAMES[0] not in files_in(elsewhere)
    assert set(files_in(elsewhere)) < set(NAMES)


def free_port():
    server = ThreadingHTTPServer(("127.0.0.1", 0), SimpleHTTPRequestHandler)
    server.server_close()
    return server.server_port


@pytest.mark.parametrize("name", NAMES)
def test_a_download_that_broke_off_goes_on(elsewhere, serve, clone, mirror, monkeypatch, name):
    (mirror / name).unlink()
    monkeypatch.setattr(datasets, "MIRRORS", (serve(mirror)[1],))
    with pytest.raises(OSError, match="could not be downloaded"):
        handful.datasets.load_mnist()
    monkeypatch.setattr(datasets, "MIRRORS", (serve(clone / "data" / "mnist")[1],))
    assert len(handful.datasets.load_mnist().y_test) == 10000
    assert files_in(elsewhere) == NAMES


def test_a_disk_that_fails_leaves_nothing_half_written(elsewhere, serve, clone, monkeypatch):
    def fail(*_):
        raise OSError("no space left")

    monkeypatch.setattr(datasets, "MIRRORS", (serve(clone / "data" / "mnist")[1],))
    monkeypatch.setattr(datasets.os, "replace", fail)
    with pytest.raises(OSError, match="no space left"):
        handful.datasets.load_mnist()
    assert files_in(elsewhere.parent) == ["mnist"]


def test_a_folder_of_other_files_is_left_alone(elsewhere, serve, clone, tmp_path, monkeypatch):
    server, address = serve(clone / "data" / "mnist")
    monkeypatch.setattr(datasets, "MIRRORS", (address,))
    (tmp_path / "work" / "letters.txt").write_text("mine")
    with pytest.raises((ValueError, FileNotFoundError)):
        handful.datasets.load_mnist(tmp_path / "work")
    assert server.asked == []
    assert files_in(tmp_path / "work") == ["letters.txt"]


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
