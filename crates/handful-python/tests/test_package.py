"""What is installed is the package that was built here, whole."""

import tomllib
from importlib import metadata, resources
from pathlib import Path

import handful

WORKSPACE = Path(__file__).parents[3]


def test_version_is_the_crates():
    version = tomllib.loads((WORKSPACE / "Cargo.toml").read_text())["workspace"]["package"]["version"]
    assert handful.__version__ == metadata.version("handful") == version


def test_types_are_announced():
    package = resources.files("handful")
    assert package.joinpath("py.typed").is_file()
    assert package.joinpath("_core.pyi").is_file()


def test_licences_come_along():
    assert set(metadata.metadata("handful").get_all("License-File")) == {"LICENSE-APACHE", "LICENSE-MIT"}
    for name in ("LICENSE-APACHE", "LICENSE-MIT"):
        text = metadata.distribution("handful").read_text(f"licenses/{name}")
        assert text == (WORKSPACE / name).read_text()
