"""Measure the predictions per second of `handful serve` under many connections, with wrk on the same machine.

    python benches/serve/load.py                  # make load

Test digits are posted as pictures of 28 x 28 pixels, as numbers in JSON, and as drawings of 140 x 140 pixels, which the
page sends and the server must frame. The script fails if a request fails or if memory grows.
"""

import argparse
import gzip
import json
import os
import struct
import subprocess
import tempfile
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

N_DIGITS = 500
SIDE = 28
# Memory that allocators keep varies.
MOST_GROWTH_MB = 16


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--handful", default="target/release/handful", help="the program")
    parser.add_argument("--model", default="fast", help="a preset or a model's file")
    parser.add_argument("--seconds", type=int, default=30, help="for each kind of request")
    parser.add_argument("--connections", type=int, default=64)
    args = parser.parse_args()
    print(f"{args.model}, {args.connections} connections, {args.seconds} s each, {os.cpu_count()} CPUs")
    with tempfile.TemporaryDirectory() as folder, serving(args) as (url, pid):
        for kind, media_type, encode in KINDS:
            bodies = Path(folder) / kind
            bodies.write_text("\n".join(encode(digit).hex() for digit in test_digits()))
            variables = os.environ | {"BODIES": str(bodies), "MEDIA_TYPE": media_type}
            run_wrk(url, variables, args.connections, seconds=2)
            with watching(pid) as memory:
                found = run_wrk(url, variables, args.connections, args.seconds)
            rate = found["requests"] / found["seconds"]
            half = len(memory) // 2
            print(
                f"{kind:8} {rate:8,.0f} predictions/s   median {found['p50_ms']:.1f} ms, 99 % {found['p99_ms']:.1f} ms,"
                f" longest {found['max_ms']:.0f} ms   errors {found['errors']}"
                f"   memory {max(memory[:half]):.0f} then {max(memory[half:]):.0f} MB"
            )
            if found["errors"]:
                raise SystemExit(f"{kind}: expected no errors, found {found['errors']}")
            if max(memory[half:]) > max(memory[:half]) + MOST_GROWTH_MB:
                raise SystemExit(f"{kind}: expected memory to stay, found it growing")


def test_digits() -> Iterator[bytes]:
    pixels = gzip.decompress(Path("data/mnist/t10k-images-idx3-ubyte.gz").read_bytes())[16:]
    return (pixels[i * SIDE**2 : (i + 1) * SIDE**2] for i in range(N_DIGITS))


def png(digit: bytes) -> bytes:
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    rows = b"".join(b"\0" + digit[y * SIDE : (y + 1) * SIDE] for y in range(SIDE))
    head = struct.pack(">IIBBBBB", SIDE, SIDE, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def numbers(digit: bytes) -> bytes:
    return json.dumps({"pixels": list(digit)}).encode()


def drawing(digit: bytes) -> bytes:
    """As the page sends it: half of its sides is ink."""
    rows = (digit[y * SIDE : (y + 1) * SIDE] for y in range(SIDE))
    margin = bytes((140 - 3 * SIDE) // 2)
    wide = [margin + b"".join(bytes([value]) * 3 for value in row) + margin for row in rows]
    return b"P5 140 140 255\n" + bytes(140 * len(margin)) + b"".join(row * 3 for row in wide) + bytes(140 * len(margin))


KINDS = [
    ("picture", "image/png", png),
    ("numbers", "application/json", numbers),
    ("drawing", "image/x-portable-graymap", drawing),
]


@contextmanager
def serving(args: argparse.Namespace) -> Iterator[tuple[str, int]]:
    command = [args.handful, "serve", "--model", args.model, "--addr", "127.0.0.1:0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            yield server.stdout.readline().split()[-1], server.pid
        finally:
            server.terminate()


def run_wrk(url: str, variables: dict[str, str], connections: int, seconds: int) -> dict[str, float]:
    script = Path(__file__).with_name("predict.lua")
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", script, url]
    told = subprocess.run(command, env=variables, capture_output=True, text=True, check=True).stdout
    return json.loads(told.splitlines()[-1])


@contextmanager
def watching(pid: int) -> Iterator[list[float]]:
    """Resident memory in MB, twice a second."""
    memory: list[float] = []
    is_over = threading.Event()

    def watch() -> None:
        while not is_over.is_set():
            status = Path(f"/proc/{pid}/status").read_text()
            memory.append(int(status.split("VmRSS:")[1].split()[0]) / 1024)
            is_over.wait(0.5)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield memory
    finally:
        is_over.set()
        watcher.join()


if __name__ == "__main__":
    main()
