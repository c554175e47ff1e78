"""Threads, processes and signals: as many as were asked for, none left behind, and all can be stopped."""

import io
import os
import re
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor

import handful
import numpy as np
import pytest
from handful._jobs import n_threads
from joblib import Parallel, delayed, parallel_config
from numpy.testing import assert_array_equal

#: After so long something hangs, on any machine.
SECONDS = 1800

SETUP = """
import collections, contextlib, os, signal, sys, threading, time
from pathlib import Path
import numpy as np
import handful
from handful._jobs import n_threads

random = np.random.default_rng(0)
X, y = random.integers(0, 256, (3000, 64), dtype=np.uint8), random.integers(0, 10, 3000)

def work(n_jobs=2):
    kmeans = handful.KMeans(10, random_state=0, n_jobs=n_jobs).fit(X)
    knn = handful.KNeighborsClassifier(n_jobs=n_jobs).fit(X, y)
    return kmeans.inertia_, knn.predict(X[:500]).sum()

def working():
    # The number of threads that handful has started for one job; those of the job before may take a moment to end.
    jobs = collections.Counter()
    for thread in Path("/proc/self/task").iterdir():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            name = (thread / "comm").read_text()
            if name.startswith("handful-"):
                jobs[name.rsplit("-", 1)[0]] += 1
    return max(jobs.values(), default=0)

def until_none_works():
    while working():
        time.sleep(0.001)

class Interruption(threading.Thread):
    # Presses Ctrl-C once so many threads work, and counts them until all work has ended.
    def __init__(self, n_threads):
        super().__init__(daemon=True)
        self.n_threads, self.peak, self.ended = n_threads, 0, threading.Event()

    def run(self):
        while not self.ended.wait(0.001):
            was_below, self.peak = self.peak < self.n_threads, max(self.peak, working())
            if was_below and self.peak >= self.n_threads:
                os.kill(os.getpid(), signal.SIGINT)

def interrupt(call, n_jobs):
    # Interrupts a call once its threads are there; none of them stays.
    until_none_works()
    interruption = Interruption(n_jobs)
    interruption.start()
    try:
        call()
        raise SystemExit("it has ended before it was interrupted")
    except KeyboardInterrupt:
        pass
    interruption.ended.set()
    interruption.join()
    assert interruption.peak == n_jobs, (interruption.peak, n_jobs)
    until_none_works()

if __name__ == "__main__":
"""


def start(tmp_path, script, **environment):
    """Run a script in a Python of its own."""
    file = tmp_path / "script.py"
    file.write_text(SETUP + textwrap.indent(textwrap.dedent(script), "    "))
    return subprocess.Popen(
        [sys.executable, file], stdout=subprocess.PIPE, text=True, env={**os.environ, **environment}
    )


def run(tmp_path, script, **environment):
    """Run a script to its end, which must come in time and be a good one, and return what it printed."""
    with start(tmp_path, script, **environment) as process:
        try:
            printed, _ = process.communicate(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    assert process.returncode == 0
    return printed


def test_a_process_that_was_forked_after_a_fit_can_fit(tmp_path):
    script = """
        expected = work()
        child = os.fork()
        if child == 0:
            signal.alarm(1500)
            os._exit(0 if work() == expected else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert work() == expected
    """
    run(tmp_path, script)


def test_a_pool_of_forked_processes_works_with_what_was_fitted_before(tmp_path):
    script = """
        import multiprocessing
        expected = work()
        knn = handful.KNeighborsClassifier(n_jobs=2).fit(X, y)
        with multiprocessing.get_context("fork").Pool(2) as pool:
            assert pool.map_async(work, [1, 2, 3]).get(1500) == [expected] * 3
            parts = pool.map_async(knn.predict, np.array_split(X, 3)).get(1500)
        assert (np.concatenate(parts) == knn.predict(X)).all()
    """
    run(tmp_path, script)


def test_workers_of_joblib_agree_and_share_the_cpus_as_it_says(tmp_path):
    script = """
        from joblib import Parallel, delayed, parallel_config
        expected = work()
        for backend in ("threading", "multiprocessing", "loky"):
            with Parallel(n_jobs=2, backend=backend) as workers:
                print(backend, workers(delayed(n_threads)(n_jobs) for n_jobs in (None, -1, 1)))
                assert workers(delayed(work)(None) for _ in range(3)) == [expected] * 3
        with parallel_config(backend="loky", inner_max_num_threads=2):
            print("shares", Parallel(n_jobs=2)(delayed(n_threads)(n_jobs) for n_jobs in (None, -1)))
    """
    assert run(tmp_path, script, OMP_NUM_THREADS="").splitlines() == [
        "threading [1, 1, 1]",
        "multiprocessing [1, 1, 1]",
        "loky [1, 1, 1]",
        "shares [2, 2]",
    ]


def test_a_process_that_may_use_one_cpu_has_one_thread(tmp_path):
    script = """
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        print(n_threads(None), n_threads(-1))
    """
    assert run(tmp_path, script, OMP_NUM_THREADS="") == "1 1\n"


def test_n_jobs_is_a_number_of_threads_or_of_cpus_to_leave(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    cpus = len(os.sched_getaffinity(0))
    assert [n_threads(n) for n in (1, 3, 10**9)] == [min(n, os.cpu_count()) for n in (1, 3, 10**9)]
    assert n_threads(None) == n_threads(-1) <= cpus
    assert n_threads(-2) == max(1, n_threads(-1) - 1)
    assert n_threads(-1000) == 1
    with pytest.raises(ValueError, match="n_jobs is 0: expected a number of threads"):
        n_threads(0)


def test_omp_num_threads_is_a_limit_unless_n_jobs_says_otherwise(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1,4")
    assert (n_threads(None), n_threads(-1), n_threads(2)) == (1, 1, min(2, os.cpu_count()))
    monkeypatch.setenv("OMP_NUM_THREADS", "1000")
    assert n_threads(None) <= len(os.sched_getaffinity(0))
    monkeypatch.setenv("OMP_NUM_THREADS", "nonsense")
    assert n_threads(None) >= 1


def test_the_configuration_of_joblib_is_what_none_stands_for():
    with parallel_config(n_jobs=1):
        assert (n_threads(None), n_threads(2)) == (1, min(2, os.cpu_count()))
    with parallel_config(backend="threading", n_jobs=2):
        assert Parallel()(delayed(n_threads)(None) for _ in range(2)) == [1, 1]


# All would take hours if they were not interrupted, which no other Python thread could do if they held its lock.
def test_ctrl_c_from_another_thread_ends_work_of_as_many_threads_as_were_asked_for(tmp_path, clone):
    script = f"""
        X, y, _, _ = handful.datasets.load({str(clone / "data" / "mnist")!r})
        endless = dict(n_init=10**6, random_state=0)
        for n_jobs in {{1, min(2, os.cpu_count()), min(3, os.cpu_count())}}:
            interrupt(lambda: handful.KMeans(20, n_jobs=n_jobs, **endless).fit(X), n_jobs)
        interrupt(lambda: handful.KMeans(20, n_jobs=1, **endless).fit(X[:5000] / 7), 1)
        interrupt(lambda: handful.PrototypeClassifier(n_jobs=1, **endless).fit(X[:5000], y[:5000]), 1)
        work()
        print("usable")
    """
    assert run(tmp_path, script) == "usable\n"


# These take seconds at the least. That they end at the next report of progress is tested in Rust.
def test_ctrl_c_ends_a_training_and_questions_and_leaves_all_usable(tmp_path, clone):
    script = f"""
        X, y, _, _ = handful.datasets.load({str(clone / "data" / "mnist")!r})
        knn = handful.KNeighborsClassifier(algorithm="brute", n_jobs=1).fit(X, y)
        model = handful.load_model("best", n_jobs=1)
        interrupt(lambda: handful.train_model(X, y, n_jobs=1), 1)
        interrupt(lambda: knn.kneighbors(X), 1)
        interrupt(lambda: model.predict(X), 1)
        assert (knn.kneighbors(X[:5], 1)[1].ravel() == range(5)).all()
        assert (model.predict(X[:5]) == y[:5]).all()
        work()
        print("usable")
    """
    assert run(tmp_path, script) == "usable\n"


def test_any_number_of_threads_gives_the_same_bits(mnist):
    X, y = mnist.X_train[:2500], mnist.y_train[:2500]

    def answers(n_jobs):
        for rows in (X, X / 7, (X / 7).astype(np.float32)):
            kmeans = handful.KMeans(20, random_state=0, n_jobs=n_jobs).fit(rows)
            yield from (kmeans.labels_, kmeans.inertia_, kmeans.cluster_centers_, kmeans.n_iter_)
            yield from handful.KNeighborsClassifier(n_jobs=n_jobs).fit(rows, y).kneighbors(rows[:300])
            prototypes = handful.PrototypeClassifier(5, random_state=0, n_jobs=n_jobs).fit(rows, y)
            yield from (prototypes.prototypes_, prototypes.inertia_, prototypes.predict(rows))
        yield handful.KMeansFeatures(20, random_state=0, n_jobs=n_jobs).fit_transform(X)
        yield handful.GradientFeatures(n_jobs=n_jobs).fit_transform(X)
        yield np.frombuffer(handful.train_model(X, y, preset="tiny", n_jobs=n_jobs).to_bytes(), np.uint8)

    for one, three in zip(answers(1), answers(3), strict=True):
        assert_array_equal(one, three)


def test_threads_may_ask_one_estimator_at_once(mnist):
    queries = mnist.X_test[:600]
    knn = handful.KNeighborsClassifier(n_jobs=2).fit(mnist.X_train[:5000], mnist.y_train[:5000])
    model = handful.load_model("fast", n_jobs=2)
    for ask, X in [(knn.predict, queries), (knn.predict, queries + 0.5), (model.predict, queries)]:
        with ThreadPoolExecutor(4) as pool:
            parts = list(pool.map(ask, np.array_split(X, 12)))
        assert_array_equal(np.concatenate(parts), ask(X))


@pytest.mark.parametrize(
    ("name", "work", "stage"),
    [
        ("KMeans", lambda x, y, **v: handful.KMeans(**v).fit(x), r"converged after \d+ iterations"),
        ("KMeans", lambda x, y, **v: handful.KMeans(max_iter=1, **v).fit(x), "ended by max_iter=1 after 1 iteration"),
        (
            "KMeansFeatures",
            lambda x, y, **v: handful.KMeansFeatures(**v).fit(x),
            r"(converged|ended by max_iter=20) after \d+ iterations",
        ),
        (
            "PrototypeClassifier",
            lambda x, y, **v: handful.PrototypeClassifier(**v).fit(x, y, np.ones(len(x))),
            r"converged after \d+ iterations",
        ),
        ("PrototypeClassifier", lambda *xy, **v: handful.PrototypeClassifier(**v).fit(*xy), "runs: 10 of 10"),
        ("train_model", lambda x, y, **v: handful.train_model(x, y, preset="tiny", **v), "pass: 3000 of 3000"),
        (
            "KNeighborsClassifier",
            lambda x, y, **v: handful.KNeighborsClassifier(**v).fit(x, y).predict(x),
            "search: 3000 of 3000",
        ),
    ],
)
def test_verbose_tells_how_far_the_work_is_and_silence_is_the_default(mnist, capsys, name, work, stage):
    X, y = mnist.X_train[:3000], mnist.y_train[:3000]
    work(X, y)
    assert capsys.readouterr() == ("", "")
    work(X, y, verbose=1)
    printed, wrong = capsys.readouterr()
    assert re.fullmatch(rf"\[{name}\] {stage}", printed.splitlines()[-1])
    assert all(line.startswith(f"[{name}] ") for line in printed.splitlines())
    assert wrong == ""


def test_what_goes_wrong_while_progress_is_told_is_raised(mnist, monkeypatch):
    closed = io.StringIO()
    closed.close()
    with monkeypatch.context() as patched, pytest.raises(ValueError, match="closed file"):
        patched.setattr(sys, "stdout", closed)
        handful.KMeans(200, n_init=50, verbose=1).fit(mnist.X_train)
    handful.KMeans(5).fit(mnist.X_train[:100])
