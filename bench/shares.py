"""How long do the modes of a normalised loss take: formulas for many modes, exact shares, and training beside them.

python bench/shares.py [MODES]

InfoNCE of unit vectors at τ = 0.1 on a linear spectrum of view correlations, by the leading order in the number of kept
modes (numeric.sphere.many_modes), by the minimum of the exact landscape (numeric.sphere.shares), and by training of a
square W on fresh batches of 256, the peer. Each with the modes that it keeps.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parents[1]))

from derive import Rational, catalogue
from derive.sphere.pairs import pair_form
from numeric.sphere.many_modes import lowest
from numeric.sphere.shares import shares
from verify.routes.training.engine import Plan
from verify.routes.training.shares import trained_shares

TAU, REPEATS = Rational(1, 10), 5


def timed(run: Callable[[], Any], repeats: int = REPEATS) -> tuple[Any, float, float, float]:
    """The result, and the median, least and most of its seconds; the first call is not counted."""
    found, spent = run(), []
    for _ in range(repeats):
        begun = perf_counter()
        run()
        spent.append(perf_counter() - begun)
    return found, statistics.median(spent), min(spent), max(spent)


def main(modes: int = 512) -> int:
    """Print times and kept modes."""
    torch.set_num_threads(1)
    lam = np.linspace(0.99, 0.1, modes)
    form = pair_form(catalogue("infonce+normalised").set({"tau": TAU}))
    k = float(1 / TAU)
    leading, *first = timed(lambda: lowest(lam, k, 1.0, k))
    print(f"many modes   {_of(leading.shares)} kept  {_ms(first)}", flush=True)
    exact, *second = timed(lambda: shares(form, lam))
    print(f"exact        {_of(exact.shares)} kept  {_ms(second)}", flush=True)
    begun = perf_counter()
    plan = Plan(rate=0.03, steps=2500, decay="cosine", tail=0.1)
    found = trained_shares(lam, tau=float(TAU), batch=256, seeds=(0,), plan=plan)
    spent = perf_counter() - begun
    print(
        f"training     {int(found.kept().sum())} kept  {spent:.1f} s, {spent / second[0]:.0f} times the exact shares",
        flush=True,
    )
    return 0


def _of(shares_: np.ndarray) -> int:
    return int((shares_ > 0).sum())


def _ms(times: list[float]) -> str:
    return "{:.2f} ms ({:.2f} to {:.2f})".format(*(1000 * one for one in times))


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:2])))
