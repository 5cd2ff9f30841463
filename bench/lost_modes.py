"""λ_c of lost modes: α and β by every route over a wide grid, a table of λ_c, and how long it takes.

python bench/lost_modes.py [grid | table | batches | time]

`grid`: for each normalised loss of the catalogue that is a function of cosines, r = 5 to 512 equal modes, λ = 0.05 to
0.999 and τ = 0.05 to 2, the largest difference of closed forms from integrals, in floats and at 30 digits, of floats
from digits, and how many standard errors drawn views are off. `table`: λ_c. `batches`: what a finite batch does to it.
`time`: λ_c beside 512 modes, beside the Hessian of drawn batches by automatic differentiation in torch.
"""

from __future__ import annotations

import os
import sys
from itertools import product
from pathlib import Path
from time import perf_counter

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
import sympy
from timing import alternate, print_table, ratio, show_ratio

from derive import InputError, Loss, catalogue
from derive.losses.limit import population
from derive.sphere.transverse import transverse
from numeric.sphere.drawn_means import NormalBlock
from numeric.sphere.equal_means import equal_modes
from numeric.sphere.lost_modes import drawn_lost_modes, lost_modes

R = sympy.Rational
# Losses over a batch that have a limit as it grows, and all others.
BATCHES = ("infonce-batch", "weighted-infonce", "ntxent", "dcl", "clip")
NAMES = ("infonce", "beta-infonce", "spectral", "alignment-uniformity", "siglip", *BATCHES)
RANKS = (5, 12, 64, 512)
CORRELATIONS = (R(1, 20), R(1, 2), R(9, 10), R(999, 1000))
TEMPERATURES = (R(1, 20), R(1, 5), R(1), R(2))
# Digits are compared at every so many points: a mean takes seconds.
DIGITS = 17


def loss(name: str, tau: sympy.Expr) -> Loss:
    """A catalogue loss at a temperature, its batch infinite but for SigLIP's, whose means are linear."""
    found = catalogue(f"{name}+normalised")
    if name in BATCHES:
        found = population(found)
    values = {"tau": tau, "alpha": R(1), "beta": R(3, 2), "lambda": R(1), "t": 1 / tau, "b": 1 / tau, "N": 64}
    return found.set({key: value for key, value in values.items() if key in found.parameters})


def grid() -> None:
    """Every route against the others."""
    rows = []
    for name in NAMES:
        inside = floats = digits = drawn = 0.0
        points = list(product(RANKS, CORRELATIONS, TEMPERATURES))
        for k, (r, kept, tau) in enumerate(points):
            own = loss(name, tau)
            for mean in transverse(own).slopes.values():
                closed, integrated = (equal_modes(mean, r, kept, closed=one) for one in (True, False))
                inside = max(inside, abs(closed.value - integrated.value) / (closed.error + integrated.error))
                if k % DIGITS == 0:
                    exact, other = (equal_modes(mean, r, kept, digits=30, closed=one) for one in (True, False))
                    digits = max(digits, float(abs(exact.value - other.value) / (1 + abs(exact.value))))
                    floats = max(floats, abs(closed.value - float(exact.value)) / closed.error)
            if k % DIGITS == 0 and r <= 64:
                block = NormalBlock(np.full(r, 1 / r), np.full(r, float(kept)))
                exact_modes, found = lost_modes(own, [kept] * r), drawn_lost_modes(own, block, r, batches=50)
                for one, other in ((exact_modes.alpha, found.alpha), (exact_modes.beta, found.beta)):
                    drawn = max(drawn, abs(one.value - other.value) / other.error)
        rows.append([name, f"{inside:.2f}", f"{floats:.2f}", f"{digits:.0e}", f"{drawn:.1f}"])
        print(*rows[-1], flush=True)
    columns = [
        "loss",
        "closed − integral, in bounds",
        "floats − digits, in bounds",
        "closed − integral at 30 digits",
        "drawn, in standard errors",
    ]
    print_table("α and β: the largest difference of two routes", columns, rows)


def table() -> None:
    """λ_c beside r equal modes of λ = 0.9."""
    taus = (R(1, 20), R(1, 10), R(1, 5), R(1, 2), R(1))
    rows = []
    for name in ("infonce", "spectral", "alignment-uniformity", "siglip"):
        for r in (3, 8, 32, 128, 512):
            levels = [lost_modes(loss(name, tau), [R(9, 10)] * r).threshold for tau in taus]
            rows.append([name, str(r), *("none" if one is None else f"{one.value:.3f}" for one in levels)])
    print_table("λ_c beside r equal modes of λ = 0.9", ["loss", "r", *(f"τ = {float(t):g}" for t in taus)], rows)


def batches() -> None:
    """λ_c over batches of N, beside 12 equal modes of λ = 0.9."""
    rows = []
    for name, tau in product(("infonce-batch", "ntxent"), (R(1, 5), R(1, 2))):
        whole = catalogue(f"{name}+normalised")
        limit = lost_modes(population(whole).set({"tau": tau}), [R(9, 10)] * 12)
        row = [name, f"{float(tau):g}"]
        for N in (8, 32, 128, 512):
            found = lost_modes(whole.set({"tau": tau, "N": N}), [R(9, 10)] * 12, batches=100)
            row.append(f"{found.threshold.value:.4f} ± {found.threshold.error:.4f}")
            row.append(f"{found.alpha.value / limit.alpha.value:.2f}")
        rows.append([*row, f"{limit.threshold.value:.4f}"])
        print(*rows[-1], flush=True)
    columns = ["loss", "τ", *(part for N in (8, 32, 128, 512) for part in (f"λ_c, N = {N}", "α/α∞")), "λ_c, N → ∞"]
    print_table("a finite batch", columns, rows)


def time() -> None:
    """λ_c beside 512 modes, equal and not, against automatic differentiation on drawn batches."""
    from verify.routes.reopening.slopes import slopes
    from verify.truths.two_views import two_views

    own, by_hand = loss("infonce", R(1, 5)), two_views("infonce+normalised", {"tau": 0.2})
    lam, weights = np.linspace(0.3, 0.99, 512), np.linspace(0.1, 1.0, 512)
    exact = lost_modes(own, [0.9] * 512)
    drawn = slopes(by_hand, 512, 0.9, batch=64, batches=50, seed=0)
    if drawn.threshold is None or abs(drawn.threshold[0] - exact.threshold.value) > 4 * drawn.threshold[1]:
        raise InputError("the peer gives another λ_c")
    sides = {
        "equal": lambda: lost_modes(own, [0.9] * 512),
        "unequal": lambda: lost_modes(own, lam, weights),
        "torch": lambda: slopes(by_hand, 512, 0.9, batch=64, batches=50, seed=0),
    }
    times = alternate(sides, rounds=3)
    rows = [
        ["equal modes, bound 1e-11", str(times["equal"]), show_ratio(ratio(times["torch"], times["equal"]))],
        ["unequal shares, standard error", str(times["unequal"]), show_ratio(ratio(times["torch"], times["unequal"]))],
        [f"torch, ± {drawn.threshold[1]:.0e}", str(times["torch"]), ""],
    ]
    print_table("λ_c beside 512 modes", ["by", "time", "torch's over it"], rows)


if __name__ == "__main__":
    begun = perf_counter()
    for chosen in sys.argv[1:] or ("grid", "table", "batches", "time"):
        {"grid": grid, "table": table, "batches": batches, "time": time}[chosen]()
    print(f"{perf_counter() - begun:.0f} s")
