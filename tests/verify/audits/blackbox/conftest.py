"""The helpers of this folder, importable by their names."""

import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(autouse=True)
def one_alarm():
    """One handler for all calls of a test, as an audit has."""
    from verify.running.limits import kept_alarm

    with kept_alarm():
        yield
