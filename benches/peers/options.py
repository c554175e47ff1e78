"""Command-line options of all scripts."""

from argparse import ArgumentParser, ArgumentTypeError, RawDescriptionHelpFormatter
from pathlib import Path

from machine import ALL_CPUS


def positive(text: str) -> int:
    """A number from 1."""
    if not text.isdecimal() or int(text) == 0:
        raise ArgumentTypeError(f"'{text}' is not a number from 1")
    return int(text)


def thread_counts(text: str) -> list[int]:
    """Numbers of threads; known beforehand to be possible."""
    counts = [positive(part) for part in text.split(",")]
    if max(counts) > len(ALL_CPUS):
        raise ArgumentTypeError(
            f"this process may use {len(ALL_CPUS)} CPUs, so that {max(counts)} is too many"
        )
    return counts


def parser(description: str, quick: str, binary: bool = True) -> ArgumentParser:
    """Return a parser with the common options; `--handful` only if the command is measured."""
    found = ArgumentParser(description=description, formatter_class=RawDescriptionHelpFormatter)
    threads = "1,2" if len(ALL_CPUS) > 1 else "1"
    found.add_argument("--rounds", type=positive, default=3, metavar="N", help="default: 3")
    found.add_argument("--threads", type=thread_counts, default=threads, metavar="N,...", help="default: 1,2")
    found.add_argument("--quick", action="store_true", help=quick)
    if binary:
        found.add_argument(
            "--handful", type=Path, metavar="PATH", help="binary to measure (default: built anew)"
        )
    return found
