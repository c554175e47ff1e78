"""The documentation's Python code runs as it stands."""

import re
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1]
ROOT = PACKAGE.parents[1]
PAGES = [ROOT / "docs" / "coming-from-scikit-learn.md", PACKAGE / "README.md"]
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", [page for page in PAGES if page.exists()], ids=lambda page: page.name)
def test_code(page, tmp_path, monkeypatch):
    monkeypatch.setenv("HANDFUL_DATA", str(ROOT / "data" / "mnist"))
    monkeypatch.chdir(tmp_path)
    text, names = page.read_text(encoding="utf-8"), {}
    blocks = list(BLOCK.finditer(text))
    assert blocks
    for block in blocks:
        # So many empty lines before it that an error is told at its line of the page.
        lines = "\n" * text.count("\n", 0, block.start(1))
        exec(compile(lines + block[1], page, "exec"), names)
