"""Sec. 3.2, "Relevant Loss Functions": the spectral contrastive loss, Barlow Twins and VICReg."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import sympy

from derive import NotAnalyticError, catalogue
from derive.algebra.signs import sign
from derive.landscape.collapse import collapse
from derive.landscape.landscape import a_i, c_i, landscapes
from numeric.sampling import Covariances
from verify.papers.claims.claim import Measured, Point, Reading
from verify.papers.claims.counterexamples import spectral as counterexamples
from verify.papers.claims.formulas import A0, C, Sigma, Tr, W, formula_of
from verify.papers.claims.iclr.ledger import ICLR
from verify.papers.claims.measuring import averaged, exactly

kappa, c, s_i = sympy.symbols("kappa c s_i")


@ICLR.claim(
    "iclr:eq15",
    where="Eq. (15)",
    says="SCL, f = Wx, Gaussian data, no normalisation: L = {L}",
    recorded="refuted",
    kind="error",
    given="Eq. (14) without its constraint, Gaussian data of zero mean, x and x′ with independent noise; exact, the"
    " loss ends at order 4.",
    tried="With x′ = x, one view twice, the first term is −2 Tr[WΣWᵀ]; no pairing of views gives C. With C and A0"
    " exchanged throughout the text it would be right here and wrong in Sec. 3.",
    why="E⟨f(x), f(x′)⟩ of two views of a datum is Tr[W A0 Wᵀ], not Tr[W C Wᵀ].",
    falls=("iclr:scl-direction", "iclr:table1-scl", "iclr:imbalance"),
    counterexample=counterexamples.spectral_loss,
    L=-2 * Tr(W * C * W.T) + Tr(W * Sigma * W.T * W * Sigma * W.T),
)
def eq15() -> Iterator[Reading]:
    """Eq. (14) by the engine; the loss is a polynomial, the expansion ends at order 4."""
    yield Reading(
        {"L": formula_of(catalogue("spectral").expand(4))}, exactly("L", "spectral", order=4, only=False, dimension=3)
    )


@ICLR.claim(
    "iclr:scl-direction",
    where="after Eq. (15)",
    says="the feature that SCL learns spreads along the directions of {matrix}",
    recorded="refuted",
    kind="error",
    given="Eq. (14) without its constraint, A0 and C commuting; where it is lowest, and training on samples.",
    tried="The direction in which W grows first, which is that of the largest a_i, and the variance at the minimum,"
    " a_i/(a_i + c_i) along a mode.",
    why="A mode's variance at the minimum is a_i/(a_i + c_i): it grows with the data's variance a_i and shrinks with"
    " the"
    " augmentation's c_i.",
    falls=("iclr:imbalance",),
    counterexample=counterexamples.leading_direction,
    matrix="C",
)
def direction() -> Iterator[Reading]:
    """How the variance h_i of a mode of the feature moves with a_i and c_i."""
    (found,) = landscapes(catalogue("spectral").expand(4))
    alone = found.isotropic()
    # Of −λ h + q₁ h², h being the variance that mode i has in the feature.
    h = alone.eigenvalue() / (2 * alone.q1) if alone else sympy.nan
    grows = {"A0": sign(sympy.together(sympy.diff(h, a_i))), "C": sign(sympy.together(sympy.diff(h, c_i)))}
    along = [name for name, change in grows.items() if change == 1]
    yield Reading({"matrix": " and ".join(along)}, [_leading_direction()])


def _leading_direction() -> Measured:
    """One row of W trained on samples, by torch, from random starts: which axis does the feature follow?"""
    import torch

    points = []
    for seed in range(4):
        generator = torch.Generator().manual_seed(seed)
        a, strength = torch.tensor([1.0, 0.4]), torch.tensor([0.4, 1.0])
        hat = torch.randn(300, 2, generator=generator) * a.sqrt()
        x, x_pos = (hat + torch.randn(300, 2, generator=generator) * strength.sqrt() for _ in range(2))
        W_ = (torch.randn(1, 2, generator=generator) / 2).requires_grad_()
        optimiser = torch.optim.Adam([W_], lr=0.05)
        for _ in range(200):
            optimiser.zero_grad()
            z, z_pos = x @ W_.T, x_pos @ W_.T
            inner = z @ z.T
            loss = -2 * (z * z_pos).sum(1).mean() + (inner**2).mean()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
        spread = (x @ W_.T).detach().flatten()
        against = [abs(float(torch.corrcoef(torch.stack((spread, x[:, k])))[0, 1])) for k in range(2)]
        points.append(Point({"a": a.numpy(), "c": strength.numpy()}, "A0" if against[0] > against[1] else "C"))
    return Measured("matrix", "trained", "d1 = 1, A0 = diag(1, 0.4), C = diag(0.4, 1), 300 data, Adam", points,
                    note="seeds 0–3")  # fmt: skip


@ICLR.claim(
    "iclr:bt",
    where="Sec. 3.2, on Barlow Twins",
    says="Barlow Twins: L = {second} + O(‖W‖⁴)",
    recorded="refuted",
    kind="error",
    given="The cross moment E f(x)f(x′)ᵀ without batch normalisation, any law of zero mean; order 2, exact. λ does not"
    " enter.",
    tried="Batch normalisation, with which there is no expansion at W = 0; and one view twice, x′ = x, for which A0 is"
    " Σ and the print right, but then nothing is augmented.",
    why="The diagonal of the cross-correlation of two views is that of W A0 Wᵀ; the noise of the two is independent.",
    falls=("iclr:table1-bt",),
    counterexample=counterexamples.barlow_twins,
    second=-2 * Tr(W * Sigma * W.T),
)
def barlow_twins() -> Iterator[Reading]:
    """Without batch normalisation, as for the other losses; with it there is no expansion at W = 0."""
    yield Reading(
        {"second": formula_of(catalogue("barlow-twins").expand(2))},
        exactly("second", "barlow-twins", order=2, dimension=3),
    )


@ICLR.claim(
    "iclr:vicreg",
    where='after Proposition 4, "κ ≪ ‖A0‖/c‖Σ‖"',
    says="VICReg with energy ½E|f(x) − f(x′)|² and the penalty κ(E|f|² − c)²: without the penalty the second order"
    " −Tr[WBWᵀ] is {second}, and all modes collapse where, for all i, {collapse}",
    recorded="refuted",
    kind="error",
    why="Without negatives the second order is the energy alone, B = −C. Whether the penalty opens a mode against it is"
    " decided by C: a strong feature with a weak augmentation does not collapse, however large A0 is.",
    falls=("the explanation of VICReg's collapses at small κ by ‖A0‖ (Sec. 3.2)",),
    given="VICReg as Sec. 3.2 models it, any law of zero mean at order 2; the global minimum on Gaussian data, d1 ≥"
    " d0.",
    tried="As an order of magnitude, κ far below the bound: that is right with ‖C‖ in the place of ‖A0‖, and says"
    " nothing where it has A0.",
    counterexample=counterexamples.vicreg_curvature,
    second=Tr(W * A0 * W.T),
    collapse=sympy.Lt(kappa * c * s_i, a_i, evaluate=False),
)
def vicreg() -> Iterator[Reading]:
    """The catalogue's VICReg with the soft variance term, its invariance weighted so that the energy has the ½."""
    loss = catalogue("vicreg-soft").set({"lambda": sympy.Rational(1, 2)})
    expansion = loss.expand(4)
    alone = expansion.set({"kappa": 0}).only(2)
    condition = collapse(expansion).complete
    formula = condition.formula if condition else sympy.nan
    # s_i = a_i + c_i is a letter of the statement.
    formula = sympy.Le(sympy.collect(sympy.expand(formula.lhs), (c, kappa)).subs(a_i, s_i - c_i).expand(), 0)
    yield Reading(
        {"second": formula_of(alone), "collapse": formula}, [*_energy(), _opened_modes(), _minimised()],
    )  # fmt: skip


def _energy() -> list[Measured]:
    return averaged(
        "second", "½E|W(x − x′)|²", lambda W_, u, u_pos, *_: (((u - u_pos) @ W_.T) ** 2).sum(-1) / 2, degree=2
    )


# a, c of one mode, κ and the norm c: on both sides of the printed and of the derived condition, and close to it.
_SETTINGS = (
    (10.0, 0.1, 0.05, 1.0),
    (0.2, 2.0, 0.3, 1.0),
    (1.0, 1.0, 0.2, 0.5),
    (3.0, 0.2, 0.01, 1.0),
    (1.0, 3.0, 0.6, 1.0),
    (1.0, 3.0, 0.35, 1.0),
    (1.0, 3.0, 0.4, 1.0),
)


def _opened_modes() -> Measured:
    """The second derivative of the torch definition at w = 0, by automatic differentiation on cubature nodes."""
    import torch

    points = []
    for a, noise, strength, norm in _SETTINGS:
        loss = _vicreg(a, noise, strength, norm)
        second = float(torch.func.hessian(loss)(torch.zeros((), dtype=torch.float64)))
        at = {"a_i": a, "c_i": noise, "s_i": a + noise, "kappa": strength, "c": norm}
        points.append(Point(at, second >= 0))
    return Measured("collapse", "autodiff", "whether W = 0 is stable, one mode", points)


def _minimised() -> Measured:
    """The lowest point of the same loss on a fine grid of w."""
    import torch

    points = []
    for a, noise, strength, norm in _SETTINGS:
        grid = torch.linspace(0, 3, 3001, dtype=torch.float64)[:, None, None]
        values = _vicreg(a, noise, strength, norm)(grid)
        at = {"a_i": a, "c_i": noise, "s_i": a + noise, "kappa": strength, "c": norm}
        points.append(Point(at, bool(values.argmin() == 0)))
    return Measured("collapse", "exact", "whether the minimum over w lies at 0, one mode, w on a grid of 0.001", points)


def _vicreg(a: float, noise: float, strength: float, norm: float) -> Any:
    """The torch definition as a function of w, on cubature nodes of two views of one number."""
    import torch

    from verify.truths.torch_losses import vicreg_soft

    nodes, weights = Covariances(np.array([[a]]), np.array([[noise]])).nodes(5)
    x, x_pos = (torch.from_numpy(one[:, 0].copy()) for one in nodes)
    p = torch.from_numpy(weights.copy())
    return lambda w: vicreg_soft(w * x, w * x_pos, p, x, p, lam=0.5, nu=1.0, kappa=strength, c=norm)


@ICLR.claim(
    "iclr:vicreg-smooth",
    where="Sec. 3.2",
    says="the variance term of the original VICReg is differentiable at the origin: {smooth}",
    recorded="conditional",
    given="One coordinate of f, v(f) = max(0, 1 − √(Var f + ε)).",
    why="Bardes et al. (2022, Eq. 1) take √(Var + ε) with ε = 10⁻⁴, which is analytic at W = 0, on the scale |f| ≪"
    " √ε. Only"
    " as ε → 0 does it become a cusp, which is what the claim describes.",
    counterexample=counterexamples.variance_term,
    smooth=False,
)
def vicreg_smooth() -> Iterator[Reading]:
    """The engine on the term with ε symbolic and with ε = 0; one-sided slopes of it in numbers."""
    for name, epsilon in (("ε = 0", 0.0), ("ε = 10⁻⁴, as published", 1e-4)):
        loss = catalogue("vicreg")
        try:
            (loss.set({"epsilon": 0}) if epsilon == 0 else loss).expand(2)
            smooth = True
        except (NotAnalyticError, ValueError):
            smooth = False
        yield Reading({"smooth": smooth}, _slopes(epsilon), name=name)


def _slopes(epsilon: float) -> list[Measured]:
    """The slope of v(w) = 1 − √(w² Var + ε) a step to the right of 0, less that to the left, for steps that shrink."""
    import torch

    variance = 1.7
    points = []
    for step in (1e-5, 1e-6, 1e-7):
        value = [1 - float(np.sqrt(w**2 * variance + epsilon)) for w in (-step, 0.0, step)]
        jump = ((value[2] - value[1]) - (value[1] - value[0])) / step
        points.append(Point({}, bool(abs(jump) < 0.1)))
    # torch's own derivative where there is one: √ at 0 has none, and autograd answers NaN.
    w = torch.zeros((), dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(1 - torch.sqrt(w**2 * variance + epsilon), w)
    return [
        Measured("smooth", "exact", "whether the one-sided slopes at w = ±10⁻⁵ to ±10⁻⁷ meet", points),
        Measured(
            "smooth", "autodiff", "whether the derivative at w = 0 exists", [Point({}, bool(torch.isfinite(slope)))]
        ),
    ]
