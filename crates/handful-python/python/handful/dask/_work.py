"""Work as Dask's tasks: with names that tell what they are, and on a cluster that can do it."""

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

#: A worker runs as many tasks at once as it has threads, so that each has one.
TASK_THREADS = 1


def task(name: str, function: Callable[..., Any], *arguments: Any) -> Delayed:
    """Return a call as a task, which Dask's dashboard shows by this name."""
    return delayed(function, pure=False)(*arguments, dask_key_name=f"handful-{name}-{uuid4().hex}")


def current_client() -> Client | None:
    """Return the client whose cluster works; without one it is this process's threads."""
    try:
        return get_client()
    except ValueError:
        return None


def persist(tasks: Sequence[Delayed]) -> list[Delayed]:
    """Start tasks whose results stay on the workers; what is lost with a worker is made again."""
    client = current_client()
    if client is None:
        return list(dask.persist(*tasks, optimize_graph=False))
    return list(client.persist(list(tasks), optimize_graph=False))


def compute(tasks: Sequence[Delayed]) -> list[Any]:
    """Return the tasks' results."""
    client = current_client()
    if client is None:
        return list(dask.compute(*tasks, optimize_graph=False))
    try:
        # Many centroids make a graph large, in which they are once.
        with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1 TiB"}):
            futures = client.compute(list(tasks), optimize_graph=False)
        return list(client.gather(futures))
    except Exception:
        # It may have come from a worker that has joined since.
        check_workers(client)
        raise


def check_workers(client: Client | None = None) -> None:
    """Raise an error that names those of the cluster that lack this package, or have another version of it."""
    client = client or current_client()
    if client is None:
        return

    # What is inside of a function is sent as it is, and not as a name that is to be imported.
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
            f"expected handful[dask] {__version__}, which this client has, on the whole cluster: {', '.join(wrong)}; "
            f"install it there (pip install 'handful[dask]=={__version__}'), and start those again"
        )


def spread(blocks: Sequence[Delayed], sizes: Sequence[int]) -> list[Delayed]:
    """Have workers with more rows for each thread than others hand blocks on, as a pass takes as long as the last."""
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
    """Return what is given."""
    return value


class Kept:
    """What a worker makes of a partition's rows, and keeps beside them.

    It is never sent: where it is missing, as on another worker, it is made anew, which takes time and changes no
    result.
    """

    def __init__(self, make: Callable[..., Any], bytes_a_row: int) -> None:
        self._make, self._bytes_a_row = make, bytes_a_row
        self._made: Any = None
        self._n_rows = 0
        self._lock = Lock()

    def of(self, rows: Bytes, *others: Any) -> Any:
        """Return what there is of these rows, and of what comes with them; they are always the same."""
        with self._lock:
            if self._made is None:
                self._made, self._n_rows = self._make(rows, *others), len(rows)
            return self._made

    def __sizeof__(self) -> int:
        # Dask asks, and writes results to disk when memory gets short.
        return object.__sizeof__(self) + self._bytes_a_row * self._n_rows

    def __reduce__(self) -> tuple[Any, ...]:
        return Kept, (self._make, self._bytes_a_row)


def keep(name: str, make: Callable[..., Any], bytes_a_row: int, parts: Sequence[Sequence[Any]]) -> list[Delayed]:
    """Have the workers make something of the rows of each part, and what comes with them, and keep it."""
    return persist([task(name, _kept, make, bytes_a_row, *part) for part in parts])


def _kept(make: Callable[..., Any], bytes_a_row: int, rows: Bytes, *others: Any) -> Kept:
    kept = Kept(make, bytes_a_row)
    kept.of(np.ascontiguousarray(rows), *others)
    return kept


def merged(name: str, merge: Callable[..., Any], parts: Sequence[Delayed], *others: Any) -> Delayed:
    """Return what a function makes of neighbouring parts, and of what it makes of them, until one is left."""
    together = 8
    while True:
        groups = [parts[start : start + together] for start in range(0, len(parts), together)]
        parts = [task(name, _merge, merge, len(group), *group, *others) for group in groups]
        if len(parts) == 1:
            return parts[0]


def _merge(merge: Callable[..., Any], n_parts: int, *arguments: Any) -> Any:
    """Call with the first arguments as a list: of tasks in lists Dask forgets that they need what is persisted."""
    return merge(list(arguments[:n_parts]), *arguments[n_parts:])
