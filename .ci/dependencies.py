"""Check that each crate uses the dependencies that it declares, and that programs which only predict need few.

    python3 .ci/dependencies.py     # exits with 1, and names the dependencies that no source file mentions, if any
"""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
#: Sources of the benches, which belong to the library.
BENCHES = ROOT / "benches"
#: Crates whose code is imported by another name.
NAMES = {"md-5": "md5"}
#: Maximum number of crates, the library included, that a program compiles to load a model and predict.
MOST_TO_PREDICT = 40


def unused(manifest: Path) -> list[str]:
    """Return the dependencies of a crate that are not mentioned where they could be used."""
    tables = tomllib.loads(manifest.read_text())
    targets = tables.get("target", {}).values()
    crate = manifest.parent
    sources = {
        "dependencies": [*crate.glob("src/**/*.rs"), *crate.glob("build.rs")],
        "dev-dependencies": [*crate.glob("**/*.rs"), *BENCHES.glob("*.rs")],
    }
    found = []
    for kind, paths in sources.items():
        text = "\n".join(path.read_text() for path in paths)
        names = {name for table in (tables, *targets) for name in table.get(kind, {})}
        is_used = {name: re.search(rf"\b{NAMES.get(name, name).replace('-', '_')}\b", text) for name in names}
        found += [name for name in sorted(names) if not is_used[name]]
    return found


def needed_to_predict() -> set[str]:
    """Return the crates that the library needs without its default features, with their versions."""
    tree = ["cargo", "tree", "--locked", "-p", "handful", "--no-default-features", "-e", "normal", "--prefix", "none"]
    printed = subprocess.run(tree, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return {" ".join(line.split()[:2]) for line in printed.splitlines()}


def main() -> int:
    """Check all crates."""
    n_unused = 0
    for manifest in sorted(ROOT.glob("crates/*/Cargo.toml")):
        for name in unused(manifest):
            print(f"{manifest.relative_to(ROOT)}: expected a use of {name}, found none", file=sys.stderr)
            n_unused += 1
    n_needed = len(needed_to_predict())
    if n_needed > MOST_TO_PREDICT:
        print(f"expected at most {MOST_TO_PREDICT} crates to predict, found {n_needed}", file=sys.stderr)
    return 1 if n_unused or n_needed > MOST_TO_PREDICT else 0


if __name__ == "__main__":
    sys.exit(main())
