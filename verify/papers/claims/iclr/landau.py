"""Sec. 4.1, A connection to Landau theory, and App. A: how modes appear, how fast, and how they scale."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import sympy
import torch
from scipy.optimize import brentq

from derive import catalogue, closed_form
from derive.landscape.conditions import at_most_zero
from derive.landscape.critical import epsilon, transition
from derive.landscape.exact_modes import ExactModes, exact_modes
from derive.landscape.landscape import MODE_I, a_i, c_i
from numeric.landscape.descent import Smooth, gradient_flow
from verify.papers.claims.claim import Measured, Point, Reading
from verify.papers.claims.counterexamples import landau as counterexamples
from verify.papers.claims.iclr.ledger import ICLR
from verify.papers.claims.iclr.table1 import BATCH, FIXED
from verify.papers.claims.iclr.table1_minima import Trained
from verify.running.threads import one_thread
from verify.truths.torch_losses import TORCH_LOSSES

if TYPE_CHECKING:
    from collections.abc import Iterator

N, alpha = sympy.symbols("N alpha")
HALF = sympy.Rational(1, 2)

_nodes, _weights = np.polynomial.hermite_e.hermegauss(40)
_weights = _weights / _weights.sum()


def slope(u: float, a: float, c: float, beta: float = 1.0) -> float:
    """dL/du of β-InfoNCE for one mode, u = w², on nodes for x and χ; x has the variance a + c, x − x′ has 2c."""
    x = np.sqrt(a + c) * _nodes
    half = (x[:, None] - x[None]) ** 2 / 2
    near = np.exp(-u * half) * _weights
    return float(c - beta * _weights @ ((near * half).sum(1) / near.sum(1)))


def height(a: float, c: float, beta: float = 1.0, gamma: float = 0.0) -> float:
    """Where β-InfoNCE with weight decay γ is lowest, in u = w² ≥ 0: where its slope changes sign."""
    if slope(0.0, a, c, beta) + gamma >= 0:
        return 0.0
    # There β E_x[…] is below c, however weak the augmentation.
    top = max(1.0, beta) / c
    return float(brentq(lambda u: slope(u, a, c, beta) + gamma, 0.0, top, xtol=1e-300, rtol=1e-12))


def to_all_orders(name: str, **values: Any) -> ExactModes:
    """The modes of a catalogue loss that closes."""
    closed = closed_form(catalogue(name).set(values))
    found = None if closed is None else exact_modes(closed)
    assert found is not None  # noqa: S101 (told the type checker)
    return found


def with_strong_augmentation() -> tuple[sympy.Expr, bool]:
    """The power of σ that InfoNCE's eigenvalues of WᵀW go with as σ → ∞, and whether they ever vanish."""
    sigma, a = sympy.symbols("sigma a", positive=True)
    modes = to_all_orders("infonce")
    eigenvalue = (modes.heights[0] / (a_i + c_i)).subs({a_i: a, c_i: sigma**2})
    growth = sympy.limit(sympy.simplify(sigma * sympy.diff(eigenvalue, sigma) / eigenvalue), sigma, sympy.oo)
    return growth, bool(modes.collapse != sympy.false)


@ICLR.claim(
    "iclr:landau-exponent",
    where="Sec. 4.1, A connection to Landau theory",
    says="√λ, λ an eigenvalue of WᵀW, grows with the exponent {exponent} past the transition",
    recorded="holds",
    exponent=HALF,
)
def landau_exponent() -> Iterator[Reading]:
    """In ε = b_i, and so in any parameter that b_i depends on smoothly."""
    for name, reading, beta in (
        ("beta-infonce", "augmentation against data, β-InfoNCE", 0.5),
        ("infonce+weight-decay", "weight decay against data, InfoNCE", 1.0),
    ):
        # ε is half of 1 − c at a = 1, β = ½, and a − γ.
        near = [height(1.0, 1 - 2 * one, 0.5) if beta < 1 else height(1.0, 1.0, gamma=1 - one) for one in (1e-5, 2e-5)]
        found = float(np.log(near[1] / near[0]) / 2 / np.log(2.0))
        measured = Measured("exponent", "exact", "slope of log w at the minimum against log ε, on quadrature nodes",
                            [Point({}, found, 1e-4)], note="ε = 1e-5 and 2e-5")  # fmt: skip
        yield Reading(
            {"exponent": transition(catalogue(name).expand(4)).exponent}, [measured, _of_torch_loss(name)], name=reading
        )


def _of_torch_loss(name: str) -> Measured:
    """The same with the torch loss written by hand, minimised by BFGS further away."""
    beta = name == "beta-infonce"
    ends = []
    for one in (0.002, 0.004):
        a, c = (1.0, 1 - 2 * one) if beta else (1.0, 1.0)
        found = Trained(
            name.partition("+")[0], (a,), (c,), {"beta": 0.5} if beta else {}, gamma=0.0 if beta else 1 - one
        )
        ends.append(float(found.eigenvalues[0]))
    found_slope = float(np.log(ends[1] / ends[0]) / 2 / np.log(2.0))
    # The next order in ε moves it by less than this.
    return Measured("exponent", "trained", "the same of the torch loss written by hand, minimised",
                    [Point({}, found_slope, 0.02)], note="ε = 0.002 and 0.004")  # fmt: skip


@ICLR.claim(
    "iclr:critical-slowing",
    where="Sec. 4.1, A connection to Landau theory",
    says="the learning time scale of a collapsing dimension diverges at the critical point: its rate goes to {rate}",
    recorded="holds",
    rate=sympy.S.Zero,
)
def critical_slowing() -> Iterator[Reading]:
    """The rate of gradient flow; at the point itself w falls off as a power of the time, and is not frozen."""
    found = transition(catalogue("beta-infonce").expand(4))
    for name, rate, sign in (
        ("where the mode is kept", found.rate_kept, 1),
        ("where it is collapsed", found.rate_collapsed, -1),
    ):
        limit = sympy.limit(rate, epsilon, 0, "+")
        yield Reading({"rate": limit}, [_rate_of_flow(sign), _curvature_at_the_point()], name=name)


def _rate_of_flow(sign: int) -> Measured:
    """Gradient flow of β-InfoNCE, β = ½, a = 1: how fast w approaches its limit, at two ε, carried on to ε = 0."""
    sizes, rates = (0.01, 0.02), []
    for size in sizes:
        c = 1 - 2 * sign * size
        end = np.sqrt(height(1.0, c, 0.5))

        def gradient(x: Any, c: float = c) -> Any:
            return np.array([[2 * one * slope(one**2, 1.0, c, 0.5)] for one in x[:, 0]])

        flow = Smooth(lambda x: x[:, 0], gradient, lambda x: x[:, :, None])
        start = np.array([end + 0.002])
        early, late = gradient_flow(flow, start, np.array([0.0, 0.4, 0.6]) / size)[1:, 0] - end
        rates.append(float(np.log(early / late) / (0.2 / size)))
    at_zero = 2 * rates[0] - rates[1]
    note = ", ".join(f"rate {rate:.4f} at ε = {sign * size}" for rate, size in zip(rates, sizes, strict=True))
    return Measured("rate", "trained", "rate of gradient flow, extrapolated to ε = 0",
                    [Point({}, at_zero, 3e-3)], note=note)  # fmt: skip


def _curvature_at_the_point() -> Measured:
    """L″(0) where c = a and β = ½, of the torch loss written by hand, by automatic differentiation."""
    x, x_pos, pairs = _pairs()
    chi, p = np.sqrt(2.0) * torch.from_numpy(_nodes), torch.from_numpy(_weights)

    def loss(w: torch.Tensor) -> torch.Tensor:
        seen = [w * one[:, None] for one in (x, x_pos, chi)]
        return TORCH_LOSSES["beta-infonce"].evaluate(seen[0], seen[1], pairs, seen[2], p, parameters={"beta": 0.5})

    with one_thread():
        second = torch.autograd.functional.hessian(loss, torch.zeros((), dtype=torch.float64))  # type: ignore[no-untyped-call]
    return Measured("rate", "autodiff", "L″(0) at ε = 0", [Point({}, float(second), 1e-10)])


def _pairs() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Two views of a datum with a = c = 1, and weights, on three-point nodes."""
    u, p = np.polynomial.hermite_e.hermegauss(3)
    p = p / p.sum()
    hat, e, e_pos = np.meshgrid(u, u, u, indexing="ij")
    weights = np.einsum("i,j,k->ijk", p, p, p)
    return tuple(torch.from_numpy(one.ravel().copy()) for one in (hat + e, hat + e_pos, weights))  # type: ignore[return-value]


@ICLR.claim(
    "iclr:infonce-scaling",
    where="App. A, No Collapse for InfoNCE",
    says="vanilla InfoNCE, augmentation of variance σ²: the smallest singular value scales as σ to the power"
    " {exponent} at large σ; it vanishes at some finite σ: {vanishes}",
    recorded="refuted",
    kind="misprint",
    why="It falls: that of WᵀW as σ⁻⁴, that of W as σ⁻². b_i = a_i stays, while the quartic term grows as"
    " s_i² = (a_i + σ²)².",
    given="The global minimum of Eq. (2) on Gaussian data to all orders, augmentation of covariance σ²I, σ² ≫ a_i.",
    tried="The text has the singular value of W, the caption of Fig. 5 that of WᵀW; and 'scales as σ⁴' as 'in"
    " proportion to one over σ⁴', which is right of WᵀW: a sign of the exponent is missing.",
    counterexample=counterexamples.infonce_at_strong_augmentation,
    exponent=sympy.Integer(4),
    vanishes=False,
)
def infonce_scaling() -> Iterator[Reading]:
    """From the closed form, to all orders."""
    growth, vanishes = with_strong_augmentation()
    strong = (100.0, 200.0)
    found = [height(1.0, one**2) for one in strong]
    exponent = float(np.log(found[1] / found[0]) / np.log(2.0))
    measured = [
        Measured("exponent", "exact", "slope of log w² at the minimum against log σ, on quadrature nodes",
                 [Point({}, exponent, 1e-2)], note="a = 1, σ = 100 and 200"),
        Measured("vanishes", "exact", "whether w² is 0 at the minimum, on quadrature nodes",
                 [Point({}, one == 0) for one in found], note="a = 1, σ = 100 and 200"),
    ]  # fmt: skip
    yield Reading({"exponent": growth, "vanishes": vanishes}, measured, name="of WᵀW, as in the caption of Fig. 5")
    root = [
        Measured("exponent", "exact", "slope of log |w| against log σ", [Point({}, exponent / 2, 1e-2)]),
        measured[1],
    ]
    yield Reading({"exponent": growth / 2, "vanishes": vanishes}, root, name="of W, as in the text")


@ICLR.claim(
    "iclr:eq17",
    where="Eq. (17)",
    says="weighted InfoNCE: does subspace i collapse, and where: {condition}",
    recorded="refuted",
    kind="error",
    given="a_i > 0, N ≥ 2, α ≥ 0. Order 2 at W = 0, exact; and, to all orders, any W that has lost mode i and has a"
    " row to spare.",
    tried="With the inequality turned, N < (1 − α) c_i/a_i, which is what the printed B gives and what the figure"
    " draws: at σ = 5 and α = 0.1 Eq. (17) itself is N > 0.04 a_i. Independent draws and a fixed training set.",
    why="It collapses at no N, C being absent from the second order. Nor does the inequality follow from the B that is"
    " printed, A0 − ((1 − α)/N) C, whose eigenvalue is negative where N is smaller than (1 − α) c_i/a_i.",
    falls=("the critical size of the middle panel of Fig. 5",),
    counterexample=counterexamples.weighted_above_the_critical_size,
    condition=sympy.Gt(N, a_i / (c_i * (1 - alpha))),
)
def critical_size() -> Iterator[Reading]:
    """What has to be ≤ 0 is b_i, for both meanings of the N data."""
    loss = catalogue("weighted-infonce")
    for sampling, name in (("iid", BATCH), ("fixed", FIXED)):
        second_order = loss.expand(2, sampling=sampling)
        B = second_order.B
        condition = at_most_zero(B["A0"] * MODE_I["A"] + B["C"] * MODE_I["C"], second_order.ranges)
        points = []
        for size, share, c in ((3, 0.1, 8.0), (4, 0.1, 25.0), (4, 0.5, 0.3)):
            found = Trained("weighted-infonce", (1.0,), (c,), {"alpha": share}, fixed=sampling == "fixed", size=size)
            points.append(Point({"N": float(size), "alpha": share, "a_i": 1.0, "c_i": c}, found.complete))
        measured = Measured("condition", "trained", "whether w is 0 where the loss written by hand is lowest", points)
        yield Reading({"condition": condition}, [measured], name=f"Eq. (7) {name}")
    # Along a row v that W does not use, on a mode that it has lost, dL/d(v²) of a datum whose positive has the share
    # 1 − p of the denominator: half of (x − x′)² less the mean of the squares that p weighs.
    a, c, p = sympy.symbols("a c p", positive=True)
    slope_ = sympy.factor(c - p * (a + c) - (1 - p) * c)
    yield Reading(
        {"condition": sympy.false if slope_.could_extract_minus_sign() and slope_ == -p * a else sympy.nan},
        [_fresh_row(fixed=False), _fresh_row(fixed=True)],
        name="any W that has lost mode i and has a row to spare, to all orders, at every N and α",
        how="the second derivative along a fresh row, −2p a_i with p the negatives' share of the denominator",
    )


def _fresh_row(*, fixed: bool, draws: int = 60_000) -> Measured:
    """(L(h) − L(0))/h² along a row on the lost mode, W keeping another one with weight 0.6, in paired batches."""
    rng, h, points, notes = np.random.default_rng(3), 1e-2, [], []
    for size, share, c in ((3, 0.1, 4.0), (5, 0.5, 2.0)):
        hat = rng.standard_normal((draws, size, 2))
        if fixed:
            centred = rng.standard_normal((size, 2))
            centred -= centred.mean(0)
            hat = np.broadcast_to(centred / np.sqrt((centred**2).mean(0)), hat.shape)
        x, y = (hat + np.sqrt(c) * rng.standard_normal(hat.shape) for _ in range(2))
        values = []
        for v in (h, 0.0):
            square = ((np.array([0.6, v]) * (x[:, :, None] - y[:, None])) ** 2).sum(-1)
            near = np.exp(-square / 2)
            positive = np.einsum("mii->mi", near)
            values.append(-np.log(positive / (near.sum(-1) - (1 - share) * positive)).mean(-1))
        change = (values[0] - values[1]) / h**2
        z = change.mean() / (change.std() / np.sqrt(draws))
        at = {"N": float(size), "alpha": share, "a_i": 1.0, "c_i": c}
        points.append(Point(at, "undecided" if abs(z) < 6 else bool(z > 0)))
        notes.append(f"N = {size}, α = {share}: {change.mean():.3f}, z = {z:.0f}")
    kind = "a fixed training set" if fixed else "independent draws"
    return Measured("condition", "monte-carlo", f"whether the loss rises along a fresh row, {kind}", points, seed=3,
                    note="; ".join(notes))  # fmt: skip
