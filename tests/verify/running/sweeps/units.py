"""Units for the tests of sweeps; in a file of its own, so that other processes can import them."""

import os
import time
from pathlib import Path

from derive import InputError


def walk(*, seed, steps, pause=0.0):
    """A seeded random walk."""
    import numpy as np

    time.sleep(pause)
    return {"end": float(np.random.default_rng(seed).standard_normal(steps).sum()), "pid": 0}


def failing(*, seed):
    message = f"unit {seed} cannot be computed"
    raise InputError(message)


def deadly(*, seed, folder):
    """Kill the process that computes this, the first time."""
    mark = Path(folder) / f"killed-{seed}"
    if seed == 1 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), 9)
    return seed
