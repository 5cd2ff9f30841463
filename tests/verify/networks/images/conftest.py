"""Images to be stored and read again; `stored` is importable by name."""

import sys
from pathlib import Path

import numpy as np
import pytest

for needed in ("PIL", "pyarrow", "kornia", "torch"):
    pytest.importorskip(needed)

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def pixels():
    """(6, 3, 32, 32), smooth, so that JPEG changes them but little."""
    across = np.linspace(0, 180, 32)
    ramp = across + 0.3 * across[:, None]
    steps = 4 * np.arange(6)[:, None, None, None] + 2 * np.arange(3)[:, None, None]
    return np.clip(ramp + steps, 0, 255).astype(np.uint8)
