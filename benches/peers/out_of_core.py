"""Compare K-Means and exact neighbours under a memory limit with the same jobs in memory.

    make scale                                             # makes the images, and runs this and others
    python benches/peers/out_of_core.py target/scale/digits

The folder holds training images that `handful augment` has written; the queries are MNIST's test images. Jobs take
turns within a round, each in its own process. Seconds are for the whole command, including reading. Both ways must
produce the same bytes. With a memory limit, the peak memory of the process must stay below the limit by the system's
own share.
"""

import filecmp
import struct
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import cli
import data
import options
from machine import facts, use_cpus
from record import Record, spread, table

LIMIT, MOST_BYTES = "512M", 600e6
PER_CLASS, N_ITER = 100, 20
N_NEIGHBORS = 3
SIZES = [250_000, 500_000, 1_000_000, 2_000_000]
MOST_TIMES = 1.5
MOST_SPREAD = 0.15


def main() -> None:
    asked = parser().parse_args()
    binary = asked.handful or cli.build()
    record = Record()
    n_threads = max(asked.threads)
    use_cpus(n_threads)
    failures: list[str] = []
    with tempfile.TemporaryDirectory(prefix="handful-scale-") as folder:
        there = count(asked.folder)
        sizes = [size for size in SIZES if size < there] + [there] if not asked.quick else [there]
        for round_ in range(asked.rounds):
            for size in sizes:
                part = head(asked.folder, size, Path(folder) / str(size))
                failures += clusters(binary, part, size, n_threads, record, round_, Path(folder))
            failures += neighbours(binary, asked.folder, n_threads, record, round_, Path(folder))
        failures += report(record, sizes, n_threads, asked.quick)
        errors(binary, asked.folder, Path(folder), there, n_threads)
    record.close("out-of-core", facts(), part=asked.quick)
    if failures:
        raise SystemExit("\n".join(["", *failures]))


def parser():
    found = options.parser(__doc__, "any number of images, one round, no record")
    found.add_argument("folder", type=Path, help="images to learn from, as `handful augment` writes them")
    return found


def count(folder: Path) -> int:
    """Images in an IDX file."""
    with (folder / "train-images-idx3-ubyte").open("rb") as file:
        return struct.unpack(">I", file.read(8)[4:])[0]


def head(folder: Path, size: int, to: Path) -> Path:
    """The first images of a folder, as another; the folder itself if these are all."""
    if size == count(folder):
        return folder
    if not to.exists():
        to.mkdir()
        for name, start, row in [("train-images-idx3-ubyte", 16, 784), ("train-labels-idx1-ubyte", 8, 1)]:
            with (folder / name).open("rb") as source, (to / name).open("wb") as target:
                header = bytearray(source.read(start))
                header[4:8] = struct.pack(">I", size)
                target.write(header)
                left = size * row
                while left:
                    block = source.read(min(left, 1 << 24))
                    target.write(block)
                    left -= len(block)
    return to


def timed(command: list) -> dict:
    """The JSON summary of a command, and the seconds that it took as a whole."""
    start = time.perf_counter()
    found = cli.summary(command, None)
    return {**found, "wall": time.perf_counter() - start}


def clusters(binary, folder, size, n_threads, record, round_, out) -> list[str]:
    """K-Means of each class, in memory and on disk."""
    files, job = {}, [binary, "--threads", n_threads, "--json", "cluster", "--data", folder, "--per-class"]
    job += ["--clusters", PER_CLASS, "--max-iter", N_ITER, "--tol", 0]
    for way, more in [("memory", []), ("disk", ["--memory-limit", LIMIT])]:
        files[way] = out / f"clusters-{way}.npz"
        found = timed([*job, *more, "-o", files[way]])
        record.add(f"kmeans-{way}-{size}", n_threads, round_, seconds=found["wall"], peak=found["peak_bytes"])
    same = filecmp.cmp(files["memory"], files["disk"], shallow=False)
    return [] if same else [f"K-Means of {size:,} images: other bytes on disk than in memory"]


def neighbours(binary, folder, n_threads, record, round_, out) -> list[str]:
    """The nearest of all images for each of MNIST's test images."""
    files, job = {}, [binary, "--threads", n_threads, "--json", "neighbors", "--data", folder]
    job += ["--queries", data.MNIST, "--n-neighbors", N_NEIGHBORS]
    for way, more in [("memory", []), ("disk", ["--memory-limit", LIMIT])]:
        files[way] = out / f"neighbors-{way}.npz"
        found = timed([*job, *more, "-o", files[way]])
        record.add(f"knn-{way}", n_threads, round_, seconds=found["wall"], peak=found["peak_bytes"])
    same = filecmp.cmp(files["memory"], files["disk"], shallow=False)
    return [] if same else ["neighbours: other bytes on disk than in memory"]


def report(record: Record, sizes: list[int], n_threads: int, quick: bool) -> list[str]:
    """Print the measurements, and return the missed targets."""
    failures, rows, per_row = [], [], {}
    jobs = [(f"{size:,} images, {PER_CLASS} clusters a class", f"kmeans-{{}}-{size}") for size in sizes]
    for title, name in [*jobs, (f"{N_NEIGHBORS} neighbours of 10,000 images", "knn-{}")]:
        memory, disk = (record.values(name.format(way), n_threads, "seconds") for way in ["memory", "disk"])
        times = [b / a for a, b in zip(memory, disk, strict=True)]
        peaks = [max(record.values(name.format(way), n_threads, "peak")) for way in ["memory", "disk"]]
        rows.append([title, spread(memory), spread(disk), spread(times), *(f"{peak / 1e6:,.0f}" for peak in peaks)])
        if not quick and peaks[1] > MOST_BYTES:
            failures.append(f"{title}: held {peaks[1] / 1e6:,.0f} MB, expected {MOST_BYTES / 1e6:,.0f} at most")
        if not quick and name == f"kmeans-{{}}-{sizes[-1]}" and float(np.median(times)) > MOST_TIMES:
            failures.append(f"{title}: {np.median(times):.2f} times as long as in memory")
    print(table(["job", "in memory, s", f"in {LIMIT}, s", "times", "MB", "MB"], rows))
    for size in sizes:
        per_row[size] = record.median(f"kmeans-disk-{size}", n_threads, "seconds") / size * 1e6
    print("\nMicroseconds an image: " + ", ".join(f"{size:,}: {value:.2f}" for size, value in per_row.items()))
    print(f"The slowest takes {100 * (max(per_row.values()) / min(per_row.values()) - 1):.0f} % more than the fastest")
    differences = [abs(per_row[size] / per_row[sizes[0]] - 1) for size in sizes]
    if not quick and max(differences) > MOST_SPREAD:
        failures.append(f"time an image differs by more than {100 * MOST_SPREAD:.0f} % from that of the fewest")
    return failures


def errors(binary, folder: Path, out: Path, n_images: int, n_threads: int) -> None:
    """Print the error of nearest neighbours on the test images, with and without the generated images."""
    job = [binary, "--threads", n_threads, "--json", "neighbors", "--queries", data.MNIST]
    cli.summary([*job, "--n-neighbors", N_NEIGHBORS, "--data", data.MNIST, "-o", out / "plain.npz"], None)
    truth = data.labels(data.MNIST, "t10k")
    made = np.fromfile(folder / "train-labels-idx1-ubyte", np.uint8, offset=8)
    for title, file, labels in [
        ("60,000 images", out / "plain.npz", data.labels(data.MNIST, "train")),
        (f"{n_images:,} images", out / "neighbors-disk.npz", made),
    ]:
        votes = labels[np.load(file)["indices"]]
        # The majority of three, or else the nearest.
        voted = np.where(votes[:, 1] == votes[:, 2], votes[:, 1], votes[:, 0])
        print(f"Error of {N_NEIGHBORS} neighbours among {title}: {100 * np.mean(voted != truth):.2f} %")


if __name__ == "__main__":
    main()
