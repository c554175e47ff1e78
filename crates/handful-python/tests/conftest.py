"""What the tests share: MNIST from the clone, and the same Hypothesis examples in every run."""

from pathlib import Path

import handful
import pytest
from hypothesis import settings

CLONE = Path(__file__).resolve().parents[3]

settings.register_profile("handful", derandomize=True, deadline=None, database=None, max_examples=50)
settings.load_profile("handful")


@pytest.fixture(scope="session")
def clone():
    """The folder of the clone."""
    return CLONE


@pytest.fixture(scope="session")
def mnist():
    """MNIST as the clone has it; not to be written to."""
    data = handful.datasets.load(CLONE / "data" / "mnist")
    for array in data:
        array.flags.writeable = False
    return data
