"""Lloyd's iteration over partitions that stay on the workers.

In each pass, the workers receive the centroids. For each partition and each centroid, they compute the number, the sum
and the squared lengths of the rows that are nearest to it. These are whole numbers, which the workers add up. The
result is therefore the same, bit for bit, for any partitioning, and if work is repeated because a worker is lost.

The rows may belong to several groups. Each group is clustered separately, with its own random numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
from dask.delayed import Delayed
from numpy.typing import NDArray

from handful import _core
from handful._core import Stats, Steps
from handful._types import Bytes, Farthest, Fractions, KMeansParams, Progress
from handful.dask._partitions import Labels, Partitions
from handful.dask._work import TASK_THREADS, Kept, compute, keep, merged, same, task

#: Runs with at most this total number of centroids are done together, in shared passes over the rows.
CENTROIDS_TOGETHER = 1024

#: Memory of a shard per row, and per row and run, in addition to the rows.
ROW_BYTES, RUN_BYTES = 2, 8


class Group(NamedTuple):
    """Rows that are clustered separately: the stream of their random numbers, and the parameters of K-Means."""

    stream: int
    params: KMeansParams


class Part(NamedTuple):
    """The rows of a partition, their groups if there are several, and the index of the first row."""

    rows: Delayed
    groups: Delayed | None
    first: int


class Rows:
    """Rows on the workers, in one or several groups."""

    def __init__(self, rows: Partitions, labels: Labels | None = None) -> None:
        filled = rows.filled()
        groups = labels.blocks if labels else [None] * len(rows.blocks)
        self.parts = [Part(rows.blocks[number], groups[number], rows.starts[number]) for number in filled]
        counts = labels.counts[filled] if labels else np.array([[rows.sizes[number]] for number in filled])
        #: Number of each group's rows before each partition, and in total; shape (n_partitions + 1, n_groups).
        self.before = np.vstack([np.zeros_like(counts[:1]), np.cumsum(counts, axis=0)])

    def shards(self, n_runs: int) -> list[Delayed]:
        """Have the workers prepare their rows for `n_runs` simultaneous runs."""
        make = partial(_shard, self.before.shape[1], n_runs)
        return keep("shard", make, ROW_BYTES + n_runs * RUN_BYTES, [part[:2] for part in self.parts])

    def start(self, number: int, group: Group, run: int) -> Delayed:
        """Return the initial centroids of a run of a group: given ones, or rows that a worker chooses from a sample."""
        if not isinstance(group.params["init"], str):
            return task("start", _core.given_centroids, group.params["init"])
        before = self.before[:, number].tolist()
        place = (before[-1], group.stream, run)
        wanted = task("draw", _core.start_rows, group.params, place)
        samples = [
            task("sample", _sample, part.rows, part.groups, number, wanted, first, last)
            for part, first, last in zip(self.parts, before, before[1:], strict=False)
            if first < last
        ]
        return task("start", _start, group.params, place, wanted, *samples)

    def tolerances(self, groups: Sequence[Group], shards: Sequence[Delayed]) -> list[float]:
        """Return the absolute tolerance of each group: `tol` is relative to the mean variance of the features."""
        if not any(group.params["tol"] for group in groups):
            return [0.0] * len(groups)
        totals = [task("totals", _totals, shard, *part[:2]) for shard, part in zip(shards, self.parts, strict=True)]
        stats: list[Stats] = compute([merged("sum", _sum, totals)])[0]
        return [group.params["tol"] * total.mean_variance() for group, total in zip(groups, stats, strict=True)]


def lloyd(rows: Rows, groups: Sequence[Group], n_init: int, tell: Progress | None) -> list[Steps]:
    """Return the run with the lowest inertia for each group."""
    found: list[list[Steps]] = [[] for _ in groups]
    tols: list[float] = []
    together = max(1, CENTROIDS_TOGETHER // sum(group.params["n_clusters"] for group in groups))
    for first in range(0, n_init, together):
        runs = range(first, min(n_init, first + together))
        shards = rows.shards(len(runs))
        tols = tols or rows.tolerances(groups, shards)
        starts = iter(compute([rows.start(number, group, run) for number, group in enumerate(groups) for run in runs]))
        sets = [
            Steps(next(starts), group.params["max_iter"], tol)
            for group, tol in zip(groups, tols, strict=True)
            for _ in runs
        ]
        _passes(rows, shards, sets, groups[0].params["max_iter"], tell)
        for number, of_group in enumerate(found):
            of_group += sets[number * len(runs) : (number + 1) * len(runs)]
    return [min(of_group, key=lambda run: run.inertia) for of_group in found]


def _passes(rows: Rows, shards: Sequence[Delayed], sets: Sequence[Steps], max_iter: int, tell: Progress | None) -> None:
    """Pass over all rows until all runs have ended."""
    while not all(run.has_ended for run in sets):
        if tell is not None:
            tell("lloyd", max(run.n_iter for run in sets), max_iter)
        sent = task("centroids", same, [None if run.has_ended else run.centroids for run in sets])
        parts = list(zip(shards, rows.parts, strict=True))
        assigned = [task("assign", _assign, shard, *part[:2], sent) for shard, part in parts]
        found: list[Stats | None] = compute([merged("sum", _sum, assigned)])[0]
        for number, (run, stats) in enumerate(zip(sets, found, strict=True)):
            if stats is None:
                continue
            farthest = None
            if run.wants_farthest(stats):
                far = [task("far", _farthest, shard, *part, number, sent) for shard, part in parts]
                farthest = compute([merged("farthest", _merge, far, number, sent)])[0]
            run.step(stats, farthest)
    if tell is not None:
        tell("lloyd", max_iter, max_iter)


def _shard(n_groups: int, n_runs: int, rows: Bytes, groups: NDArray[np.intp] | None) -> _core.Shard:
    return _core.Shard(rows, None if groups is None else groups.astype(np.uint32), n_groups, n_runs)


def _sample(
    rows: Bytes, groups: NDArray[np.intp] | None, group: int, wanted: NDArray[np.int64], first: int, last: int
) -> Bytes:
    """Return the wanted rows of a group, in order, if this partition holds rows `first` to `last` of the group."""
    numbers = np.sort(wanted[(first <= wanted) & (wanted < last)]) - first
    return rows[numbers] if groups is None else rows[np.flatnonzero(groups == group)[numbers]]


def _start(params: KMeansParams, place: tuple[int, int, int], wanted: NDArray[np.int64], *samples: Bytes) -> Fractions:
    rows = np.concatenate(samples)[np.argsort(np.argsort(wanted))]
    return _core.start_centroids(params, place, rows, TASK_THREADS)


def _totals(shard: Kept, rows: Bytes, groups: NDArray[np.intp] | None) -> list[Stats]:
    return _found(shard, rows, groups).totals(TASK_THREADS)


def _assign(
    shard: Kept, rows: Bytes, groups: NDArray[np.intp] | None, centroids: list[Fractions | None]
) -> list[Stats | None]:
    return _found(shard, rows, groups).pass_over(centroids, TASK_THREADS)


def _sum(parts: list[list[Stats | None]]) -> list[Stats | None]:
    """Add up the statistics for each set of centroids."""
    sets = ([stats for stats in of_set if stats is not None] for of_set in zip(*parts, strict=True))
    return [Stats.sum(stats) if stats else None for stats in sets]


def _farthest(
    shard: Kept, rows: Bytes, groups: NDArray[np.intp] | None, first: int, number: int, sent: list[Fractions]
) -> Farthest:
    return _found(shard, rows, groups).farthest(number, sent[number], first, TASK_THREADS)


def _merge(parts: list[Farthest], number: int, sent: list[Fractions]) -> Farthest:
    return _core.merge_farthest(sent[number], parts)


def _found(shard: Kept, rows: Bytes, groups: NDArray[np.intp] | None) -> _core.Shard:
    made: _core.Shard = shard.of(np.ascontiguousarray(rows), groups)
    return made
