"""What somebody who installs the wheel into an empty environment tries first: `python -I smoke.py`."""

import sys
import tomllib
from pathlib import Path


def main() -> None:
    import handful

    # The wheel, not the sources.
    assert Path(handful.__file__).is_relative_to(sys.prefix), handful.__file__
    workspace = tomllib.loads((Path(__file__).parents[3] / "Cargo.toml").read_text())["workspace"]
    assert handful.__version__ == workspace["package"]["version"], handful.__version__
    print("handful", handful.__version__)


if __name__ == "__main__":
    main()
