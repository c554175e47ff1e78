"""The machine: its description, the CPUs in use, and their peak speed."""

import os
import platform
import re
import subprocess
import tempfile
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

PACKAGES = ["faiss-cpu", "numpy", "scikit-learn", "scikit-learn-intelex", "scipy", "usearch"]

ALL_CPUS = sorted(os.sched_getaffinity(0))


def cpu_info(key: str) -> str:
    """A line of /proc/cpuinfo."""
    found = re.search(rf"^{key}\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return found[1] if found else "unknown"


def facts(packages: list[str] = PACKAGES) -> dict[str, str]:
    """Return what a figure depends on, besides the code itself."""
    return {
        "cpu": cpu_info("model name"),
        "cpus": str(len(ALL_CPUS)),
        "kernel": platform.release(),
        "python": platform.python_version(),
        **{name: version(name) for name in packages},
    }


def cpu_slug() -> str:
    """The CPU's name, fit for a file name."""
    name = re.sub(r"\((R|TM)\)|\bProcessor\b|\bCPU\b|@.*", " ", cpu_info("model name"))
    return "-".join(re.findall(r"[a-z0-9]+", name.lower())) or "unknown"


def use_cpus(n_threads: int) -> None:
    """Pin this process, and those that it starts, to as many CPUs as there are threads: nobody gets more."""
    # The last ones: the first serves interrupts.
    os.sched_setaffinity(0, ALL_CPUS[-n_threads:])


@dataclass
class Rate:
    """GMAC/s of one instruction, summed over the CPUs that are measured at once."""

    instruction: str
    best: float = 0.0
    median: float = 0.0


class Peak:
    """The measured dot-product peak; see peak.c."""

    def __init__(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.program = Path(self.folder.name) / "peak"
        source = Path(__file__).with_name("peak.c")
        try:
            subprocess.run(["cc", "-O2", "-o", self.program, source], check=True)
        except (FileNotFoundError, subprocess.CalledProcessError):
            raise SystemExit(
                f"{source} cannot be compiled: it needs a C compiler, `cc`, and x86-64"
            ) from None

    def measure(self) -> dict[str, Rate]:
        """By kind: `tiles` and vectors of `bytes` and `f32`. One process on each CPU that this one may use, all at once."""
        running = [
            subprocess.Popen(["taskset", "-c", str(cpu), self.program], stdout=subprocess.PIPE, text=True)
            for cpu in os.sched_getaffinity(0)
        ]
        rates: dict[str, Rate] = {}
        for process in running:
            for line in process.communicate()[0].splitlines():
                instruction, best, median = line.rsplit(maxsplit=2)
                kind = "tiles" if "tmm" in instruction else "f32" if "ps" in instruction else "bytes"
                rate = rates.setdefault(kind, Rate(instruction))
                rate.best += float(best)
                rate.median += float(median)
        return rates


class Others:
    """CPU use of processes that this one did not start. It should be zero during benchmarks."""

    def __init__(self) -> None:
        self.wall, self.busy = time.perf_counter(), self.seconds()

    @staticmethod
    def seconds() -> float:
        """CPU time of the whole machine without this process and the children that have ended."""
        user, nice, system = Path("/proc/stat").read_text().split()[1:4]
        return sum(map(int, (user, nice, system))) / os.sysconf("SC_CLK_TCK") - sum(os.times()[:4])

    def cpus(self) -> float:
        """Since the beginning, as a number of CPUs."""
        return max(0.0, self.seconds() - self.busy) / (time.perf_counter() - self.wall)
