"""How fast are the emitted kernels, beside the best formula that one would write by hand?"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from typing import Any

from timing import alternate, print_table, print_versions, ratio, show_ratio

import derive

ROUNDS = 41
TARGET = 1.1
SHAPES = [(batch, 8) for batch in (1, 10, 100, 1_000, 10_000, 100_000)] + [(1, 64), (100, 64), (1_000, 64)]

Array = Any  # a NumPy array or a torch tensor
Formula = Callable[[Array, Array, Array], Array]


def main() -> None:
    """Compare the numbers of both sides, then time both."""
    # One thread unless asked otherwise, set before NumPy and torch read it: on few cores their threads wait
    # for one another, and a small batch then measures the scheduler.
    threads = os.environ.setdefault("OMP_NUM_THREADS", "1")
    import numpy as np

    import numeric

    print_versions("numpy", "torch", "sympy")
    print(f"InfoNCE at order 4, float64, OMP_NUM_THREADS={threads}")
    expansion = derive.catalogue("infonce").expand(order=4)
    backends: dict[str, tuple[Any, Callable[[Any], Array]]] = {"numpy": (np, np.asarray)}
    try:
        import torch
    except ImportError as reason:
        print(f"torch: not run, {reason}")
    else:
        backends["torch"] = (torch, torch.from_numpy)
    for name, (library, convert) in backends.items():
        kernel = numeric.kernel(expansion, name)
        for title, emitted, by_hand in (
            ("value", kernel.value, value_formulas(library)),
            ("gradient", kernel.gradient, gradient_formulas()),
        ):
            rows = [row(emitted, by_hand, batch, d, convert) for batch, d in SHAPES]
            header = (
                "batch",
                "d0 = d1",
                "emitted",
                "by hand",
                "fastest by hand",
                "emitted/hand",
                f"≤ {TARGET}",
            )
            print_table(f"{name}, {title}", header, rows)


def value_formulas(library: Any) -> dict[str, Formula]:  # noqa: ANN401 (NumPy or torch)
    """−Tr[W A0 Wᵀ] + ¾ Tr[(W Σ Wᵀ)²] in three ways; both matrices are symmetric."""
    einsum = library.einsum

    def matmul(W: Array, A0: Array, Sigma: Array) -> Array:
        P = W @ Sigma @ W.mT
        return -((W @ A0) * W).sum((-2, -1)) + 0.75 * (P * P).sum((-2, -1))

    def mixed(W: Array, A0: Array, Sigma: Array) -> Array:
        P = W @ Sigma @ W.mT
        return 0.75 * einsum("...ij,...ij->...", P, P) - einsum("...ij,...ij->...", W @ A0, W)

    def all_einsum(W: Array, A0: Array, Sigma: Array) -> Array:
        P = einsum("...ij,...kj->...ik", einsum("...ij,jk->...ik", W, Sigma), W)
        return 0.75 * einsum("...ij,...ij->...", P, P) - einsum("...ij,...ij->...", einsum("...ij,jk->...ik", W, A0), W)

    return {"matmul": matmul, "matmul, einsum sums": mixed, "einsum": all_einsum}


def gradient_formulas() -> dict[str, Formula]:
    """−2 W A0 + 3 (W Σ Wᵀ) W Σ in two groupings; both matrices are symmetric."""

    def through_p(W: Array, A0: Array, Sigma: Array) -> Array:
        V = W @ Sigma
        return 3 * (V @ W.mT @ V) - 2 * (W @ A0)

    def in_place(W: Array, A0: Array, Sigma: Array) -> Array:
        V = W @ Sigma
        result = V @ W.mT @ V
        result *= 3
        result -= W @ (2 * A0)
        return result

    return {"matmul": through_p, "matmul, in place": in_place}


def row(
    emitted: Formula, by_hand: dict[str, Formula], batch: int, d: int, convert: Callable[[Any], Array]
) -> tuple[str, ...]:
    """One batch size: the emitted kernel against the fastest of the formulas."""
    import numpy as np

    rng = np.random.default_rng(0)
    root = rng.standard_normal((d, d))
    Sigma = root @ root.T / d
    inputs = [convert(one) for one in (rng.standard_normal((batch, d, d)) / d, 0.5 * Sigma + 0.1 * np.eye(d), Sigma)]
    reference = np.asarray(emitted(*inputs))
    for name, formula in by_hand.items():
        if not np.allclose(np.asarray(formula(*inputs)), reference, rtol=1e-10, atol=1e-10):
            raise SystemExit(f"the emitted kernel and the formula by hand ({name}) differ at batch {batch}, d = {d}")
    sides = {"emitted": partial(emitted, *inputs)} | {
        name: partial(formula, *inputs) for name, formula in by_hand.items()
    }
    big = batch * d * d > 500_000
    times = alternate(sides, rounds=9 if big else ROUNDS, block=0.0 if big else 0.002)
    best = min(by_hand, key=lambda name: times[name].median)
    measured = ratio(times["emitted"], times[best])
    met = "met" if measured.median <= TARGET else "missed"
    return (f"{batch:,}", str(d), str(times["emitted"]), str(times[best]), best, show_ratio(measured), met)


if __name__ == "__main__":
    main()
