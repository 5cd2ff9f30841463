"""Secs. 3.2, 4.1, 4.2 and App. F.1 in words: which losses collapse, by what, and what Barlow Twins learns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import sympy
import torch

from derive import catalogue
from derive.algebra.signs import sign
from derive.landscape.landscape import a_i, a_j, c_i, c_j, landscapes
from derive.landscape.mode_potential import b as level
from derive.landscape.stationary import T1
from verify.papers.claims.claim import Measured, Point, Reading
from verify.papers.claims.counterexamples import words_of_losses as counterexamples
from verify.papers.claims.iclr.landau import height
from verify.papers.claims.iclr.ledger import ICLR
from verify.papers.claims.iclr.penalised import ends, points
from verify.papers.claims.iclr.stationary import theory, wide
from verify.papers.claims.iclr.table1 import BATCH, FIXED, can_collapse
from verify.papers.claims.measuring import curvature, ordered

if TYPE_CHECKING:
    from collections.abc import Iterator

beta, gamma = sympy.symbols("beta gamma", positive=True)
# Two modes (a, c) each.
PAIRS = (((2.0, 0.5), (1.0, 0.4)), ((1.0, 3.0), (1.5, 0.2)), ((0.5, 1.0), (1.2, 0.1)))


@ICLR.claim(
    "iclr:bt-spread",
    where="Sec. 3.2, on Barlow Twins",
    says="what Barlow Twins learns spreads along the combination of feature and augmentation: more along mode i than"
    " along j where {before}",
    recorded="refuted",
    kind="error",
    why="C is in no term of the loss, which sees E f(x)f(x′)ᵀ = WA0Wᵀ alone. W grows from small weights along A0; where"
    " all modes are kept WA0Wᵀ is the identity, so that the representation varies by s_i/a_i, 1 plus what noise adds.",
    falls=("the contrast with InfoNCE that is drawn from it",),
    given="Barlow Twins on the cross moment, λ > 0, without batch normalisation, as the paper expands it; A0 ≻ 0 and C"
    " commuting; at the minima d1 = d0. What varies is E|f|² along the mode.",
    tried="Of the growth from small weights, for which B is made, and of the minimum. The loss as published, with batch"
    " normalisation, has C in it: one row then follows the largest a_i/(a_i + c_i), which is not a_i + c_i either.",
    counterexample=counterexamples.two_modes_of_barlow_twins,
    before=sympy.Gt(a_i + c_i, a_j + c_j),
)
def spread() -> Iterator[Reading]:
    """The eigenvalue of B; and the power where the slope of one mode vanishes."""
    found = landscapes(catalogue("barlow-twins").expand(4))[0]
    other = {a_i: a_j, c_i: c_j}
    grown = found.b()
    # −b g + (Q + K) g² of one mode in one row, with g = w².
    own = {"A": a_i, "S": a_i + c_i}
    quartic = found.Q(own, own) + found.K(own, own)
    power = sympy.cancel((a_i + c_i) * found.b() / (2 * quartic))
    _, difference = (grown - grown.subs(other, simultaneous=True)).primitive()
    at_minimum = sympy.Gt(power, power.subs(other, simultaneous=True))
    yield Reading(
        {"before": sympy.Gt(difference, 0)},
        [ordered("before", "of the second derivatives at W = 0", _fall, PAIRS)],
        "while W grows from small weights",
    )
    learned = ordered("before", "of the variances at the minimum", _power, PAIRS)
    yield Reading({"before": at_minimum}, [learned], "at the minimum, d1 = d0")


def _fall(a: float, c: float) -> float:
    return -curvature("barlow-twins", a, c, {"lambda": "1/2"})


def _power(a: float, c: float) -> float:
    """(a + c) w² at the minimum of the torch loss over w, one mode, by bisection of its slope."""
    from verify.truths.torch_losses import TORCH_LOSSES

    u, p = (torch.from_numpy(np.array(one)) for one in np.polynomial.hermite_e.hermegauss(3))
    p = p / p.sum()
    hat, e, e_pos = torch.meshgrid(u, u, u, indexing="ij")
    weight = torch.einsum("i,j,k->ijk", p, p, p).reshape(-1)
    x, x_pos = ((a**0.5 * hat + c**0.5 * one).reshape(-1, 1) for one in (e, e_pos))

    def slope(w: float) -> float:
        at = torch.tensor(w, dtype=torch.float64, requires_grad=True)
        loss = TORCH_LOSSES["barlow-twins"].evaluate(
            at * x, at * x_pos, weight, at * x, weight, parameters={"lambda": 0.5}
        )
        return float(torch.autograd.grad(loss, at)[0])

    low, high = 1e-3, 5.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if slope(middle) < 0 else (low, middle)
    return (a + c) * low**2


@ICLR.claim(
    "iclr:collapse-only-a",
    where="Sec. 4.1, after Eq. (16)",
    says="which modes collapse depends on the stability of the matrix A of Eq. (16) alone: {alone}",
    recorded="conditional",
    why="Where the quartic part couples modes, a mode along which A is unstable can be lost to another: so in Eq."
    " (10) and in Eq. (61), with their Tr[WΣWᵀ]². Whether W = 0 is stable, A decides where it is not singular.",
    given="Quartic parts that are bounded below; the global minimum, d1 ≥ d0.",
    counterexample=counterexamples.lost_to_another_mode,
    alone=True,
)
def only_a() -> Iterator[Reading]:
    """Whether the power of a kept mode is that of its own eigenvalue alone, or has the sum over the others in it."""
    single, coupled = theory().power, points().power
    first = [Point({}, end.rank == wide().positive) for end in wide().minima]
    # Both eigenvalues of A are unstable, and one mode is lost.
    lost = ends([1.0, 0.2], [1.0, 1.0], kappa=2.0, c=1e-9, minimise=True, starts=4)
    yield Reading(
        {"alone": single.free_symbols <= {level}},
        [Measured("alone", "exact", "whether minima keep just the unstable modes of A", first)],
        "the quartic part is Tr[(WΣWᵀ)²], as in Eq. (3)",
    )
    yield Reading(
        {"alone": not coupled.has(T1)},
        [
            Measured(
                "alone",
                "exact",
                "whether minima keep both modes, both unstable",
                [Point({}, bool(end.kept.all())) for end in lost],
                note="A = −diag(1, 0.2), Σ = I, κ = 2",
            )
        ],
        "Tr[WΣWᵀ]² stands beside it, as in Eqs. (10) and (61)",
    )


@ICLR.claim(
    "iclr:simclr-small",
    where="Sec. 4.2",
    says="SimCLR induces a collapse, which depends on a vanishingly small parameter 1/N: there is one at some N: {can}",
    recorded="refuted",
    kind="error",
    why="C cancels at second order at every N and for every weight of the positive (iclr:eq8): the loss falls from W"
    " = 0 along every direction in which the data vary, and so it does along a row to spare from any W that has lost a"
    " mode (iclr:eq17).",
    falls=("that β-InfoNCE is needed because SimCLR's collapse is not robust (Sec. 4.2)",),
    given="Batches of N independent data, or one centred training set of N with fresh noise; order 2 in W, which is"
    " exact about the stability of the origin.",
    tried="NT-Xent as Chen et al. define it, and Eq. (7) at α = 0, which the paper takes for it, each for both"
    " meanings of the N data.",
    counterexample=counterexamples.ntxent_of_two,
    can=True,
)
def simclr_small() -> Iterator[Reading]:
    """Second derivatives at W = 0 under augmentation that is a hundred times the data."""
    for name, given in (("ntxent", {"tau": 1}), ("weighted-infonce", {"alpha": 0})):
        for sampling, said, sizes in (("iid", BATCH, (2, 3)), ("fixed", FIXED, (3, 4))):
            derived, how = can_collapse(name, sampling)
            held = [
                Point({}, curvature(name, 1.0, 100.0, {**given, "N": size}, sampling=sampling) > 0) for size in sizes
            ]
            quantity = f"whether the loss rises from w = 0, c = 100 a, N = {' and '.join(map(str, sizes))}"
            label = "NT-Xent" if name == "ntxent" else "Eq. (7) at α = 0"
            yield Reading(
                {"can": derived["complete"]}, [Measured("can", "exact", quantity, held)], f"{label} {said}", how=how
            )


@ICLR.claim(
    "iclr:beta-small",
    where="Sec. 4.2",
    says="β-InfoNCE: where the augmentation reaches mode i, c_i > 0, it collapses at all sufficiently small β > 0:"
    " {can}",
    recorded="holds",
    why="At β ≤ c_i/(a_i + c_i). A mode that the augmentation leaves alone is kept at every β > 0.",
    can=True,
)
def beta_small() -> Iterator[Reading]:
    """The β at which b_i vanishes is positive, and below it b_i is negative."""
    (found,) = landscapes(catalogue("beta-infonce").expand(4))
    (edge,) = sympy.solve(found.b(), sympy.Symbol("beta"))
    below = found.b().subs(sympy.Symbol("beta"), edge / (1 + sympy.Symbol("more", positive=True)))
    spectra = ((1.0, 0.05), (0.1, 2.0), (3.0, 1.0))
    curved = [Point({}, curvature("beta-infonce", a, c, {"beta": "1/100"}) > 0) for a, c in spectra]
    lowest = [Point({}, height(a, c, 0.01) == 0) for a, c in spectra]
    yield Reading(
        {"can": sign(edge) == 1 and sign(sympy.factor(below)) == -1},
        [
            Measured("can", "exact", "whether the loss rises from w = 0 at β = 1/100, c/a from 0.05 to 20", curved),
            Measured("can", "trained", "whether it is lowest at w = 0 there, on quadrature nodes", lowest),
        ],
    )


SCALED = {
    "infonce": "InfoNCE",
    "spectral": "SCL",
    "beta-infonce": "β-InfoNCE",
    "infonce+weight-decay": "InfoNCE with weight decay",
}


@ICLR.claim(
    "iclr:f1-collapse",
    where="App. F.1, last paragraph",
    says="views x = s x̂ with an exponential scale: a collapse can happen with the losses of the main text: {can}",
    recorded="conditional",
    why="All modes have the view correlation b²/2b² = ½, whatever the data and b. InfoNCE, weighted InfoNCE and SCL"
    " keep all; β-InfoNCE loses all at once for β ≤ ½, and weight decay a mode with b² a_i ≤ γ.",
    given="x̂ Gaussian, a_i > 0 the eigenvalues of E[x̂x̂ᵀ], a scale of its own for each view; the stability of W = 0.",
    counterexample=counterexamples.infonce_of_scaled_views,
    can=True,
)
def scaled_collapse() -> Iterator[Reading]:
    """The eigenvalue of B with the moments b² a_i of two views and 2b² a_i of one."""
    b, a = sympy.symbols("b a", positive=True)
    for name, title in SCALED.items():
        B = catalogue(name).expand(2).B
        value = b**2 * a * (B["A0"] + B["C"]) + B.get("I", 0)
        value = value.subs({sympy.Symbol(one): two for one, two in (("beta", beta), ("gamma", gamma))})
        derived = sign(sympy.factor(value)) != 1
        rises = [Point({}, any(_second(name, scale, at) > 0 for at in (0.3, 5.0))) for scale in (0.7, 1.3)]
        how = "whether the loss rises from w = 0 at some β or γ, on Gauss-Laguerre and Gauss-Hermite nodes"
        yield Reading({"can": derived}, [Measured("can", "exact", how, rises)], title)


def _second(name: str, scale: float, strength: float) -> float:
    """The coefficient of w² of a loss of views of one number, E x̂² = 1, from their moments on nodes."""
    s, q = np.polynomial.laguerre.laggauss(6)
    u, p = np.polynomial.hermite_e.hermegauss(3)
    p = p / p.sum()
    x = scale * s[:, None, None] * u
    x_pos = scale * s[None, :, None] * u
    weight = np.einsum("i,j,k->ijk", q, q, p)
    one, pair = float((weight * x**2).sum()), float((weight * x * x_pos).sum())
    near, far = one - pair, one
    if name == "spectral":
        return -2 * pair
    push = strength if name == "beta-infonce" else 1.0
    return near - push * far + (strength if "decay" in name else 0.0)
