"""Sec. 3.2, "Effect of Bias", and Theorem 3: f(x) = Wx + b with E[x] = 0."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import inf
from typing import Any

import numpy as np
import sympy
import torch

from derive import catalogue
from derive.algebra.signs import sign
from derive.landscape.collapse import collapse
from derive.landscape.landscape import BIAS, MODE_I, MODE_J, a_i, a_j, c_i, c_j, landscapes, s_i
from derive.landscape.mode_potential import b as level
from derive.landscape.stationary import T1, m, rho, stationary
from numeric.sampling import Covariances
from verify.papers.claims.claim import Measured, Point, Reading
from verify.papers.claims.counterexamples import bias as counterexamples
from verify.papers.claims.formulas import M, Tr, W, d1, formula_of
from verify.papers.claims.iclr.ledger import ICLR
from verify.papers.claims.iclr.penalised import (
    B,
    End,
    Sigma,
    at_ends,
    c,
    ends,
    half,
    in_full,
    kappa,
    on_modes,
    points,
    printed,
)
from verify.papers.claims.measuring import TOLERANCE, random_point
from verify.truths import torch_losses

b = sympy.MatrixSymbol("b", d1, 1)
# |b|² and E|Wx|², and what they are in the claims' letters.
length = sympy.Symbol("b_squared")
of_b, of_W = Tr(b * b.T), Tr(W * Sigma * W.T)
DIFFERENCES = ("infonce", "weighted-infonce", "beta-infonce")


@ICLR.claim(
    "iclr:bias-unnormalised",
    where='Sec. 3.2, "Effect of Bias"',
    says="without normalisation a bias does not change the solution: L(Wx + b) − L(Wx) = {change}",
    recorded="conditional",
    given="Any W and b, through order 4 and in numbers on Gaussian nodes.",
    why="InfoNCE and its variants see f through differences. The spectral contrastive loss, which the same section"
    " brings into the form of Eq. (3), sees inner products and with them b.",
    counterexample=counterexamples.a_bias_in_inner_products,
    change=sympy.S.Zero,
)
def without_normalisation() -> Iterator[Reading]:
    """The expansions with a bias less those without."""
    yield Reading(
        {"change": next((change for change in map(_change, DIFFERENCES) if change != 0), sympy.S.Zero)},
        [_shifted("InfoNCE", _infonce), _shifted("weighted InfoNCE", _weighted), _shifted("β-InfoNCE", _beta)],
        "for losses of differences of f: InfoNCE, weighted InfoNCE, β-InfoNCE",
    )
    yield Reading(
        {"change": _change("spectral")}, [_shifted("SCL", _spectral)], "for losses of inner products of f: SCL"
    )


def _change(name: str) -> sympy.Expr:
    one, other = catalogue(f"{name}+bias").expand(4), catalogue(name).expand(4)
    return formula_of(one) - formula_of(other)


def _shifted(name: str, loss: Callable[[Covariances, Callable[[Any], torch.Tensor]], torch.Tensor]) -> Measured:
    """A loss written by hand, of Wx + b and of Wx on the same views."""
    places = []
    for seed in (0, 1):
        W_, data = random_point(seed)
        shift = np.random.default_rng([seed, 3]).standard_normal((2, 1))
        with_b, without = (float(loss(data, _affine(W_, by))) for by in (shift, 0 * shift))
        letters = {"W": W_, "b": shift, "A_0": data.A0, "C": data.C, "Sigma": data.Sigma}
        places.append(Point(letters, with_b - without, TOLERANCE))
    return Measured("change", "exact", f"{name} of Wx + b less {name} of Wx", places, note="seeds 0, 1")


def _affine(W_: Any, by: Any) -> Callable[[Any], torch.Tensor]:
    return lambda u: torch.from_numpy(u @ W_.T + by[:, 0])


def _population(loss: Callable[..., torch.Tensor], **parameters: float) -> Any:
    """On quadrature nodes with positive weights."""

    def value(data: Covariances, f: Callable[[Any], torch.Tensor]) -> torch.Tensor:
        (u, u_pos), p = data.nodes(4, views=2, positive=True)
        (v,), q = data.nodes(4, views=1, positive=True)
        weights = (torch.from_numpy(np.array(one)) for one in (p, q))
        at_datum, at_other = weights
        return loss(f(u[:, 0]), f(u_pos[:, 0]), at_datum, f(v[:, 0]), at_other, **parameters)

    return value


_infonce, _spectral = _population(torch_losses.infonce), _population(torch_losses.spectral)
_beta = _population(torch_losses.beta_infonce, beta=0.6)


def _weighted(data: Covariances, f: Callable[[Any], torch.Tensor]) -> torch.Tensor:
    """On one batch of five."""
    u, u_pos = data.draw(np.random.default_rng(0), (5,))
    return torch_losses.weighted_infonce(f(u), f(u_pos), alpha=0.3)


@ICLR.claim(
    "iclr:thm3",
    where="Theorem 3",
    says="f = Wx + b with normalisation: all stationary points have WᵀW = {gram}, with Tr[WΣWᵀ] ≤ c: {within}",
    recorded="refuted",
    kind="error",
    given="All stationary points of −Tr[WBWᵀ] + Tr[WΣWᵀWΣWᵀ] + κ(E|f|² − c)², B and Σ commuting, Σ ≻ 0, of f = Wx + b"
    " with E[x] = 0, for a loss of differences of f.",
    tried="With W alone free and b at its own optimum, and with W and b free together, at a finite κ and as κ → ∞. At"
    " the points with b ≠ 0 it holds: what it misses are those with b = 0.",
    why="That is so where b ≠ 0, since then E|f|² = c. At b = 0 the gradient in b vanishes too: every stationary point"
    " of Proposition 3 is one with a bias as well, the minimum among them where ½Tr[Σ⁻¹B_M] > c.",
    falls=("iclr:bias-complete", "iclr:bias-two"),
    counterexample=counterexamples.no_bias_at_the_minimum,
    gram=half * Sigma**-1 * B * M * Sigma**-1,
    within=True,
)
def theorem_3() -> Iterator[Reading]:
    """One formula for b = 0 and b ≠ 0: the slope along a kept mode vanishes at the norms ρ and |b|² that are there."""
    h = _beside_a_bias()
    found = [*ends([0.5, 1.1, -0.3], [0.6, 1.0, 1.5], kappa=0.7, bias=True),
             *ends([0.9, 0.8], [1.5, 0.7], kappa=0.7, c=0.4, bias=True, seed=1)]  # fmt: skip
    # Whether ρ ≤ c at b = 0, for all B and c.
    gap = sympy.together(c - points().trace.subs(T1, T1 + 2 * kappa * c * m))
    derived = {"gram": on_modes(h / s_i).subs(length, of_b), "within": sign(gap) in (0, 1)}
    yield Reading(derived, list(_of_bias(found)), "κ finite")
    # ρ = Σ_M h_i, and κ → ∞.
    summed = T1 / 2 + m * (h - a_i / s_i / 2)
    (norm,) = sympy.solve(summed - rho, rho)
    fixed = sympy.limit(sympy.cancel(h.subs(rho, norm)), kappa, sympy.oo)
    limit = sympy.limit(sympy.cancel(norm), kappa, sympy.oo)
    found = [*ends([0.5, 1.1, -0.3], [0.6, 1.0, 1.5], bias=True), *ends([0.9, 0.8], [1.5, 0.7], c=0.4, bias=True)]
    gram = on_modes(in_full(fixed, points(fixed=True)) / s_i).subs(length, of_b)
    yield Reading({"gram": gram, "within": sign(c - limit) in (0, 1)}, list(_of_bias(found)), "κ → ∞")


def _beside_a_bias() -> sympy.Expr:
    """h_i of a kept mode where 2 Q_ii g_i + 2 Σ_j K_ij g_j = b_i, the sum running over the modes and the bias."""
    (found,) = landscapes(printed().with_norm_penalty().with_bias().expand(4))
    # K_ij = κ s_i s_j, and Σ_j s_j g_j = ρ.
    pull = found.K(MODE_I, MODE_J) / (a_j + c_j) * rho + found.K(MODE_I, BIAS) * length
    power = (found.b() - 2 * pull) / (2 * found.Q(MODE_I, MODE_I))
    return sympy.expand(sympy.cancel((a_i + c_i) * power).subs(c_i, s_i - a_i))


def _of_bias(found: list[End]) -> Iterator[Measured]:
    kept = [end for end in found if end.kept.any()]
    yield at_ends("gram", "WᵀW, b zero or not", kept, lambda end: end.gram)
    within = all(end.norm <= end.problem.c + 1e-9 for end in found)
    yield Measured("within", "exact", "Tr[WΣWᵀ] ≤ c at all stationary points found", [Point({}, within)])


@ICLR.claim(
    "iclr:bias-complete",
    where="after Theorem 3",
    says="with a bias, as κ → ∞, a complete collapse happens if {condition} for all i",
    recorded="refuted",
    kind="error",
    given="Global minima of −Tr[WBWᵀ] + Tr[WΣWᵀWΣWᵀ] + κ(E|f|² − c)², B and Σ commuting, Σ ≻ 0, of f = Wx + b as κ →"
    " ∞, d1 ≥ d0; a_i > 0 for InfoNCE.",
    tried="'Can happen' as: there is a stationary point with W = 0, |b|² = c. There is one at every c, so that the"
    " condition says nothing; it is a minimum where no b_i is positive.",
    why="W = 0 with |b|² = c is a stationary point for every c, and a minimum only where no mode has b_i > 0: c_i ≥ a_i"
    " for B = A0 − C, whose eigenvalues of Σ⁻¹B are the printed ratios. The print asks for b_i > 0, where it is a"
    " saddle. (Even if Theorem 3 held, a factor ½ would be missing: one mode alone has Tr[WΣWᵀ] = ½ b_i/s_i.)",
    falls=("the reason given for complete collapse in iclr:table1-bias",),
    counterexample=counterexamples.collapse_at_small_norm,
    condition=sympy.Lt(c, (a_i - c_i) / (a_i + c_i)),
)
def complete_collapse() -> Iterator[Reading]:
    """The minima, under the B that the printed ratio belongs to and under that of InfoNCE."""
    for noise, name in ((1, "B = A0 − C, as in App. D.1"), (0, "B = A0, InfoNCE")):
        found = collapse(printed(noise).with_norm_penalty().with_bias().expand(4), limit="kappa")
        condition = found.complete.formula if found.complete else sympy.nan
        yield Reading({"condition": condition}, [_complete(noise)], name)


def _complete(noise: int) -> Measured:
    """The minima of two equal modes."""
    places = []
    for a, noisy, norm in (
        (3.0, 1.0, 0.2), (3.0, 1.0, 0.7), (1.0, 3.0, 0.5), (1.0, 3.0, 2.0), (2.0, 1.9, 0.5), (1.9, 2.0, 0.5),
    ):  # fmt: skip
        reached = ends([a - noise * noisy] * 2, [a + noisy] * 2, c=norm, bias=True, minimise=True, starts=8)
        places.append(Point({"a_i": a, "c_i": noisy, "c": norm}, not any(end.kept.any() for end in reached)))
    return Measured("condition", "exact", "whether W = 0 at the minima that an optimiser finds", places, note="seed 0")


@ICLR.claim(
    "iclr:bias-two",
    where="after Theorem 3",
    says="with a bias, c = 1 and c_i ≪ a_i, the number of non-trivial subspaces is at most {most}",
    recorded="refuted",
    kind="error",
    given="Global minima of −Tr[WBWᵀ] + Tr[WΣWᵀWΣWᵀ] + κ(E|f|² − c)², B and Σ commuting, Σ ≻ 0, of f = Wx + b with c ="
    " 1, B = A0 − C, c_i ≪ a_i, d1 ≥ d0, κ = 20 and ∞.",
    tried="Of the stationary points with b ≠ 0 it holds; with more than two modes these are no minima.",
    why="d_M ≤ 2 follows from Theorem 3 where b ≠ 0. With more than two modes b = 0 at the minimum, where Theorem 2"
    " holds and all modes are kept, with h_i = c/d_M each.",
    falls=("that normalisation with a bias leaves too few subspaces for a meaningful representation",),
    counterexample=counterexamples.three_subspaces,
    most=sympy.Integer(2),
)
def two_subspaces() -> Iterator[Reading]:
    """All b_i/s_i are 1: which masks have a stationary point, at b = 0 or not."""
    alike = stationary(printed(noise=1).with_norm_penalty().with_bias().expand(4), limit="kappa")
    off = next(branch for branch in alike if branch.bias == "off")
    value = sympy.limit(off.isotropic.eigenvalue().subs(kappa, 0), c_i, 0)
    power = off.power.subs({level: value, T1: m * value, c: 1})
    # Positive for every number of kept modes, so that all d0 can be.
    most = sympy.Symbol("d_0") if sign(power) == 1 else sympy.nan
    yield Reading({"most": most}, [_most(inf), _most(20.0)], "")


def _most(strength: float) -> Measured:
    places = []
    for size in (3, 4):
        a = np.linspace(0.5, 1.5, size)
        reached = ends(0.999 * a, 1.001 * a, kappa=strength, c=1.0, bias=True, minimise=True, starts=6, steps=200)
        places.append(Point({"d_0": float(size)}, float(max(end.kept.sum() for end in reached))))
    quantity = f"modes kept at the minima that an optimiser finds, κ = {'∞' if strength == inf else strength}"
    return Measured("most", "exact", quantity, places, note="c_i = a_i/1000; seed 0")
