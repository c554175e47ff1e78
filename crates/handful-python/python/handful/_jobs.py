"""The number of threads, progress output, and the random seed."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from numbers import Integral
from typing import Any

import numpy as np
from joblib import effective_n_jobs
from joblib.parallel import get_active_backend
from sklearn.utils import check_random_state

from handful._types import Progress


def n_threads(n_jobs: int | None) -> int:
    """Return the number of threads that `n_jobs` stands for.

    None and -1 mean all CPUs that the process or its container may use, but at most ``OMP_NUM_THREADS``. In a
    joblib worker or a Dask task, which share the CPUs with others, they mean one thread, or ``OMP_NUM_THREADS``
    threads if it is set.
    """
    if n_jobs == 0:
        raise ValueError("n_jobs is 0: expected a number of threads, None, or -1 for all CPUs")
    if n_jobs is None or n_jobs < 0:
        backend, configured = get_active_backend()
        if n_jobs is None and configured is not None:
            n_jobs = configured
    if n_jobs is not None and n_jobs > 0:
        # More threads than CPUs would slow each other down.
        return min(n_jobs, os.cpu_count() or 1)
    limit = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0]
    share = int(limit) if limit.isdecimal() and int(limit) > 0 else None
    is_beside_others = backend.nesting_level or _is_task_of_dask()
    cpus = 1 if is_beside_others else effective_n_jobs(-1)
    available = share or cpus if is_beside_others else min(cpus, share or cpus)
    return max(1, available + 1 + (-1 if n_jobs is None else n_jobs))


def _is_task_of_dask() -> bool:
    """Return whether this runs on a Dask worker, which runs one task per thread at the same time."""
    distributed = sys.modules.get("distributed")
    if distributed is None:
        return False
    try:
        distributed.get_worker()
    except ValueError:
        return False
    return True


def seed(random_state: Any) -> int:
    """Return a whole number unchanged, so that it has the same effect everywhere; otherwise, draw a number."""
    if isinstance(random_state, Integral) and (whole := int(random_state)) >= 0:
        return whole
    return int(check_random_state(random_state).randint(np.iinfo(np.int32).max))


def progress(name: str, verbose: int) -> Progress | None:
    """Return a function that prints progress: at the start of each stage, then once a second, and at the end.

    Nobody knows how many iterations of Lloyd's algorithm there will be: `tell_end` prints how many there were.
    """
    if not verbose:
        return None
    stages: dict[str, float] = {}

    def tell(stage: str, done: int, total: int) -> None:
        now = time.monotonic()
        if now >= stages.get(stage, now) or done == total:
            stages[stage] = now + 1
            if stage != "lloyd":
                print(f"[{name}] {stage}: {done} of {total}", flush=True)
            elif done < total:
                print(f"[{name}] {stage}: iteration {done + 1} of at most {total}", flush=True)

    return tell


def tell_end(name: str, verbose: int, n_iter: Sequence[int], max_iter: int) -> None:
    """Print after how many iterations the runs of K-Means have ended, which are one run or one for each class."""
    if verbose:
        how = "converged" if max(n_iter) < max_iter else f"ended by max_iter={max_iter}"
        iterations = "1 iteration" if sum(n_iter) == 1 else f"{sum(n_iter)} iterations"
        print(f"[{name}] {how} after {iterations}", flush=True)
