"""Do optimisers end only where the theory says? From random starts in random problems, and with wrong theories.

python bench/basins.py 50 1000
"""

from __future__ import annotations

import sys
from pathlib import Path
from time import perf_counter

import torch

sys.path.insert(0, str(Path(__file__).parents[1]))

from verify.assurance.basins import MUTANTS, check
from verify.assurance.random_landscapes import random_problem


def main(problems: int = 50, starts: int = 1000) -> int:
    """Print what is found for the theory and for each wrong theory; 1 where the theory has exceptions."""
    torch.set_num_threads(1)
    begun = perf_counter()
    random = [random_problem(seed) for seed in range(problems)]
    found = check(random, starts)
    reached, listed = (sum(pair[k] for pair in found.visited) for k in (0, 1))
    print(f"{found.problems} problems × 2 × {starts} starts: {found.ends} converged, {found.strays} did not")
    print(f"exceptions: {len(found.exceptions)}; stationary points reached: {reached} of {listed}")
    print(f"largest distance from the theory: powers {found.worst['powers']:.1e}, loss {found.worst['loss']:.1e}")
    for line in found.exceptions[:20]:
        print(" ", line)
    for name, wrong in MUTANTS.items():
        print(f"with {name}: {len(check(random, min(starts, 50), wrong).exceptions)} exceptions")
    print(f"{perf_counter() - begun:.0f} s")
    return 1 if found.exceptions else 0


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:3])))
