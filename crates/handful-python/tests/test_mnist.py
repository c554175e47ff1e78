"""MNIST from the clone or a mirror, checked."""

import gzip
import hashlib
import shutil
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import handful
import numpy as np
import pytest
from handful import datasets
from numpy.testing import assert_array_equal

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
