"""Check that the imports of each crate go one way.

Within a folder of modules, a module may import another only if that one does not, directly or through others,
import it back; `mod.rs` counts as one of them, but what it only re-exports does not. Tests may import anything.

    python3 .ci/imports.py             # exits with 1, and names the circles, if there are any
    python3 .ci/imports.py --print     # also lists the modules of each folder, what others rely on first
"""

import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

CRATES = Path(__file__).parent.parent / "crates"
USE = re.compile(r"^\s*(?P<pub>pub(?:\([^)]*\))? )?use (?P<tree>[^;]+);", re.MULTILINE)
PATH = re.compile(r"\b(?:crate|super)(?:::\w+)+")

Module = tuple[str, ...]


def leaves(tree: str) -> Iterator[list[str]]:
    """Yield the paths of a `use`, without the names that they are given."""
    head, brace, rest = tree.partition("{")
    if not brace:
        yield head.split(" as ")[0].strip().split("::")
        return
    start = head.strip().removesuffix("::").split("::") if head.strip() else []
    depth, part = 0, ""
    for letter in rest.rstrip().removesuffix("}") + ",":
        depth += (letter == "{") - (letter == "}")
        if letter == "," and depth == 0:
            if part.strip():
                yield from (start + leaf for leaf in leaves(part.strip()))
            part = ""
        else:
            part += letter


class Crate:
    """The modules of a crate, and what they import."""

    def __init__(self, source: Path) -> None:
        self.modules: dict[Module, str] = {}
        for path in source.rglob("*.rs"):
            *folders, name = path.relative_to(source).with_suffix("").parts
            module = (*folders, *([] if name in ("mod", "lib", "main") else [name]))
            if "tests" not in module:
                self.modules[module] = self.code(path)

    @staticmethod
    def code(path: Path) -> str:
        """Return a file without comments and tests."""
        text = re.sub(r"//.*", "", path.read_text())
        return re.split(r"#\[cfg\(test\)\]\s*mod \w+ \{", text)[0]

    def words(self, module: Module | None) -> set[str]:
        """Return the words of a file, which include the names of all that it defines and re-exports."""
        return set(re.findall(r"\w+", self.modules.get(module, "") if module is not None else ""))

    def resolve(self, module: Module, path: list[str]) -> Module | None:
        """Return the module in which something is defined that `module` calls by this path."""
        if path[0] == "crate":
            here, path = (), path[1:]
        elif path[0] in ("super", "self"):
            here = module
            while path and path[0] in ("super", "self"):
                here = here[:-1] if path[0] == "super" else here
                path = path[1:]
        elif (*module, path[0]) in self.modules:
            here = module
        else:
            return None
        while path and (*here, path[0]) in self.modules:
            here, path = (*here, path[0]), path[1:]
        for name in path[:1]:
            for use in USE.finditer(self.modules.get(here, "")):
                for leaf in leaves(use["tree"]):
                    if use["pub"] and leaf[-1] == "*" and name in self.words(self.resolve(here, leaf[:-1])):
                        leaf = [*leaf[:-1], name]
                    if leaf[-1] == name != "*" and len(leaf) > 1 and here != module:
                        found = self.resolve(here, leaf)
                        if found is not None:
                            return found
        return here

    def imports(self) -> dict[Module, dict[str, set[str]]]:
        """Return for each folder which of its modules import which; `mod` is its own file."""
        folders: dict[Module, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
        for module, code in self.modules.items():
            paths = [leaf for use in USE.finditer(code) if not use["pub"] for leaf in leaves(use["tree"])]
            paths += [path[0].split("::") for path in PATH.finditer(USE.sub("", code))]
            for path in paths:
                target = self.resolve(module, path)
                if target is None or target == module:
                    continue
                shared = 0
                while module[shared : shared + 1] == target[shared : shared + 1] != ():
                    shared += 1
                name, of = (*module, "mod")[shared], (*target, "mod")[shared]
                folders[module[:shared]][name].add(of)
        return folders


def main() -> int:
    """Check all crates."""
    n_circles = 0
    for source in sorted(CRATES.glob("*/src")):
        for folder, imports in sorted(Crate(source).imports().items()):
            place = source.joinpath(*folder).relative_to(CRATES.parent)
            try:
                order = list(TopologicalSorter(imports).static_order())
            except CycleError as error:
                print(f"{place}: modules import each other: {' <- '.join(error.args[1])}", file=sys.stderr)
                n_circles += 1
                continue
            if "--print" in sys.argv:
                print(f"{place}: {' '.join(order)}")
    return 1 if n_circles else 0


if __name__ == "__main__":
    sys.exit(main())
