"""Estimate the cost of K-Means of very many images on many machines, from rates measured on one.

    python benches/peers/cost_model.py                          # 10^9 images on 100 workers
    python benches/peers/cost_model.py --images 8e6 --workers 4 --cores 8

A pass sends all centroids to every worker. The worker reads those of its rows that may have moved, compares them with
the centroids of their class, and sends back sums of whole numbers, which are added in pairs on the way. The rates
were measured on one core of the machine named in docs/beyond-one-machine.md. The network is assumed.
"""

from argparse import ArgumentDefaultsHelpFormatter, ArgumentParser, RawDescriptionHelpFormatter
from math import ceil, log2


class Formatter(ArgumentDefaultsHelpFormatter, RawDescriptionHelpFormatter):
    """Show defaults, and the text above without reformatting."""


def main() -> None:
    parser = ArgumentParser(description=__doc__, formatter_class=Formatter)
    add = parser.add_argument
    add("--images", type=float, default=1e9, metavar="N")
    add("--features", type=int, default=784, metavar="D", help="bytes an image")
    add("--classes", type=int, default=10, metavar="C")
    add("--clusters", type=int, default=100, metavar="K", help="of each class")
    add("--passes", type=int, default=20, metavar="P")
    add("--workers", type=int, default=100, metavar="W")
    add("--cores", type=int, default=8, metavar="N", help="of each worker")
    add("--open", type=float, default=0.35, metavar="SHARE", help="rows that a later pass looks at, on average")
    add("--macs", type=float, default=250e9, metavar="RATE", help="products of bytes a second and core, in such passes")
    add("--sums", type=float, default=4e6, metavar="RATE", help="rows added to sums a second and core")
    add("--disk", type=float, default=1e9, metavar="RATE", help="bytes read a second and worker")
    add("--network", type=float, default=1.25e9, metavar="RATE", help="bytes a second and worker: 10 Gbit/s")
    add("--latency", type=float, default=0.02, metavar="SECONDS", help="of a task, scheduling included")
    asked = parser.parse_args()

    rows = asked.images / asked.workers
    numbers = asked.classes * asked.clusters * (asked.features + 2) * 8
    centroids, sums = numbers, numbers + asked.classes * asked.clusters * 8
    first = costs(asked, rows, 1.0)
    later = costs(asked, rows, asked.open)
    hops = ceil(log2(asked.workers)) if asked.workers > 1 else 0
    exchange = (hops * (centroids + sums)) / asked.network + 2 * (1 + hops) * asked.latency
    print(f"{asked.images:,.0f} images of {asked.features} bytes, {asked.images * asked.features / 1e12:.2f} TB;")
    print(f"{asked.workers} workers with {asked.cores} cores: {rows * asked.features / 1e9:.2f} GB each")
    print(f"{asked.classes} classes x {asked.clusters} clusters, {asked.passes} passes\n")
    print("| a pass | the first | a later one |\n| --- | ---: | ---: |")
    names = ["bytes read by a worker", "products of bytes by a worker", "rows added to sums by a worker"]
    for name, one, other in zip(names, first[0], later[0], strict=True):
        print(f"| {name} | {one:.2e} | {other:.2e} |")
    print(f"| bytes sent to and by a worker | {centroids + sums:.2e} | {centroids + sums:.2e} |")
    parts = ["reading", "comparing", "adding"]
    for name, one, other in zip(parts, first[1], later[1], strict=True):
        print(f"| {name}, s | {one:.2f} | {other:.2f} |")
    print(f"| exchange, s | {exchange:.2f} | {exchange:.2f} |")
    one, other = sum(first[1]) + exchange, sum(later[1]) + exchange
    print(f"| together, s | {one:.2f} | {other:.2f} |\n")
    print(f"All passes: {one + (asked.passes - 1) * other:,.0f} s; seeding and the first opening of files come on top.")


def costs(asked, rows: float, share: float) -> tuple[list[float], list[float]]:
    """Operations of a worker in a pass, and their seconds."""
    operations = [rows * asked.features, share * rows * asked.clusters * asked.features, share * rows]
    cores = asked.cores
    rates = [asked.disk, asked.macs * cores, asked.sums * cores]
    return operations, [count / rate for count, rate in zip(operations, rates, strict=True)]


if __name__ == "__main__":
    main()
