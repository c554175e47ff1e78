"""Check that a program is what the Dockerfile promises: one small file that serves without anything else around it.

    python3 .ci/static.py target/static/handful     # make test-static; as root, on Linux

The program runs in an empty folder (chroot), as a user who owns nothing. It must read a picture, and end when it is
told.
"""

import json
import shutil
import signal
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

MOST_BYTES = 40_000_000
#: The user of the Dockerfile.
NOBODY = "65532:65532"
PICTURE = Path(__file__).parent.parent / "crates/handful/tests/formats/fixtures/strays/inverted.png"


def check_file(program: Path) -> None:
    """Check the size of the program, and that it asks for no loader of shared libraries."""
    size = program.stat().st_size
    if size > MOST_BYTES:
        raise SystemExit(f"{program}: expected at most {MOST_BYTES:,} bytes, found {size:,}")
    headers = subprocess.run(["readelf", "--program-headers", program], capture_output=True, text=True, check=True)
    if "INTERP" in headers.stdout:
        raise SystemExit(f"{program}: expected a static program, found one that needs shared libraries")
    print(f"{program}: static, {size:,} bytes")


def check_server(program: Path) -> None:
    """Ask the program for a prediction while there is nothing else in its file system."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        shutil.copy(program, folder)
        command = ["chroot", f"--userspec={NOBODY}", folder, "/handful", "serve", "--addr", "127.0.0.1:0"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            try:
                url = server.stdout.readline().split()[-1]
                status = Path(f"/proc/{server.pid}/status").read_text()
                uids = next(line for line in status.splitlines() if line.startswith("Uid:")).split()[1:]
                if set(uids) != {NOBODY.split(":")[0]}:
                    raise SystemExit(f"expected the user {NOBODY}, found {uids}")
                with urllib.request.urlopen(f"{url}healthz") as answer:
                    answer.read()
                headers = {"Content-Type": "image/png"}
                request = urllib.request.Request(f"{url}api/predict", PICTURE.read_bytes(), headers)
                with urllib.request.urlopen(request) as answer:
                    label = json.load(answer)["label"]
                if label != "7":
                    raise SystemExit(f"{PICTURE.name}: expected 7, found {label}")
                server.send_signal(signal.SIGTERM)
                if server.wait(timeout=60) != 0:
                    raise SystemExit(f"expected exit code 0 after SIGTERM, found {server.returncode}")
            finally:
                server.kill()
    print("it serves from an empty folder, as a user who owns nothing, and ends when it is told")


def main() -> None:
    """Check the file, then let it serve."""
    program = Path(sys.argv[1])
    check_file(program)
    check_server(program)


if __name__ == "__main__":
    main()
