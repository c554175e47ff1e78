"""The `handful` command, as users run it; not called handful, which is the Python package."""

import json
import os
import subprocess
import sys
from pathlib import Path

from data import ROOT


def build() -> Path:
    """The release build of this clone."""
    print("building handful ...", file=sys.stderr)
    try:
        subprocess.run(["cargo", "build", "--release", "--locked", "--quiet"], cwd=ROOT, check=True)
    except FileNotFoundError:
        raise SystemExit(
            "cargo is missing: install Rust (https://rustup.rs), or name a binary by --handful"
        ) from None
    except subprocess.CalledProcessError as error:
        raise SystemExit(error.returncode) from None
    return ROOT / os.environ.get("CARGO_TARGET_DIR", "target") / "release" / "handful"


def commit() -> str:
    """Of this clone; `-dirty` with changes that are not committed."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=12"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    return done.stdout.strip() or "unknown"


def neighbors(
    binary: Path,
    data: Path,
    queries: Path,
    n_threads: int,
    n_neighbors: int,
    *options: str,
    level: str | None = None,
) -> dict:
    """The JSON summary of one `handful neighbors`."""
    command = [binary, "--threads", n_threads, "--json", "neighbors", "--data", data, "--queries", queries]
    command += ["--n-neighbors", n_neighbors, *options]
    return summary(command, level)


def cluster(
    binary: Path,
    data: Path,
    init: Path,
    n_threads: int,
    n_clusters: int,
    max_iter: int,
    *options: str,
    level: str | None = None,
) -> dict:
    """The JSON summary of one `handful cluster`, from given centroids, without a tolerance."""
    command = [binary, "--threads", n_threads, "--json", "cluster", "--data", data, "--init", init]
    command += ["--clusters", n_clusters, "--max-iter", max_iter, "--tol", 0, *options]
    return summary(command, level)


def summary(command: list, level: str | None) -> dict:
    """What handful prints with `--json`, run at `HANDFUL_LEVEL` if one is given."""
    environment = os.environ | ({"HANDFUL_LEVEL": level} if level else {})
    return json.loads(run([str(part) for part in command], environment))


def run(command: list[str], environment: dict[str, str]) -> str:
    """What a command prints; if it fails, that is the end of the benchmark."""
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
    except OSError as error:
        raise SystemExit(f"{command[0]}: {error.strerror}") from None
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\nended with {done.returncode}:\n{done.stderr.strip()}")
    return done.stdout
