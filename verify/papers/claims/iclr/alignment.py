"""Sec. 4.3 and the comparison with Jing et al.: what the learned modes are proportional to, and depend on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import sympy
import torch

from derive import catalogue
from derive.landscape.landscape import a_i, c_i, landscapes, s_i, s_j
from derive.landscape.mode_potential import b as level
from derive.landscape.stationary import stationary
from verify.papers.claims.claim import Measured, Point, Reading
from verify.papers.claims.counterexamples import landau as counterexamples
from verify.papers.claims.iclr.landau import height, slope, to_all_orders
from verify.papers.claims.iclr.ledger import ICLR
from verify.papers.claims.iclr.table1 import can_collapse, collapses
from verify.papers.claims.iclr.table1_minima import GONE, Trained, lowest
from verify.running.threads import one_thread
from verify.truths.torch_losses import TORCH_LOSSES

if TYPE_CHECKING:
    from collections.abc import Iterator

b_i, b_j = sympy.symbols("b_i b_j", positive=True)


@ICLR.claim(
    "iclr:proportional",
    where="Sec. 4.3",
    says="eigenvalues of the learned WᵀW are, to leading order, as those of B: g_i/g_j = {ratio}",
    recorded="conditional",
    given="Minima through order 4 near the transition, where all b_i are small; g_i the eigenvalues of WᵀW.",
    why="The quartic term weighs a mode by the square of its eigenvalue s_i of Σ: g_i is proportional to b_i/s_i².",
    counterexample=counterexamples.two_modes_near_the_transition,
    ratio=b_i / b_j,
)
def proportional() -> Iterator[Reading]:
    """From the stationary points, where h_i = s_i g_i and the eigenvalue of Σ^(−½) B Σ^(−½) is b_i/s_i."""
    (points,) = (point for one in landscapes(catalogue("beta-infonce").expand(4)) for point in stationary(one))
    ratio = sympy.cancel(points.power.subs(level, b_i / s_i) / s_i / (points.power.subs(level, b_j / s_j) / s_j))
    t = 1e-5
    # β = ½: b = (a − c)/2 is small in both modes, and Σ is not or is isotropic.
    apart = [_two_modes((1.0, 1 - 2 * t), (3.0, 3 - 4 * t)), _trained_ratio(3.0)]
    yield Reading({"ratio": ratio}, apart, name="any augmentation")
    alike = [_two_modes((1 + t, 1 - t), (1 + 2 * t, 1 - 2 * t)), _trained_ratio(1.0)]
    yield Reading({"ratio": ratio.subs(s_j, s_i)}, alike, name="the augmented data are isotropic, Σ ∝ I")


def _two_modes(one: tuple[float, float], other: tuple[float, float]) -> Measured:
    """g_i/g_j, and b_i, s_i from the loss's slope at 0 and the data, on quadrature nodes."""
    letters = {
        f"{name}_{index}": value
        for index, (a, c) in (("i", one), ("j", other))
        for name, value in (("b", -slope(0.0, a, c, 0.5)), ("s", a + c))
    }
    found = height(*one, 0.5) / height(*other, 0.5)
    return Measured("ratio", "exact", "g_i/g_j on quadrature nodes", [Point(letters, found, 1e-3)])


def _trained_ratio(scale: float) -> Measured:
    """The same from the torch loss written by hand, further away: modes (a, c) and, of ``scale`` times the size."""
    t = 0.005
    modes = [(1.0 + t, 1 - t), (scale + 2 * t, scale - 2 * t)]
    (a, a_other), (c, c_other) = zip(*modes, strict=True)
    powers = np.diag(Trained("beta-infonce", (a, a_other), (c, c_other), {"beta": 0.5}).gram)
    found = float(powers[0] / powers[1])
    letters = {
        f"{name}_{index}": value
        for index, (a, c) in zip("ij", modes, strict=True)
        for name, value in (("b", -slope(0.0, a, c, 0.5)), ("s", a + c))
    }
    return Measured("ratio", "trained", "g_i/g_j of the torch loss written by hand, minimised",
                    [Point(letters, found, 0.05 * found)], note="within the next order in b")  # fmt: skip


@ICLR.claim(
    "iclr:jing",
    where="Sec. 2",
    says="in the setting of Jing et al. (2021), a linear model trained with InfoNCE, the data varying in every"
    " direction, strong augmentation can cause dimensional collapse: {dimensional}, complete collapse: {complete}",
    recorded="conditional",
    why="Averaged over the augmentation C cancels at the origin. For one fixed pair of views of each datum what enters"
    " is the sample's own moment of two views, which strong noise makes negative for some draws and not for others: for"
    " two data in one dimension, in about half of them.",
    given="Minima of a linear model with d1 ≥ d0; fresh augmentation in each average, or one pair of views a datum for"
    " good.",
    counterexample=counterexamples.one_pair_of_views_each,
    dimensional=False,
    complete=False,
)
def jing() -> Iterator[Reading]:
    """About the minima; Jing et al. speak of the gradient flow, which ends at them."""
    strong = (((1.0, 1.0), (1.0, 20.0)), ((1.0, 1.0), (20.0, 20.0)))
    for name, sampling, reading in (
        ("infonce", "iid", "fresh augmentation, the population"),
        ("infonce-batch", "iid", "fresh augmentation, a batch of N independent data"),
        ("infonce-batch", "fixed", "fresh augmentation, a fixed centred training set"),
    ):
        derived, how = can_collapse(name, sampling)
        trained = [Trained(name, a, c, fixed=sampling == "fixed") for a, c in strong]
        yield Reading(derived, list(collapses(trained)), name=reading, how=how)
    can = _pairs_can_collapse()
    yield Reading(
        {"dimensional": can, "complete": can}, list(_fixed_pairs()), name="one fixed pair of views for each datum",
        how="the second derivative of Eq. (1) at W = 0 for N = 2 data in one dimension",
    )  # fmt: skip


def _pairs_can_collapse() -> bool:
    """Whether Eq. (1) of two pairs of numbers can rise from w = 0: SymPy's derivative, which has one sign or two."""
    w, x1, y1, x2, y2 = sympy.symbols("w x_1 y_1 x_2 y_2", real=True)

    def near(one: sympy.Expr, other: sympy.Expr) -> sympy.Expr:
        return sympy.exp(-(w**2) * (one - other) ** 2 / 2)

    loss = -sympy.log(near(x1, y1) / (near(x1, y1) + near(x1, y2))) - sympy.log(
        near(x2, y2) / (near(x2, y2) + near(x2, y1))
    )
    second = sympy.factor(sympy.diff(loss, w, 2).subs(w, 0))
    # Both views of datum 1 above those of datum 2, or one above and one below.
    gaps = {x1: x2 + sympy.Symbol("g", positive=True), y1: y2 - sympy.Symbol("h", positive=True)}
    return bool(sympy.factor(second.subs(gaps)).is_positive)


def _fixed_pairs() -> Iterator[Measured]:
    """x̂ = ±1 with noise of standard deviation 5: twelve draws of pairs, as they come."""
    rng = np.random.default_rng(0)
    hat, gone = np.array([1.0, -1.0]), 0
    draws = hat + 5 * rng.standard_normal((12, 2, 2))
    with one_thread():
        for x, y in draws:
            seen = [torch.from_numpy(one[:, None].copy()) for one in (x, y)]

            def loss(w: torch.Tensor, seen: list[torch.Tensor] = seen) -> torch.Tensor:
                return TORCH_LOSSES["infonce-batch"].evaluate(*(w * one for one in seen), parameters={})

            (end,) = lowest(loss, np.array([[0.5], [-0.1]]))
            gone += bool(end**2 < GONE)
    note = f"N = 2, a = 1, c = 25; w = 0 in {gone} of {len(draws)} draws"
    for slot in ("dimensional", "complete"):
        yield Measured(
            slot, "trained", "whether w is 0 where the torch loss by hand is lowest, in some draws and not in all",
            [Point({}, 0 < gone < len(draws))], seed=0, note=note,
        )  # fmt: skip


@ICLR.claim(
    "iclr:imbalance",
    where="Sec. 4.3",
    says="what is learned depends on A0, and so on the proportions of classes: for the spectral contrastive loss"
    " {spectral}, for InfoNCE {infonce}",
    recorded="refuted",
    kind="error",
    given="The global minimum of both losses, of data that vary in every direction; the classes change A0 and not C.",
    tried="As the order of the modes rather than their size, and as B alone: both losses have B ∝ A0. On data with"
    " class means off zero see iclr:imbalance-mixture.",
    why="The spectral loss has B = 2 A0, as InfoNCE has A0: the eigenvalues of WᵀW are a_i/(a_i + c_i)².",
    falls=("the explanation of Fig. 4",),
    counterexample=counterexamples.spectral_with_two_classes,
    spectral=False,
    infonce=True,
)
def imbalance() -> Iterator[Reading]:
    """Whether the derivative of an eigenvalue of WᵀW with respect to a_i vanishes."""
    depends = {}
    for name in ("spectral", "infonce"):
        eigenvalue = to_all_orders(name).heights[0] / (a_i + c_i)
        depends[name] = bool(sympy.simplify(sympy.diff(eigenvalue, a_i)) != 0)
    measured = [
        Measured(name, "trained", "whether WᵀW at the minimum changes with the proportions of four classes",
                 [Point({}, _changes(name))], note="classes at ±2 along two axes, 50 : 50 and 90 : 10; c = 1")
        for name in ("spectral", "infonce")
    ]  # fmt: skip
    yield Reading(depends, measured)


def _changes(name: str) -> bool:
    """Two classes at ±2 e_1, two at ±2 e_2, Gaussian augmentation: the mean stays 0, C stays I, A0 does not."""
    balanced, skewed = (_learned(name, share) for share in (0.5, 0.9))
    return bool(np.abs(balanced - skewed).max() > 1e-2 * np.abs(balanced).max())


def _learned(name: str, share: float) -> Any:
    u, q = np.polynomial.hermite_e.hermegauss(4)
    e = np.stack(np.meshgrid(u, u), -1).reshape(-1, 2)
    q = np.outer(q, q).ravel() / q.sum() ** 2
    hat = 2 * np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    p = np.array([share, share, 1 - share, 1 - share]) / 2
    # Every class with every noise; pairs share the class.
    chi, chi_weight = (hat[:, None] + e).reshape(-1, 2), np.outer(p, q).ravel()
    x = np.broadcast_to(hat[:, None, None] + e[:, None], (4, 16, 16, 2)).reshape(-1, 2)
    x_pos = np.broadcast_to(hat[:, None, None] + e[None], (4, 16, 16, 2)).reshape(-1, 2)
    weight = np.einsum("i,j,k->ijk", p, q, q).ravel()
    tensors = [torch.from_numpy(one.copy()) for one in (x, x_pos, weight, chi, chi_weight)]

    def loss(flat: torch.Tensor) -> torch.Tensor:
        W = flat.reshape(2, 2)
        seen = [one if one.ndim == 1 else one @ W.T for one in tensors]
        return TORCH_LOSSES[name].evaluate(*seen, parameters={})

    with one_thread():
        W = lowest(loss, 0.4 * np.random.default_rng(0).standard_normal((2, 4))).reshape(2, 2)
    return W.T @ W
