"""On a Dask cluster: two real worker processes over TCP, with the results of one machine, whatever happens to them."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from io import BytesIO

import dask
import dask.array as da
import handful
import handful.dask
import numpy as np
import polars as pl
import pytest
from distributed import Client, LocalCluster, futures_of, wait
from handful._jobs import n_threads
from handful.dask._partitions import Partitions
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

#: After so long something hangs, on any machine.
SECONDS = 1800
N = 4000
#: Unequal ones, and empty ones at the start, in between and at the end.
PARTITIONS = [(N,), (N // 4,) * 4, (0, 1700, 0, 3, 1, 2000, 296, 0)]


@pytest.fixture(scope="module")
def client():
    """A cluster of two processes, each with two threads."""
    options = {"processes": True, "protocol": "tcp", "host": "127.0.0.1", "dashboard_address": "127.0.0.1:0"}
    with LocalCluster(n_workers=2, threads_per_worker=2, **options) as cluster, Client(cluster) as client:
        yield client


@pytest.fixture(scope="module")
def digits(mnist):
    return mnist.X_train[:N], mnist.y_train[:N], mnist.X_test[:500], mnist.y_test[:500]


def partitioned(array, sizes=PARTITIONS[2]):
    """A Dask array of rows."""
    return da.from_array(array, chunks=(sizes, *array.shape[1:]))


KMEANS = [
    {"n_clusters": 20, "max_iter": 8},
    {"n_clusters": 5, "n_init": 3, "tol": 1e-3},
    {"n_clusters": 6, "init": "random", "n_init": 2, "max_iter": 4},
    {"n_clusters": 3, "init": np.linspace(0, 255, 3 * 784).reshape(3, 784), "tol": 0.0, "max_iter": 5},
]


def assert_same_kmeans(found, expected):
    assert found.inertia_ == expected.inertia_
    assert found.n_iter_ == expected.n_iter_
    assert_array_equal(found.cluster_centers_, expected.cluster_centers_)
    assert_array_equal(found.labels_.compute(), expected.labels_)


@pytest.mark.parametrize("params", KMEANS, ids=lambda params: ",".join(params))
def test_kmeans_is_that_of_one_machine_bit_for_bit(client, digits, params):
    X, _, queries, _ = digits
    expected = handful.KMeans(random_state=3, **params).fit(X)
    for sizes in PARTITIONS:
        assert_same_kmeans(handful.dask.KMeans(random_state=3, **params).fit(partitioned(X, sizes)), expected)
    found = handful.dask.KMeans(random_state=3, **params).fit(partitioned(X))
    lazy = partitioned(queries, (200, 0, 300))
    for asked in (found.predict(queries), found.predict(lazy).compute()):
        assert_array_equal(asked, expected.predict(queries))
    assert found.predict(lazy).dtype == np.int32
    assert_allclose(found.transform(lazy).compute(), expected.transform(queries), rtol=1e-9)
    assert_allclose(found.score(lazy), expected.score(queries), rtol=1e-9)


def test_empty_clusters_move_to_the_farthest_rows_of_all_partitions(client, digits):
    X = digits[0]
    # Centroids that are the same leave all but the first of them without rows.
    init = np.repeat(X[:1], 12, axis=0).astype(float)
    expected = handful.KMeans(12, init=init, max_iter=5).fit(X)
    assert_same_kmeans(handful.dask.KMeans(12, init=init, max_iter=5).fit(partitioned(X)), expected)


def test_seeding_looks_at_a_sample_of_many_rows(client):
    X = np.random.default_rng(0).integers(0, 256, (270_000, 3), dtype=np.uint8)
    expected = handful.KMeans(4, max_iter=2, random_state=0).fit(X)
    found = handful.dask.KMeans(4, max_iter=2, random_state=0).fit(partitioned(X, (100_000, 170_000)))
    assert_same_kmeans(found, expected)


def assert_same_prototypes(found, expected):
    for name in ("classes_", "prototypes_", "prototype_labels_", "cluster_sizes_", "inertia_", "n_iter_"):
        assert_array_equal(getattr(found, name), getattr(expected, name))
    assert found.prototypes_.dtype == np.uint8
    assert_array_equal(found.labels_.compute(), expected.labels_)


@pytest.mark.parametrize(
    ("n_rows", "params"),
    # In the last case some classes have fewer rows than that.
    [(N, {"n_clusters": 9}), (N, {"n_clusters": 4, "n_init": 3}), (400, {"n_clusters": 40})],
)
def test_prototypes_are_those_of_one_machine_bit_for_bit(client, digits, n_rows, params):
    X, y, queries, labels = digits
    X, y = X[:n_rows], y[:n_rows]
    y, labels = np.array(list("abcdefghij"))[y], np.array(list("abcdefghij"))[labels]
    expected = handful.PrototypeClassifier(random_state=5, n_neighbors=3, max_iter=5, **params).fit(X, y)
    for sizes in [(n_rows,), (0, 200, 0, 1, n_rows - 201, 0)]:
        found = handful.dask.PrototypeClassifier(random_state=5, n_neighbors=3, max_iter=5, **params)
        # Classes are cut as the rows are.
        assert_same_prototypes(found.fit(partitioned(X, sizes), da.from_array(y, chunks=n_rows // 4)), expected)
    lazy = partitioned(queries, (200, 0, 300))
    assert_array_equal(found.predict(lazy).compute(), expected.predict(queries))
    assert_array_equal(found.predict_proba(lazy).compute(), expected.predict_proba(queries))
    assert_array_equal(found.predict(queries), expected.predict(queries))
    assert found.score(lazy, labels) == found.score(queries, labels) == expected.score(queries, labels)


@pytest.mark.parametrize(
    "params", [{}, {"weights": "distance", "tie_break": "nearest"}, {"algorithm": "brute"}], ids=str
)
def test_neighbors_are_those_of_one_machine(client, digits, params):
    X, y, queries, labels = digits
    # Rows that are equally far lie in different partitions.
    X, y = np.concatenate([X, X[::-1]]), np.concatenate([y, y[::-1]])
    expected = handful.KNeighborsClassifier(7, **params).fit(X, y)
    nearest = expected.kneighbors(queries)
    for sizes in [(len(X),), (0, 5, 3, N, 0, N - 8)]:
        found = handful.dask.KNeighborsClassifier(7, **params).fit(partitioned(X, sizes), y)
        for answer, same in zip(found.kneighbors(queries), nearest, strict=True):
            assert_array_equal(answer, same)
    lazy = partitioned(queries, (200, 0, 300))
    for answer, same in zip(dask.compute(*found.kneighbors(lazy)), nearest, strict=True):
        assert_array_equal(answer, same)
    for asked in (found.predict(queries), found.predict(lazy).compute()):
        assert_array_equal(asked, expected.predict(queries))
    for asked in (found.predict_proba(queries), found.predict_proba(lazy).compute()):
        assert_array_equal(asked, expected.predict_proba(queries))
    assert found.score(lazy, labels) == found.score(queries, labels) == expected.score(queries, labels)


def test_rows_are_not_neighbors_of_themselves(client, digits):
    X, y = np.concatenate([digits[0][:300], digits[0][:20]]), digits[1][:320]
    expected = handful.KNeighborsClassifier(4).fit(X, y).kneighbors()
    found = handful.dask.KNeighborsClassifier(4).fit(partitioned(X, (100, 0, 220)), y).kneighbors()
    for answer, same in zip(dask.compute(*found), expected, strict=True):
        assert_array_equal(answer, same)


class MidPass(threading.Thread):
    """Do something in the midst of a fit on 8 partitions, which goes on after 5 passes only once that is done."""

    def __init__(self, client, monkeypatch, action):
        super().__init__()
        self.client, self.action, self.is_done = client, action, threading.Event()
        for module in ("_kmeans", "_prototypes"):
            monkeypatch.setattr(f"handful.dask.{module}.progress", lambda *_: self.wait)

    def __enter__(self):
        # Of 40 tasks that five passes are made of.
        self.n_tasks = self.done() + 25
        self.start()
        return self

    def wait(self, _stage, passes, _total):
        if passes >= 5:
            assert self.is_done.wait(SECONDS)

    def __exit__(self, *_):
        self.join()

    def done(self):
        def count(dask_scheduler):
            prefix = dask_scheduler.task_prefixes.get("handful-assign")
            return prefix.state_counts["memory"] if prefix else 0

        return self.client.run_on_scheduler(count)

    def run(self):
        deadline = time.monotonic() + SECONDS
        while self.done() < self.n_tasks and time.monotonic() < deadline:
            time.sleep(0.001)
        self.action()
        self.is_done.set()


def kill(client):
    """Return a function that kills one of the workers, and one that waits until another has taken its place."""
    address, pid = next(iter(client.run(os.getpid).items()))

    def wait_for_another():
        deadline = time.monotonic() + SECONDS
        while address in client.nthreads() or len(client.nthreads()) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.01)

    return lambda: os.kill(pid, signal.SIGKILL), wait_for_another


def test_a_worker_killed_in_mid_pass_changes_nothing(client, digits, monkeypatch):
    X, y, _, _ = digits
    cases = [
        (handful.KMeans(30, random_state=0, tol=0), handful.dask.KMeans, assert_same_kmeans),
        (
            handful.PrototypeClassifier(9, random_state=0, tol=0),
            handful.dask.PrototypeClassifier,
            assert_same_prototypes,
        ),
    ]
    for one, kind, assert_same in cases:
        one.fit(X, y)
        kill_worker, wait_for_another = kill(client)
        with MidPass(client, monkeypatch, kill_worker):
            found = kind(**one.get_params()).fit(partitioned(X, (500,) * 8), y)
        assert_same(found, one)
        wait_for_another()


def test_a_worker_killed_after_a_fit_changes_no_neighbors(client, digits):
    X, y, queries, _ = digits
    found = handful.dask.KNeighborsClassifier().fit(partitioned(X), y)
    kill_worker, wait_for_another = kill(client)
    kill_worker()
    expected = handful.KNeighborsClassifier().fit(X, y).kneighbors(queries)
    for answer, same in zip(found.kneighbors(queries), expected, strict=True):
        assert_array_equal(answer, same)
    wait_for_another()


# Importing handful fails, as where it is not installed. The worker joins when it is told to.
BARE_WORKER = """
import asyncio, sys
sys.modules["handful"] = None
from distributed import Worker

async def work():
    async with Worker(sys.argv[1], nthreads=1, dashboard=False) as worker:
        print(worker.address, flush=True)
        await worker.finished()

print("ready", flush=True)
sys.stdin.readline()
asyncio.run(work())
"""


@pytest.fixture
def join_bare_worker(client):
    """A function with which a worker joins that lacks the package; it returns its address."""
    process = subprocess.Popen(
        [sys.executable, "-c", BARE_WORKER, client.scheduler.address],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout.readline() == "ready\n"

    def join():
        process.stdin.write("\n")
        process.stdin.flush()
        return process.stdout.readline().strip()

    with process:
        yield join
        process.kill()
    deadline = time.monotonic() + SECONDS
    while len(client.scheduler_info(n_workers=-1)["workers"]) > 2 and time.monotonic() < deadline:
        time.sleep(0.01)


def test_a_worker_without_the_package_is_named_before_work_begins(client, digits, join_bare_worker):
    X, y, _, _ = digits
    bare = join_bare_worker()
    told = rf"expected handful\[dask\] {handful.__version__}.*worker {bare} has none: install it there"
    for fit in (
        lambda: handful.dask.KMeans(2).fit(partitioned(X)),
        lambda: handful.dask.PrototypeClassifier(2).fit(partitioned(X), y),
        lambda: handful.dask.KNeighborsClassifier().fit(partitioned(X), y),
    ):
        with pytest.raises(RuntimeError, match=told):
            fit()


def test_a_worker_without_the_package_that_joins_in_mid_pass_changes_nothing(
    client, digits, monkeypatch, join_bare_worker
):
    X = digits[0]
    params = {"n_clusters": 30, "random_state": 0, "tol": 0}
    with MidPass(client, monkeypatch, join_bare_worker):
        found = handful.dask.KMeans(**params).fit(partitioned(X, (500,) * 8))
    assert_same_kmeans(found, handful.KMeans(**params).fit(X))


def bad(array, partition, change):
    """Rows in three partitions, one of which is not as it should be."""
    blocks = [array[:5], array[5:12], array[12:20]]
    blocks[partition] = change(blocks[partition])
    parts = [dask.delayed(block) for block in blocks]
    return da.concatenate(
        [
            da.from_delayed(part, (size, *array.shape[1:]), array.dtype)
            for part, size in zip(parts, (5, 7, 8), strict=True)
        ]
    )


def with_value(row, value):
    def change(block):
        block = block.copy()
        block[row] = value
        return block

    return change


@pytest.mark.parametrize(
    ("dtype", "partition", "change", "told"),
    [
        (float, 1, with_value((3, 2), np.nan), "partition 1, row 3 of it: expected bytes, .* found nan in column 2"),
        (float, 2, with_value((0, 1), 0.5), "partition 2, row 0 of it: .* found 0.5 in column 1"),
        (int, 0, with_value((4, 0), 256), "partition 0, row 4 of it: .* found 256 in column 0"),
        (np.uint8, 1, lambda block: block.astype(np.float32), "partition 1: expected an array of bytes, .* float32"),
        (np.uint8, 2, lambda block: block.tolist(), "partition 2: expected an array of bytes, .* found list"),
        (np.uint8, 2, lambda block: block[:, :3], "partition 2: expected rows of 4 features, like .*, found 3"),
        (float, 1, lambda block: np.full(block.shape, "x"), "partition 1: expected a NumPy array of numbers, found"),
    ],
)
def test_a_bad_partition_is_named(client, dtype, partition, change, told):
    X = bad(np.arange(80).reshape(20, 4).astype(dtype), partition, change)
    with pytest.raises((TypeError, ValueError), match=told):
        handful.dask.KMeans(2).fit(X)
    with pytest.raises((TypeError, ValueError), match=told):
        handful.dask.KNeighborsClassifier().fit(X, np.arange(20) % 2)


@pytest.mark.parametrize(
    ("y", "told"),
    [
        (bad(np.arange(20.0) % 3, 1, with_value(2, np.nan)), "partition 1, row 2 of it: expected a label, found nan"),
        (bad(np.array(["a", "b"] * 10, object), 2, with_value(4, None)), "partition 2, row 4 .* a label, found None"),
        (bad(np.arange(20) % 3, 2, lambda block: block.astype(str)), "partition 2: expected labels of int64, .* <U"),
        (bad(np.array(["a"] * 20, object), 1, with_value(0, 3)), "partition 1: expected labels that can be sorted"),
        (bad(np.arange(20) % 3, 0, lambda block: block[:4]), "partition 0: expected labels for 5 rows, found"),
        (np.arange(19), "y: expected a label for each of 20 rows, found 19"),
        (da.arange(21, chunks=7), "y: expected a label for each of 20 rows, found 21"),
        (np.linspace(0, 1, 20), "Unknown label type: continuous"),
    ],
    ids=range(8),
)
def test_bad_labels_are_told(client, y, told):
    X = partitioned(np.arange(80, dtype=np.uint8).reshape(20, 4), (5, 7, 8))
    for kind in (handful.dask.KNeighborsClassifier, handful.dask.PrototypeClassifier):
        with pytest.raises((TypeError, ValueError), match=told):
            kind().fit(X, y)


def test_what_makes_no_sense_is_told(client, digits):
    X, y, queries, _ = digits
    some = partitioned(X[:50], (20, 30))
    knn = handful.dask.KNeighborsClassifier(3).fit(some, y[:50])

    def fails():
        raise OSError("the disk is gone")

    lost = da.from_delayed(dask.delayed(fails)(), (5, 4), np.uint8)
    for call, told in [
        (lambda: handful.dask.KMeans(51).fit(some), "n_samples=50 should be >= n_clusters=51"),
        (lambda: handful.dask.KMeans(0).fit(some), "'n_clusters' parameter"),
        (lambda: handful.dask.KMeans(2).fit(X), "X: expected a Dask array, found ndarray; .* handful.KMeans"),
        (lambda: handful.dask.KMeans(2).fit(some, sample_weight=y), "sample_weight: expected None"),
        (lambda: handful.dask.KMeans(2, init=np.full((2, 784), 256.0)).fit(some), "from 0 to 255, found 256"),
        (lambda: handful.dask.KMeans(2, init=np.zeros((2, 3))).fit(some), "does not match the number of features"),
        (lambda: handful.dask.KMeans(2, init=lambda *_, **__: X[:2]).fit(some), "init: expected .* a callable"),
        (lambda: handful.dask.KMeans(2).fit(some[:, 0]), r"expected an array of shape \(n_samples, n_features\)"),
        (lambda: handful.dask.KMeans(2).fit(some[:0]), "X: expected at least one row, found 1 empty partitions"),
        (lambda: handful.dask.KMeans(2).fit(lost), "the disk is gone"),
        (lambda: knn.kneighbors(queries, 51), "Expected n_neighbors <= n_samples_fit"),
        (lambda: knn.kneighbors(None, 50), "Expected n_neighbors < n_samples_fit"),
        (lambda: knn.kneighbors(queries, 0), "Expected n_neighbors > 0"),
        (lambda: knn.predict(partitioned(queries[:, :9], (500,))), "X has 9 features, but KNeighborsClassifier is"),
        (lambda: knn.predict(queries / 7), "X: expected bytes, or whole numbers from 0 to 255"),
    ]:
        with pytest.raises((TypeError, ValueError, OSError), match=told):
            call()


def test_numbers_that_are_whole_are_taken_as_bytes_and_unknown_sizes_are_found_out(client, digits):
    X, y, queries, _ = digits
    X, y, keep = X[:2000], y[:2000], np.arange(2000) % 7 != 0
    expected = handful.KMeans(5, random_state=0, max_iter=3).fit(X[keep])
    rows = partitioned(X.astype(np.float32), (500, 1500))[da.from_array(keep, chunks=1000)]
    assert np.isnan(rows.shape[0])
    assert_same_kmeans(handful.dask.KMeans(5, random_state=0, max_iter=3).fit(rows), expected)
    knn = handful.dask.KNeighborsClassifier().fit(rows, partitioned(y, (500, 1500))[da.from_array(keep, chunks=1000)])
    one = handful.KNeighborsClassifier().fit(X[keep], y[keep])
    lazy = partitioned(queries, (500,))[da.from_array(np.arange(500) % 2 == 0, chunks=500)]
    assert_array_equal(knn.predict(lazy).compute(), one.predict(queries[::2]))


def test_columns_may_be_partitioned_too(client, digits):
    X = digits[0]
    expected = handful.KMeans(5, random_state=0, max_iter=3).fit(X)
    assert_same_kmeans(
        handful.dask.KMeans(5, random_state=0, max_iter=3).fit(da.from_array(X, chunks=(1000, 300))), expected
    )


def test_a_task_has_one_of_its_workers_threads(client, digits):
    assert client.submit(n_threads, None, pure=False).result() == 1
    assert client.submit(n_threads, -1, pure=False).result() == 1
    assert client.submit(n_threads, 2, pure=False).result() == min(2, os.cpu_count())

    def watch():
        # Kept in a module, so that it can be found again.
        from handful.dask import _lloyd

        class Watched:
            def __init__(self, shard):
                self.shard = shard

            def __getattr__(self, name):
                def call(*arguments):
                    os.threads.add((name, arguments[-1]))
                    return getattr(self.shard, name)(*arguments)

                return call

        os.threads, os.found = set(), _lloyd._found
        _lloyd._found = lambda *arguments: Watched(os.found(*arguments))

    def stop():
        from handful.dask import _lloyd

        _lloyd._found = os.found
        return os.threads

    client.run(watch)
    handful.dask.KMeans(3, random_state=0, max_iter=4).fit(partitioned(digits[0], (N // 4,) * 4))
    for threads in client.run(stop).values():
        assert threads == {("totals", 1), ("pass_over", 1)}


def test_workers_with_more_rows_than_others_hand_some_on(client, digits):
    X = digits[0]
    first = next(iter(client.nthreads()))
    with dask.annotate(workers=[first]):
        rows = partitioned(X, (500,) * 8).persist(optimize_graph=False)
    wait(rows)
    assert {worker for workers in client.who_has(rows).values() for worker in workers} == {first}
    blocks = Partitions.of(rows, "KMeans").blocks
    wait(futures_of(blocks))
    places = client.who_has(blocks)
    places = [worker for block in blocks for worker in places[block.key]]
    assert sorted(places.count(worker) for worker in client.nthreads()) == [4, 4]
    assert_array_equal(np.concatenate(dask.compute(*blocks)), X)
    expected = handful.KMeans(5, random_state=0, max_iter=3).fit(X)
    assert_same_kmeans(handful.dask.KMeans(5, random_state=0, max_iter=3).fit(rows), expected)


def test_tasks_have_names_that_tell_what_they_are(client, digits):
    X, y, queries, _ = digits
    handful.dask.KMeans(3, random_state=0).fit(partitioned(X))
    handful.dask.KNeighborsClassifier().fit(partitioned(X), y).predict(queries)
    names = client.run_on_scheduler(lambda dask_scheduler: set(dask_scheduler.task_prefixes))
    assert {f"handful-{name}" for name in ("check", "shard", "sample", "start", "assign", "sum")} <= names
    assert {f"handful-{name}" for name in ("index", "search", "nearest")} <= names


def test_verbose_tells_how_far_the_work_is(client, digits, capsys):
    X, y, queries, _ = digits
    for fit, last in [
        (
            lambda **v: handful.dask.KMeans(3, max_iter=9, **v).fit(partitioned(X)),
            r"\[KMeans\] (converged|ended by max_iter=9) after \d iterations",
        ),
        (
            lambda **v: handful.dask.PrototypeClassifier(2, max_iter=9, **v).fit(partitioned(X), y),
            r"\[PrototypeClassifier\] (converged|ended by max_iter=9) after \d+ iterations",
        ),
        (
            lambda **v: handful.dask.KNeighborsClassifier(**v).fit(partitioned(X), y).predict(queries),
            r"\[KNeighborsClassifier\] search: 500 of 500",
        ),
    ]:
        fit()
        assert capsys.readouterr().out == ""
        fit(verbose=1)
        assert re.fullmatch(last, capsys.readouterr().out.splitlines()[-1])


ESTIMATORS = [handful.dask.KMeans, handful.dask.KNeighborsClassifier, handful.dask.PrototypeClassifier]


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_estimators_are_scikit_learns(kind):
    one = getattr(handful, kind.__name__)
    # Nothing is approximate on a cluster: there are fewer parameters.
    assert kind().get_params().items() <= one().get_params().items()
    changed = kind(verbose=1, n_jobs=3)
    assert repr(clone(changed)) == repr(changed)
    assert clone(changed).get_params() == changed.get_params()
    assert isinstance(kind(), one)
    with pytest.raises(NotFittedError):
        kind().predict(da.zeros((3, 2), dtype=np.uint8))
    with pytest.raises(NotFittedError):
        kind().predict(np.zeros((3, 2), dtype=np.uint8))


def png(image):
    file = BytesIO()
    Image.fromarray(image.reshape(28, 28)).save(file, "PNG")
    return file.getvalue()


def write_parquet(path, X, y, group, damaged=None):
    """Write a file as those on Hugging Face are, with one picture that is none perhaps."""
    image = [{"bytes": png(row), "path": f"{number}.png"} for number, row in enumerate(X)]
    if damaged is not None:
        image[damaged]["bytes"] = b"no picture"
    pl.DataFrame({"image": image, "label": y}).write_parquet(path, row_group_size=group)


@pytest.fixture(scope="module")
def folder(tmp_path_factory, digits):
    X, y, queries, labels = digits
    folder = tmp_path_factory.mktemp("parquet")
    (folder / "data").mkdir()
    write_parquet(folder / "data" / "train-00000-of-00002.parquet", X[:330], y[:330], 100)
    write_parquet(folder / "data" / "train-00001-of-00002.parquet", X[330:600], y[330:600], 50)
    write_parquet(folder / "data" / "test-00000-of-00001.parquet", queries[:60], labels[:60], 1000)
    return folder


def test_parquet_is_decoded_partition_by_partition(client, digits, folder):
    X, y = handful.dask.read_parquet(folder, partition_rows=200)
    assert X.chunks == ((200, 130, 200, 70), (784,))
    assert y.chunks == ((200, 130, 200, 70),)
    assert_array_equal(X.compute(), digits[0][:600])
    assert_array_equal(y.compute(), digits[1][:600])
    assert (X.dtype, y.dtype) == (X.compute().dtype, y.compute().dtype) == (np.uint8, np.int64)
    queries, labels = handful.dask.read_parquet(folder, split="test")
    assert queries.shape == (60, 784)
    one = handful.KNeighborsClassifier(3).fit(digits[0][:600], digits[1][:600])
    found = handful.dask.KNeighborsClassifier(3).fit(X, y)
    assert found.score(queries, labels) == one.score(digits[2][:60], digits[3][:60])
    assert_same_prototypes(
        handful.dask.PrototypeClassifier(2, random_state=0).fit(X, y),
        handful.PrototypeClassifier(2, random_state=0).fit(digits[0][:600], digits[1][:600]),
    )


def test_labels_of_parquet_may_be_names(client, digits, tmp_path):
    names = np.array(["seven", "one", "no", "1"] * 5)
    write_parquet(tmp_path / "train.parquet", digits[0][:20], names, 8)
    y = handful.dask.read_parquet(tmp_path, partition_rows=1).y
    assert y.chunks == ((8, 8, 4),)
    assert_array_equal(y.compute(), names)


def test_what_is_wrong_with_parquet_is_told(client, digits, folder, tmp_path):
    X, y = digits[0][:10], digits[1][:10]
    with pytest.raises(FileNotFoundError, match="expected files such as validation-00000-of-00001.parquet, found te"):
        handful.dask.read_parquet(folder, split="validation")
    with pytest.raises(FileNotFoundError, match="expected a folder of Parquet files, found no such folder"):
        handful.dask.read_parquet(tmp_path / "nowhere")
    with pytest.raises(ValueError, match="partition_rows: expected at least 1, found 0"):
        handful.dask.read_parquet(folder, partition_rows=0)
    write_parquet(tmp_path / "train-00001-of-00002.parquet", X, y, 4, damaged=6)
    with pytest.raises(FileNotFoundError, match="expected 2 files of train, .* found 1"):
        handful.dask.read_parquet(tmp_path)
    write_parquet(tmp_path / "train-00000-of-00002.parquet", X, y, 4)
    found = handful.dask.read_parquet(tmp_path, partition_rows=1)
    assert_array_equal(found.y.compute(), np.concatenate([y, y]))
    for call in (found.X.compute, lambda: handful.dask.KMeans(2).fit(found.X)):
        with pytest.raises(ValueError, match=r"train-00001-of-00002.parquet.*row 7"):
            call()
    (tmp_path / "train-00001-of-00002.parquet").unlink()
    with pytest.raises(FileNotFoundError, match="must be at the same place on every worker"):
        found.y.compute()


def test_explanations_are_those_of_one_machine_and_what_a_cluster_cannot_do_is_told(client, digits):
    X, y, queries, _ = digits
    far = handful.dask.KNeighborsClassifier(3, weights="distance").fit(partitioned(X), y)
    near = handful.KNeighborsClassifier(3, weights="distance").fit(X, y)
    assert far.explain(queries[:20]) == near.explain(queries[:20])
    with pytest.raises(ValueError, match="expected samples in memory"):
        far.explain(partitioned(X))
    for search in (far.radius_neighbors, far.radius_neighbors_graph):
        with pytest.raises(NotImplementedError, match="use handful.KNeighborsClassifier"):
            search(queries[:2], 100.0)
    for kind in (handful.dask.KNeighborsClassifier, handful.dask.PrototypeClassifier):
        with pytest.raises(ValueError, match="sample_weight: expected None"):
            kind(1).fit(partitioned(X), y, np.ones(len(X)))
