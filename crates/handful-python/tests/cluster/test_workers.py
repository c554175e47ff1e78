"""Workers that are killed, lack the package, or have more rows than others change no result."""

import os
import signal
import subprocess
import sys
import threading
import time

import dask
import handful
import handful.dask
import numpy as np
import pytest
from distributed import futures_of, wait
from handful._jobs import n_threads
from handful.dask._partitions import Partitions
from numpy.testing import assert_array_equal

from cluster.shared import N, assert_same_kmeans, assert_same_prototypes, partitioned

#: After so long something hangs, on any machine.
SECONDS = 1800


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


# This worker cannot import handful, as if it were not installed. It joins when the test says so.
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
