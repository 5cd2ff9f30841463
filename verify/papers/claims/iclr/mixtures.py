"""Sec. 4.3 on data of classes: which loss's B moves more as two classes become unequal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import sympy
import torch

from derive import Classes, catalogue
from numeric.laws.classes import Mixture
from numeric.sampling import Covariances
from verify.papers.claims.claim import Measured, Point, Reading
from verify.papers.claims.counterexamples import mixtures as counterexamples
from verify.papers.claims.iclr.ledger import ICLR
from verify.running.threads import one_thread
from verify.truths.evaluated_truth import EvaluatedTruth
from verify.truths.settings import at_values, case
from verify.truths.taylor import cauchy, circle
from verify.truths.torch_losses import TORCH_LOSSES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

p, mu_1, mu_2 = sympy.symbols("p mu_1 mu_2", real=True)
HALF = sympy.Rational(1, 2)
# A0 and C of both classes, along the direction in which their means differ.
A, C = 0.8, 0.5
ROUNDING = 1e-9
# p, μ₁ and μ₂: on both sides of where the two losses move as much.
AROUND = ((0.9, 1.0, -1.0), (0.75, 0.6, -0.6), (0.99, -1.5, 1.5))
# Far from there, and a hundredth to either side.
FAR = ((0.9, 3.0, 1.0), (0.75, 1.0, 0.0), (0.99, 1.2, -1.0), (0.95, 1.4, -1.5), (0.6, -0.5, 1.0))
CLOSE = tuple((share, 1.0, second + by) for share, second in ((0.9, -3 / 7), (0.75, -0.6)) for by in (-0.01, 0.01))
ANYWHERE = (*FAR, *CLOSE)


@ICLR.claim(
    "iclr:imbalance-mixture",
    where="Sec. 4.3, on a mixture",
    says="two classes with the means μ₁ and μ₂ along one direction and equal covariances; as the first goes from one"
    " half of the data to the share p, B of the spectral loss, in units in which A0 enters once, changes along that"
    " direction by {spectral}; whether that of InfoNCE changes by more: {more}",
    recorded="conditional",
    given="Order 2, exact, for any law within the classes; two views of a datum share its class.",
    why="InfoNCE has A0 + Σ_y π_y (μ_y − μ)(μ_y − μ)ᵀ, the spectral loss A0 + Σ_y π_y μ_y μ_yᵀ: neither has C. The"
    " first falls by (p − ½)² (μ₁ − μ₂)², the second changes by (p − ½)(μ₁² − μ₂²). Classes on opposite sides of 0 at"
    " one distance leave the spectral loss alone, as it keeps the mean of the data; elsewhere it is the spectral loss"
    " that moves more, near equal weights always.",
    counterexample=counterexamples.two_classes_away_from_zero,
    spectral=sympy.S.Zero,
    more=True,
)
def imbalance_mixture() -> Iterator[Reading]:
    """From B over data of classes, in letters; measured as second derivatives at W = 0."""
    change = {name: _change(name) for name in ("spectral", "infonce")}
    for name, put, settings in (
        ("the classes lie around 0, μ₂ = −μ₁", {mu_2: -mu_1}, AROUND),
        ("the classes lie anywhere", {}, ANYWHERE),
    ):
        spectral, infonce = (sympy.factor(change[one].subs(put)) for one in ("spectral", "infonce"))
        # Of two classes of unequal weights InfoNCE's always moves.
        more: object = infonce != 0
        if spectral != 0:
            sizes = (sympy.factor(side) ** 2 for side in sympy.fraction(sympy.cancel(infonce / spectral)))
            more = sympy.Gt(*sizes)
        derived = {"spectral": spectral, "more": more}
        yield Reading(derived, [*_measured(settings)], name=name)


def _change(name: str) -> sympy.Expr:
    """B at the share p less B at ½, along the means, A0 entering once."""
    B = catalogue(name).expand(2, data=Classes(covariances="shared")).B
    mean = p * mu_1 + (1 - p) * mu_2
    between = p * mu_1**2 + (1 - p) * mu_2**2
    along = (B.get("M2", 0) * between + B.get("mean", 0) * mean**2) / B["A0"]
    return sympy.factor(along - along.subs(p, HALF))


def _measured(settings: Sequence[tuple[float, float, float]]) -> Iterator[Measured]:
    """On nodes of the mixture: derivatives of the torch losses, and Cauchy's integral of the definitions."""
    routes = (
        ("autodiff", "the second derivative of the torch loss written by hand", _differentiated),
        ("exact", "order 2 of the definition, by Cauchy's integral on cubature nodes", _on_a_circle),
    )
    for route, quantity, of in routes:
        change, more = [], []
        for at in settings:
            letters = dict(zip(("p", "mu_1", "mu_2"), at, strict=True))
            moved = {name: (of(name, *at) - of(name, 0.5, *at[1:])) for name in ("spectral", "infonce")}
            # The spectral loss has A0 twice.
            moved["spectral"] /= 2
            change.append(Point(letters, moved["spectral"], ROUNDING))
            more.append(Point(letters, abs(moved["infonce"]) > abs(moved["spectral"])))
        yield Measured("spectral", route, f"half the change of B, {quantity}", change)  # type: ignore[arg-type]
        yield Measured("more", route, f"whether B of InfoNCE changes by more, {quantity}", more)  # type: ignore[arg-type]


def _mixture(share: float, first: float, second: float) -> Mixture:
    law = Classes(weights=(sympy.nsimplify(share), 1 - sympy.nsimplify(share)), covariances="shared")
    own = Covariances(np.array([[A]]), np.array([[C]]))
    return Mixture.of(law, [[first], [second]], [own, own])


def _differentiated(name: str, share: float, first: float, second: float) -> float:
    """B of one mode from the torch loss: −½ of its second derivative in w at 0."""
    data = _mixture(share, first, second)
    nodes, weights = data.nodes(2)
    x, x_pos = (torch.from_numpy(one[:, 0].copy()) for one in nodes)
    weight = torch.from_numpy(weights.copy())

    def loss(w: torch.Tensor) -> torch.Tensor:
        return TORCH_LOSSES[name].evaluate(w * x, w * x_pos, weight, w * x, weight, parameters={})

    with one_thread():
        return -float(torch.func.hessian(loss)(torch.zeros((), dtype=torch.float64))) / 2


def _on_a_circle(name: str, share: float, first: float, second: float) -> float:
    """The same from the definition evaluated at complex w."""
    at = case(catalogue(name), {}, seed=0, dimension=1, covariances=_mixture(share, first, second))
    ts = circle(0.2, 16)
    definition = EvaluatedTruth(at_values(catalogue(name), at.values), at.setting)
    coefficient = cauchy(definition.averaged(ts, 2)[None], ts, range(2, 3))[0, 0]
    return -float(coefficient) / float(at.setting.W[0, 0]) ** 2
