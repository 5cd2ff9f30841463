"""At which augmentation does normalised InfoNCE lose a mode: its own curvature, the model of Eq. 10, training.

python bench/transverse.py [PAIRS]

Twelve modes of variance 1 and one of 0.3, an augmentation of variance σ² on each, unit vectors, population InfoNCE.
Four answers: the curvature along the weak mode by quadrature; by automatic differentiation and Monte Carlo, at the
point of rank twelve that symmetry gives and at those that descent within the twelve modes finds; the landscape through
order 4 at fixed norm; and training of a square W from random starts of full rank, on PAIRS pairs that stay fixed.
"""

from __future__ import annotations

import sys
from pathlib import Path
from time import perf_counter

import torch

sys.path.insert(0, str(Path(__file__).parents[1]))

from derive import catalogue
from numeric.sphere.equal_modes import Sphere
from verify.routes.reopening.collapsed_modes import RANK, family
from verify.routes.reopening.kept_modes import alike, modes
from verify.routes.reopening.transition import crossing, measured, measured_at_trained, predicted, trained
from verify.truths.two_views import two_views

LOW, HIGH = 0.05, 0.6
BATCH = 256


def quadrature() -> float:
    """σ at which the curvature by quadrature changes sign."""
    low, high = LOW, HIGH
    for _ in range(40):
        middle = (low + high) / 2
        correlations = modes(family(middle))[1]
        negative = Sphere(RANK, correlations[0]).curvature(correlations[-1]) < 0
        low, high = (middle, high) if negative else (low, middle)
    return low


def main(pairs: int = 4096) -> int:
    """Print σ at the sign change, by every route."""
    torch.set_num_threads(1)
    loss, batches = two_views("infonce+normalised"), max(1, 2 * pairs // BATCH)
    size = {"rank": RANK, "d1": RANK + 1, "batch": BATCH, "batches": batches}
    alike_curve = measured(loss, family, lambda s: alike(family(s), RANK), batch=64, batches=1000, seed=0)
    descended_curve = measured_at_trained(loss, family, seeds=range(6), **size)
    print(f"quadrature                            {quadrature():.4f}", flush=True)
    model = predicted(catalogue("infonce"), family, RANK, LOW, HIGH)
    print(f"fixed norm through order 4            {model.strength:.4f}", flush=True)
    training = {"low": LOW, "high": HIGH, "seeds": range(4), "steps": 6}
    for name, run in (
        ("Monte Carlo, alike", lambda: crossing(alike_curve, LOW, HIGH, tolerance=1e-3)),
        ("Monte Carlo, descended", lambda: crossing(descended_curve, LOW, HIGH, tolerance=1e-2)),
        ("training from full rank", lambda: trained(loss, family, **training, **size)),
    ):
        begun = perf_counter()
        print(f"{name:<36}  {run().text()}  ({perf_counter() - begun:.0f} s)", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:2])))
