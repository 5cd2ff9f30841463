"""Sec. 4.1 and Fig. 2: what the loss of a rescaled last layer can look like where f is normalised."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import sympy
import torch

from derive import Loss, Mean, NotAnalyticError, catalogue, exp, half_sq, log, views
from derive.algebra.signs import sign
from derive.landscape.landscape import landscapes
from verify.papers.claims.claim import Measured, Point, Reading
from verify.papers.claims.counterexamples import words_of_losses as counterexamples
from verify.papers.claims.iclr.ledger import ICLR

if TYPE_CHECKING:
    from collections.abc import Iterator


@ICLR.claim(
    "iclr:fig2-normalised",
    where="Sec. 4.1 and Fig. 2",
    says='of SimCLR "with normalization", L(aW_last) changes with a: {changes}; with the augmentation its curvature at'
    " a = 0 changes sign: {sign}",
    recorded="conditional",
    why="The loss of f/‖f‖ is the same for every a > 0: there is no landscape to draw, but for weight decay, which"
    " rises with a whatever the augmentation. There is one where L is the loss without its normalisation, or where the"
    " last layer has a bias that a leaves alone; in both the curvature changes sign by weight decay alone, where"
    " γ‖W‖² exceeds Tr[WBWᵀ]: the loss itself falls from a = 0 at every augmentation.",
    given="f = aWφ(x) of any features, or aWφ(x) + b with b ≠ 0 held; SimCLR's NT-Xent with inner products over τ,"
    " weight decay γ‖W‖².",
    counterexample=counterexamples.constant_along_rays,
    changes=True,
    sign=True,
)
def normalised() -> Iterator[Reading]:
    """The engine refuses an expansion of degree 0; and B − γ of features whose two views agree less and less."""
    try:
        catalogue("ntxent+normalised").expand(2)
        varies = True
    except NotAnalyticError as error:
        varies = error.degree != 0
    second = landscapes(catalogue("ntxent+weight-decay").expand(4))[0].b()
    falls = sign(second.subs("gamma", 0), ranges=landscapes(catalogue("ntxent").expand(4))[0].ranges) == 1
    turns = falls and sympy.diff(second, sympy.Symbol("gamma")) != 0
    plain, decayed = _along_rays(0.0), _along_rays(0.01)
    yield Reading(
        {"changes": varies, "sign": False},
        [*_seen(plain), *_rises(0.0)],
        "f/‖f‖ is the output of the last layer, and L the loss alone",
    )
    yield Reading(
        {"changes": True, "sign": False},
        [*_seen(decayed), *_rises(0.01)],
        "the same, with weight decay in L",
    )
    curved = [_curvature_of_features(sigma, 0.2) for sigma in (0.1, 6.0)]
    yield Reading(
        {"changes": True, "sign": bool(turns)},
        [
            Measured("changes", "exact", "whether it is curved at a = 0",
                     [Point({}, all(abs(one) > 1e-3 for one in curved))]),
            Measured("sign", "exact", "whether its curvature at a = 0 has both signs, σ = 0.1 and 6, tanh features",
                     [Point({}, curved[0] < 0 < curved[1])], note="γ = 0.2, N = 8, τ = 1"),
        ],
        "L is the loss without the normalisation of f, with weight decay",
    )  # fmt: skip
    yield from _beside_a_bias()


def _beside_a_bias() -> Iterator[Reading]:
    """Near a = 0 unit vectors lie |P W(φ − φ′)|²/|b|² apart, P across b: NT-Xent of distances, to second order."""
    tau, gamma_ = sympy.Symbol("tau", positive=True), sympy.Symbol("gamma", positive=True)
    x, x_pos, chi, chi_pos = views("x, x_pos, chi, chi_pos")
    far = sum(exp(-half_sq(x, one) / tau) for one in (chi, chi_pos))
    N = sympy.Symbol("N")
    others = (N - 1) * Mean(far, over=(chi, chi_pos), count=N - 1)
    second = Loss(half_sq(x, x_pos) / tau + log(others + exp(-half_sq(x, x_pos) / tau))).expand(2)
    falls = second.B["C"] == 0 and sign(second.B["A0"], ranges=second.ranges) == 1
    turns = {0.0: not falls, 0.2: falls and (second.B["A0"] - gamma_).has(gamma_)}
    for decay, name in ((0.0, ""), (0.2, ", with weight decay")):
        found = [_curved(sigma, decay) for sigma in (0.1, 3.0)]
        told = "; ".join(f"{value:.2g} ± {error:.1g}" for value, error in found)
        settled = all(abs(value) > 5 * error for value, error in found)
        both = found[0][0] < 0 < found[1][0]
        yield Reading(
            {"changes": True, "sign": bool(turns[decay])},
            [
                Measured("changes", "exact", "whether it is curved at a = 0",
                         [Point({}, settled)], seed=0, note=told),
                Measured("sign", "monte-carlo", "whether its curvature at a = 0 has both signs, σ = 0.1 and 3, tanh"
                         " features, f/‖f‖ of aWφ + b", [Point({}, both)] if settled else [], seed=0,
                         note=f"γ = {decay}, N = 64, τ = ½; ½L″(0) {told}"),
            ],
            f"f/‖f‖ is the output of the last layer with a bias that a leaves alone{name}",
        )  # fmt: skip


def _curved(sigma: float, decay: float) -> tuple[float, float]:
    """½L″(0) in a of NT-Xent of unit vectors along aWφ + b, by torch's cross entropy: its mean over batches, an error.

    φ = tanh of x = x̂ + σε in 8 dimensions, d1 = 3, batches of 64 data.
    """
    generator = torch.Generator().manual_seed(0)
    n, batches, h = 64, 200, 0.05
    W, b = torch.randn(3, 8, generator=generator, dtype=torch.float64) / 3, torch.tensor([0.6, 0.0, 0.8])
    hat, e = (torch.randn(batches, size, 8, generator=generator, dtype=torch.float64) for size in (n, 2 * n))
    features = torch.tanh(hat.repeat(1, 2, 1) + sigma * e)
    partner = ((torch.arange(2 * n) + n) % (2 * n)).expand(batches, -1)
    hidden = torch.eye(2 * n, dtype=torch.bool)

    def losses(a: float) -> torch.Tensor:
        z = torch.nn.functional.normalize(a * features @ W.T + b, dim=-1)
        logits = (2 * z @ z.mT).masked_fill(hidden, -torch.inf)
        return torch.nn.functional.cross_entropy(logits.mT, partner, reduction="none").mean(1)

    found = (losses(h) + losses(-h) - 2 * losses(0.0)) / (2 * h**2) + decay * float((W**2).sum())
    return float(found.mean()), float(found.std()) / batches**0.5


def _along_rays(decay: float) -> list[float]:
    """NT-Xent of f/‖f‖ on one batch by torch's cross entropy, at a = ¼, 1, 4, with weight decay."""
    torch.manual_seed(0)
    n, W = 6, torch.randn(3, 5, dtype=torch.float64)
    x = torch.randn(2 * n, 5, dtype=torch.float64)
    partner = (torch.arange(2 * n) + n) % (2 * n)
    found = []
    for a in (0.25, 1.0, 4.0):
        z = torch.nn.functional.normalize(x @ (a * W).T, dim=1)
        logits = (z @ z.T).fill_diagonal_(-torch.inf)
        found.append(float(torch.nn.functional.cross_entropy(logits, partner) + decay * ((a * W) ** 2).sum()))
    return found


def _seen(values: list[float]) -> list[Measured]:
    changes = bool(np.ptp(values) > 1e-9)
    return [
        Measured("changes", "exact", "whether L(aW) differs at a = ¼, 1, 4, on a batch", [Point({}, changes)], seed=0)
    ]


def _rises(decay: float) -> list[Measured]:
    """The loss of f/‖f‖ has no second derivative at a = 0; along a ray it has the decay's, of one sign."""
    (quarter, one, four) = _along_rays(decay)
    curved = ((four - one) / 15 + (one - quarter) / (15 / 16)) / 2
    both = bool(curved < -1e-9)
    return [Measured("sign", "exact", "whether L(aW) falls with a² on a batch", [Point({}, both)], seed=0)]


def _curvature_of_features(sigma: float, decay: float) -> float:
    """½L″(0) of NT-Xent of one number w φ(x), φ = tanh, x = x̂ + σε, N = 8, on nodes; plus weight decay."""
    n = 8
    u, p = np.polynomial.hermite_e.hermegauss(40)
    p = p / p.sum()
    mean = np.tanh(u[:, None] + sigma * u[None]) @ p
    # Of log Σ exp at order 2 in w: two views of a datum weigh 1/(2N − 1) there, and 1 in the pull.
    pair, far = float(p @ mean**2), float(p @ mean) ** 2
    return -(pair - (pair + (2 * n - 2) * far) / (2 * n - 1)) + decay
