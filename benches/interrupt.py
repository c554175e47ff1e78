"""Measure how soon `handful` ends after a signal during any command.

    python3 benches/interrupt.py                  # make bench

Each command is interrupted at random moments. It must end within half a second.
"""

import argparse
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PROMISE_SECONDS = 0.5
SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
MNIST = Path("data/mnist").resolve()
TRAIN = str(MNIST / "train-images-idx3-ubyte.gz")

# Jobs that take longer than they are given. `-` is an endless table; /dev/stdin never has any data.
JOBS = {
    "predict, a stream": ["predict", "--model", "best", "--format", "csv", "-"],
    "predict, many files": ["predict", "--model", "best", "--format", "csv", *[TRAIN] * 100],
    "evaluate": ["evaluate", "--model", "best", "--data", TRAIN],
    "train": ["train", "--preset", "best", "-o", "model"],
    "train, on disk": ["train", "--preset", "best", "--memory-limit", "2G", "-o", "model"],
    "compare": ["compare", "--n-init", "1000"],
    "cluster": ["cluster", "--clusters", "1000", "--n-init", "1000"],
    "neighbors": ["neighbors", "--queries", TRAIN, "--algorithm", "brute"],
    "augment": ["augment", "--count", "100000000", "-o", "big"],
    "train, no data come": ["train", "--data", "/dev/stdin", "-o", "model"],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--handful", default="target/release/handful", help="the program")
    parser.add_argument("--times", type=int, default=20, help="how often each command is ended")
    args = parser.parse_args()
    program, slow = Path(args.handful).resolve(), []
    choose = random.Random(0)
    for name, job in JOBS.items():
        found = [latency([program, *job], SIGNALS[i % 3], choose.uniform(0.3, 2.0)) for i in range(args.times)]
        print(f"{name:20} median {1000 * statistics.median(found):4.0f} ms, longest {1000 * max(found):4.0f} ms")
        slow += [name] if max(found) > PROMISE_SECONDS else []
    if slow:
        sys.exit(f"expected all to end within {PROMISE_SECONDS} s, found others: {', '.join(slow)}")


def latency(command: list[str | Path], number: int, after: float) -> float:
    """Return the seconds from the signal, sent after `after` seconds, to the end of the process."""
    with tempfile.TemporaryDirectory() as folder:
        source = subprocess.Popen(["yes", ",".join(["0"] * 784)], stdout=subprocess.PIPE)
        silence, kept_open = os.pipe()
        job = subprocess.Popen(
            command,
            cwd=folder,
            env=os.environ | {"HANDFUL_DATA": str(MNIST)},
            stdin=source.stdout if "-" in command else silence,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        time.sleep(after)
        start = time.perf_counter()
        job.send_signal(number)
        told = job.communicate()[1].decode()
        seconds = time.perf_counter() - start
        source.kill()
        source.wait()
        source.stdout.close()
        os.close(silence)
        os.close(kept_open)
        if job.returncode != 128 + number or any(Path(folder).iterdir()):
            sys.exit(f"{command}: exit code {job.returncode}, {told}{os.listdir(folder)}")
        return seconds


if __name__ == "__main__":
    main()
