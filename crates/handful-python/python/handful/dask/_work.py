"""Work as Dask tasks with meaningful names, on a cluster that is checked for this package."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Lock
from typing import Any
from uuid import uuid4

import dask
import numpy as np
from dask.delayed import Delayed, delayed
from distributed import Client, get_client

from handful import __version__
from handful._types import Bytes

#: A worker runs one task per thread at the same time, so each task uses one thread.
TASK_THREADS = 1


def task(name: str, function: Callable[..., Any], *arguments: Any) -> Delayed:
    """Return a function call as a task with this name in Dask's dashboard."""
    return delayed(function, pure=False)(*arguments, dask_key_name=f"handful-{name}-{uuid4().hex}")


def current_client() -> Client | None:
    """Return the client of the cluster; without one, the threads of this process do the work."""
    try:
        return get_client()
    except ValueError:
        return None


def persist(tasks: Sequence[Delayed]) -> list[Delayed]:
    """Start tasks whose results stay on the workers; results that are lost with a worker are computed again."""
    client = current_client()
    if client is None:
        return list(dask.persist(*tasks, optimize_graph=False))
    return list(client.persist(list(tasks), optimize_graph=False))


def compute(tasks: Sequence[Delayed]) -> list[Any]:
    """Return the results of the tasks."""
    client = current_client()
    if client is None:
        return list(dask.compute(*tasks, optimize_graph=False))
    try:
        # Many centroids make a large graph, although it contains them only once.
        with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1 TiB"}):
            futures = client.compute(list(tasks), optimize_graph=False)
        return list(client.gather(futures))
    except Exception:
        # The error may come from a worker that has joined since the last check.
        check_workers(client)
        raise


def check_workers(client: Client | None = None) -> None:
    """Raise an error that names the workers, or the scheduler, without this version of the package."""
    client = client or current_client()
    if client is None:
        return

    # A nested function is sent by value, and not as a name to import.
    def version() -> str | None:
        try:
            import handful.dask
        except ImportError:
            return None
        return handful.__version__

    found = {f"worker {address}": there for address, there in client.run(version).items()}
    found["the scheduler"] = client.run_on_scheduler(version)
    wrong = [f"{who} has {there or 'none'}" for who, there in found.items() if there != __version__]
    if wrong:
        raise RuntimeError(
            f"expected handful[dask] {__version__} on the whole cluster, as on this client, but {', '.join(wrong)}: "
            f"install it there (pip install 'handful[dask]=={__version__}') and restart them"
        )


def spread(blocks: Sequence[Delayed], sizes: Sequence[int]) -> list[Delayed]:
    """Move blocks from workers with more rows per thread to others, as a pass takes as long as the slowest worker."""
    client, there = current_client(), list(blocks)
    if client is None:
        return there
    threads, places = client.nthreads(), client.who_has(there)
    on: dict[str, list[int]] = {worker: [] for worker in threads}
    for number, block in enumerate(blocks):
        first = next(iter(places.get(block.key, ())), None)
        if sizes[number] and first in on:
            on[first].append(number)

    def load(worker: str, more: int = 0) -> float:
        return float((sum(sizes[number] for number in on[worker]) + more) / threads[worker])

    while on:
        most, least = max(on, key=load), min(on, key=load)
        moved = next((number for number in on[most] if load(least, sizes[number]) < load(most)), None)
        if moved is None:
            break
        on[most].remove(moved)
        on[least].append(moved)
        with dask.annotate(workers=[least], allow_other_workers=True):
            (there[moved],) = persist([task("move", same, blocks[moved])])
    return there


def same(value: Any) -> Any:
    """Return the argument."""
    return value


class Kept:
    """An object that a worker makes from the rows of a partition and keeps next to them.

    It is never sent. If it is missing, for example on another worker, it is made again. This takes time, but does not
    change the result.
    """

    def __init__(self, make: Callable[..., Any], bytes_a_row: int) -> None:
        self._make, self._bytes_a_row = make, bytes_a_row
        self._made: Any = None
        self._n_rows = 0
        self._lock = Lock()

    def of(self, rows: Bytes, *others: Any) -> Any:
        """Return the object for these rows and arguments, which must be the same in every call."""
        with self._lock:
            if self._made is None:
                self._made, self._n_rows = self._make(rows, *others), len(rows)
            return self._made

    def __sizeof__(self) -> int:
        # Dask uses this size to decide when to write results to disk because memory is short.
        return object.__sizeof__(self) + self._bytes_a_row * self._n_rows

    def __reduce__(self) -> tuple[Any, ...]:
        return Kept, (self._make, self._bytes_a_row)


def keep(name: str, make: Callable[..., Any], bytes_a_row: int, parts: Sequence[Sequence[Any]]) -> list[Delayed]:
    """Have the workers make an object from the rows and other arguments of each part, and keep it."""
    return persist([task(name, _kept, make, bytes_a_row, *part) for part in parts])


def _kept(make: Callable[..., Any], bytes_a_row: int, rows: Bytes, *others: Any) -> Kept:
    kept = Kept(make, bytes_a_row)
    kept.of(np.ascontiguousarray(rows), *others)
    return kept


def merged(name: str, merge: Callable[..., Any], parts: Sequence[Delayed], *others: Any) -> Delayed:
    """Merge neighbouring parts with a function, and merge the results again, until one is left."""
    together = 8
    while True:
        groups = [parts[start : start + together] for start in range(0, len(parts), together)]
        parts = [task(name, _merge, merge, len(group), *group, *others) for group in groups]
        if len(parts) == 1:
            return parts[0]


def _merge(merge: Callable[..., Any], n_parts: int, *arguments: Any) -> Any:
    """Call `merge` with the first arguments as a list: in lists, Dask loses dependencies on persisted data."""
    return merge(list(arguments[:n_parts]), *arguments[n_parts:])
