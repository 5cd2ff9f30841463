"""Sec. 4.2, β-InfoNCE, and weight decay: where modes collapse by design."""

from __future__ import annotations

from collections.abc import Iterator

import sympy

from derive import catalogue, symbols
from derive.algebra.signs import sign
from derive.landscape.collapse import collapse
from derive.landscape.landscape import a_i, c_i, landscapes
from verify.papers.claims.claim import Measured, Point, Reading
from verify.papers.claims.counterexamples import beta as counterexamples
from verify.papers.claims.formulas import A0, B, C, Sigma, Tr, W, formula_of, identity
from verify.papers.claims.iclr.ledger import ICLR
from verify.papers.claims.measuring import TOLERANCE, curvature, exactly

beta, gamma = symbols("beta gamma")


@ICLR.claim(
    "iclr:beta-hessian",
    where="Sec. 4.2",
    says="β-InfoNCE: the leading term is {second}",
    recorded="refuted",
    kind="error",
    given="Any law of zero mean, β of any size; order 2, exact.",
    tried="Up to a positive factor β it is A0 − ((1 − β)/β) C: to first order in 1 − β that is the print. It is stated"
    " for every β and used at β = ½, where the factor of C is 1 and not ½.",
    why="β weighs the whole entropy term, whose second order is −Tr[WΣWᵀ]: A0 is weighted too, B = βA0 − (1 − β)C.",
    falls=("iclr:beta-threshold at β ≠ ½", "the lines of iclr:phase-diagram as printed"),
    counterexample=counterexamples.curvature_at_the_origin,
    second=-Tr(W * (A0 - (1 - beta) * C) * W.T),
)
def beta_hessian() -> Iterator[Reading]:
    """The engine, β symbolic; and per unit of A0."""
    found = formula_of(catalogue("beta-infonce").expand(2))
    measured = exactly("second", "beta-infonce", order=2)
    yield Reading({"second": found}, measured, name="as an equality")
    scaled = [
        Measured(
            "second", one.route, f"{one.quantity}, over β",
            [Point(point.at, point.found / point.at["beta"], point.error / point.at["beta"]) for point in one.points],
            note=one.note,
        )
        for one in measured
    ]  # fmt: skip
    yield Reading(
        {"second": expand_in(found / beta)}, scaled, name="up to a positive factor, A0 having the coefficient 1"
    )


def expand_in(value: sympy.Expr) -> sympy.Expr:
    """A sum of traces with A0 and C as letters."""
    return value.replace(
        lambda node: node == Tr(W * Sigma * W.T), lambda _: Tr(W * A0 * W.T) + Tr(W * C * W.T)
    ).expand()


def _threshold() -> sympy.Expr:
    """The c_i at which mode i collapses, from b_i = 0."""
    (found,) = landscapes(catalogue("beta-infonce").expand(4))
    (critical,) = sympy.solve(found.b(), c_i)
    return sympy.factor(critical)


@ICLR.claim(
    "iclr:beta-threshold",
    where="Sec. 4.2",
    says="β-InfoNCE with β < 1: mode i collapses when c_i reaches {critical}",
    recorded="conditional",
    given="One mode of eigenvalues a_i and c_i, any law of zero mean: the stability of W = 0.",
    why="The threshold is c_i = a_i β/(1 − β). It is a_i at β = ½ alone; by the printed Hessian it would be a_i/(1 −"
    " β), which"
    " is never a_i.",
    counterexample=counterexamples.threshold,
    critical=a_i,
)
def beta_threshold() -> Iterator[Reading]:
    """Where the curvature at the origin vanishes, for any β and at the β of Fig. 3."""
    any_beta = ["1/5", "2/5", "3/4"]
    yield Reading({"critical": _threshold()}, [_measured_threshold(any_beta)], name="any β < 1")
    yield Reading(
        {"critical": _threshold().subs(beta, sympy.Rational(1, 2))}, [_measured_threshold(["1/2"])], name="β = ½"
    )


def _measured_threshold(betas: list[str]) -> Measured:
    """Where the definition's second order in w vanishes, one mode, by the secant method."""
    points = []
    for share in betas:
        for a in (0.5, 2.0):
            last, here = 0.5, 3.0
            value, now = (curvature("beta-infonce", a, c, {"beta": share}) for c in (last, here))
            while abs(now) > TOLERANCE:
                last, here, value = here, here - now * (here - last) / (now - value), now
                now = curvature("beta-infonce", a, here, {"beta": share})
            points.append(Point({"a_i": a, "beta": float(sympy.Rational(share))}, here, 1e-6))
    return Measured("critical", "exact", "c at which the curvature at w = 0 vanishes, by the secant method", points)


@ICLR.claim(
    "iclr:beta-boundary",
    where="Sec. 4.2",
    says="β-InfoNCE, a_i > 0: for β ≥ 1 no mode collapses, however large C is ({never}), and β = {boundary} is the"
    " lowest such β",
    recorded="holds",
    never=True,
    boundary=sympy.S.One,
)
def beta_boundary() -> Iterator[Reading]:
    """At β = 1 + t the sign of b_i for all t, a_i, c_i; the least β is the limit of the critical one as c_i → ∞."""
    beyond = sympy.Symbol("beyond", positive=True)
    expansion = catalogue("beta-infonce").expand(4)
    (found,) = landscapes(expansion)
    above = sign(found.b().subs(beta, 1 + beyond)) == 1
    at_one = collapse(expansion.set({"beta": 1})).dimensional
    (critical,) = sympy.solve(found.b(), beta)
    boundary = sympy.limit(critical, c_i, sympy.oo)
    never = bool(above and at_one is not None and at_one.formula == sympy.false)
    kept = [
        Point({}, curvature("beta-infonce", a, c, {"beta": share}) < 0)
        for share in ("1", "11/10", "3")
        for a, c in ((0.01, 10.0), (1.0, 1000.0), (2.0, 0.0))
    ]
    # The curvature is affine in β, a mean of one term without β and one with: its root is the critical β.
    a, c = 1.0, 1e7
    at_zero, at_two = (curvature("beta-infonce", a, c, {"beta": share}) for share in ("0", "2"))
    root = 2 * at_zero / (at_zero - at_two)
    yield Reading(
        {"never": never, "boundary": boundary},
        [
            Measured("never", "exact", "whether the loss falls from w = 0 at β ≥ 1, c/a from 0 to 1,000", kept),
            Measured("boundary", "exact", "critical β at c/a = 10⁷, 10⁻⁷ below its limit", [Point({}, root, 1e-6)]),
        ],
    )


@ICLR.claim(
    "iclr:weight-decay",
    where="after Assumption 1",
    says="weight decay γ‖W‖² turns B into {decayed}: the second order becomes {second}",
    recorded="holds",
    decayed=B - gamma * identity,
    second=-Tr(W * (B - gamma * identity) * W.T),
)
def weight_decay() -> Iterator[Reading]:
    """What the decay adds to B, letter by letter, on top of InfoNCE and of the spectral loss."""
    for name, of in (("infonce", A0), ("spectral", 2 * A0)):
        plain, decayed = (catalogue(name + extra).expand(2).B for extra in ("", "+weight-decay"))
        letters = {"A0": A0, "C": C, "I": identity}
        matrix = B
        for x, value in decayed.items():
            matrix += (value - plain.get(x, sympy.S.Zero)) * letters[x]
        measured = exactly("second", f"{name}+weight-decay", order=2)
        yield Reading(
            {"decayed": matrix, "second": -Tr(W * matrix * W.T)}, [*measured, _hessian(name)],
            name=f"on top of {name}", definitions={B: of},
        )  # fmt: skip


def _hessian(name: str) -> Measured:
    """−½ the second derivatives in a row of W at 0, by differentiating the torch definitions; γ = 3/5."""
    import numpy as np
    import torch

    from numeric.sampling import random_covariances
    from verify.truths.torch_losses import TORCH_LOSSES
    from verify.truths.torch_losses import weight_decay as decay

    data = random_covariances(np.random.default_rng(3), 2)
    (x, x_pos), p = data.nodes(5)
    (chi,), q = data.nodes(5, views=1)
    views = [torch.from_numpy(one[:, 0].copy()) for one in (x, x_pos)]
    far, weights, far_weights = (torch.from_numpy(np.array(one)) for one in (chi[:, 0], p, q))

    def loss(w: torch.Tensor) -> torch.Tensor:
        row = w[:, None]
        tensors = (views[0] @ row, views[1] @ row, weights, far @ row, far_weights)
        return TORCH_LOSSES[name].evaluate(*tensors, parameters={}) + decay(row, 0.6)

    found = -torch.func.hessian(loss)(torch.zeros(2, dtype=torch.float64)).numpy() / 2
    at = {"A_0": data.A0, "C": data.C, "gamma": 0.6}
    return Measured("decayed", "autodiff", "−½ Hessian at W = 0, one row", [Point(at, found, TOLERANCE)], seed=3)
