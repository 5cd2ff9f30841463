"""Jing, Vincent, LeCun and Tian 2022: dimensional collapse by strong augmentation, and by implicit regularisation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import sympy
import torch

from derive import Loss, Mean, catalogue, exp, half_sq, log, views
from derive.algebra.alphabet import matrix
from derive.landscape.collapse import collapse
from numeric.sampling import Covariances
from verify.papers.claims.claim import Ledger, Measured, Point, Reading
from verify.papers.claims.counterexamples import others as counterexamples
from verify.papers.claims.formulas import d0, d1
from verify.papers.claims.iclr.table1_minima import Trained, lowest
from verify.papers.claims.others import softmax
from verify.running.threads import one_thread
from verify.truths.torch_losses import TORCH_LOSSES

if TYPE_CHECKING:
    from collections.abc import Iterator

LEDGER = Ledger(
    "jing2022",
    "Understanding Dimensional Collapse in Contrastive Self-supervised Learning",
    "Li Jing, Pascal Vincent, Yann LeCun, Yuandong Tian, ICLR 2022, arXiv:2110.09348",
)
SEEN = "a conversion of arXiv:2110.09348 to text (look at the print before you write to the authors)"
TWO = "written out for two data of one dimension, x_i and x_i′ = y_i, with α_12 = 1 − α_11"

(x_1, x_2), (y_1, y_2), (a_12, a_21) = softmax.x, softmax.x_pos, softmax.alpha
W1, W2 = sympy.MatrixSymbol("W_1", d1, d0), sympy.MatrixSymbol("W_2", d1, d1)
G = sympy.MatrixSymbol("G", d1, d0)
first, second, x = sympy.symbols("sigma_1 sigma_2 x", positive=True)
C_k = sympy.Symbol("C_k", real=True)
_PAIRS = (a_12 * (y_1 - x_2) + a_21 * (x_1 - x_2)) * x_1 + (a_21 * (y_2 - x_1) + a_12 * (x_2 - x_1)) * x_2
_OWN = a_12 * (y_1 - x_1) * y_1 + a_21 * (y_2 - x_2) * y_2


def _second_moments(slot: str) -> Iterator[Reading]:
    """X of G = −W X, differentiated in the distances, and by torch."""
    points = [Point(*softmax.measured_at(seed), 1e-9) for seed in (0, 1, 2)]
    measured = Measured(slot, "autodiff", "−(dL/dW)/W of the batch's loss by hand", points, note="seeds 0, 1, 2")
    yield Reading({slot: softmax.second_moments()}, [measured])


@LEDGER.claim(
    "jing2022:eq6",
    where="Eq. (6)",
    says="G = −W X with X = {X}",
    recorded="refuted",
    kind="misprint",
    why="The sum over pairs has its sign turned; the proof in App. B.2 begins with the right one.",
    given=TWO,
    tried="Read with G for −G, the first sum is right and the second is not.",
    seen=f"{SEEN}; the first minus sign may be the conversion's",
    counterexample=counterexamples.second_moments,
    X=-_PAIRS - _OWN,
)
def eq6() -> Iterator[Reading]:
    """See `_second_moments`."""
    yield from _second_moments("X")


@LEDGER.claim(
    "jing2022:lemma2",
    where="Lemma 2",
    says="X = Σ̂₀ − Σ̂₁ = {X}",
    recorded="holds",
    given=TWO,
    seen=SEEN,
    X=(a_12 + a_21) * (x_1 - x_2) ** 2 - a_12 * (y_1 - x_1) ** 2 - a_21 * (y_2 - x_2) ** 2,
)
def lemma2() -> Iterator[Reading]:
    """See `_second_moments`."""
    yield from _second_moments("X")


@LEDGER.claim(
    "jing2022:cor1",
    where="Theorem 1 and Corollary 1",
    says="trained with strong augmentation a linear model's embedding becomes low-rank: {dimensional}",
    recorded="conditional",
    why="X is fixed in Theorem 1. Averaged over fresh augmentations at W = 0 it is what two views have in common where"
    " both are augmented, which is never negative: no mode is lost. Where one branch sees the data as they are, as in"
    " the paper's simulation, it is Σ − K/2, K the noise's covariance: modes with more noise than twice the data go.",
    given="population, fresh augmentations, InfoNCE with a large batch, data that vary in every direction",
    seen=SEEN,
    dimensional=True,
)
def corollary1() -> Iterator[Reading]:
    """B of both samplings; and the loss by hand, its lowest point or its second derivative."""
    both = collapse(catalogue("infonce").expand(4)).dimensional
    assert both is not None  # noqa: S101 (told the type checker)
    trained = Trained("infonce", (1.0, 0.5), (8.0, 10.0))
    quantity = "an eigenvalue of WᵀW that is zero where the loss by hand is lowest, noise up to 20 times the data"
    measured = Measured("dimensional", "trained", quantity, [Point({}, trained.dimensional)], seed=0)
    yield Reading({"dimensional": bool(both.holds((1.0, 0.5), (8.0, 10.0)))}, [measured], "both branches are augmented")
    clean, other = views("x, chi")
    (noisy,) = views("x_pos", augmentation=2)
    loss = Loss(half_sq(clean, noisy) + log(Mean(exp(-half_sq(clean, other)), over=other)), name="one clean branch")
    k = sympy.Symbol("k", positive=True)
    second_order = sum(term.coefficient * _along(term.invariants, k) for term in loss.expand(2).terms)
    lost = bool(second_order.subs(k, 3) > 0)
    points = [Point({}, _curvature(3.0) > 0)]
    how = f"the second derivative at W = 0 of the loss by hand, noise 3 times the data; at 1 time {_curvature(1.0):.3g}"
    yield Reading(
        {"dimensional": lost},
        [Measured("dimensional", "autodiff", how, points)],
        "one branch sees the data as they are, and the noise is more than twice the data",
    )


def _along(invariants: Any, k: sympy.Symbol) -> sympy.Expr:
    """The value of a trace of one letter along a mode: what both views share is 1, the noisy view's own 1 + k."""
    ((_, word, _),) = invariants[0]
    return 1 + k if matrix(word).name == "Sigma2" else sympy.S.One


def _curvature(noise: float, size: int = 64) -> float:
    """d²L/dw² at 0 of a batch by hand, x = ±1, x′ = x ± √noise, over all signs of anchor and its noise."""
    rng = np.random.default_rng(0)
    signs = rng.permuted(np.tile([-1.0, 1.0], (400, size // 2)), axis=1)
    own = rng.permuted(np.tile([-1.0, 1.0], (400, size // 2)), axis=1)
    clean, noisy = torch.tensor(signs), torch.tensor(signs + np.sqrt(noise) * own)
    w = torch.zeros((), dtype=torch.float64, requires_grad=True)
    others = 1 - torch.eye(size, dtype=torch.float64)
    apart = torch.exp(-((w * (clean[:, :, None] - clean[:, None])) ** 2) / 2)
    positive = (w * (clean - noisy)) ** 2 / 2
    loss = (positive + torch.log((apart * others).sum(-1) + torch.exp(-positive))).mean()
    (slope,) = torch.autograd.grad(loss, w, create_graph=True)
    (bend,) = torch.autograd.grad(slope, w)
    return float(bend)


@LEDGER.claim(
    "jing2022:balance",
    where="Lemma 3 and App. B.5",
    says="of two linear layers d/dt(W_1W_1ᵀ) = {one} and d/dt(W_2ᵀW_2) = {two}, so that their difference is constant",
    recorded="holds",
    given="G is the gradient of the loss in W_2W_1",
    seen=SEEN,
    one=-W1 * G.T * W2 - W2.T * G * W1.T,
    two=-W2.T * G * W1.T - W1 * G.T * W2,
)
def balance() -> Iterator[Reading]:
    """The chain and the product rule in symbols, and torch on a batch."""
    moved = {"W_1": -W2.T * G, "W_2": -G * W1.T}
    derived = {"one": moved["W_1"] * W1.T + W1 * moved["W_1"].T, "two": moved["W_2"].T * W2 + W2.T * moved["W_2"]}
    points: dict[str, list[Point]] = {"one": [], "two": []}
    for seed in (0, 1):
        generator = torch.Generator().manual_seed(seed)
        layers = [torch.randn(3, 3, generator=generator, dtype=torch.float64, requires_grad=True) for _ in "12"]
        data = torch.randn(2, 5, 3, generator=generator, dtype=torch.float64)
        whole = layers[1] @ layers[0]
        loss = TORCH_LOSSES["infonce-batch"].evaluate(*(view @ whole.T for view in data), parameters={})
        slopes = torch.autograd.grad(loss, [*layers, whole])
        first_, second_ = (layer.detach() for layer in layers)
        letters = {"W_1": first_.numpy(), "W_2": second_.numpy(), "G": slopes[2].numpy()}
        by_layer = (-slopes[0] @ first_.T, -slopes[1].T @ second_)
        for slot, found in zip(points, by_layer, strict=True):
            points[slot].append(Point(letters, (found + found.T).numpy(), 1e-9))
    how = "one step of both layers by torch on a batch of five data"
    yield Reading(derived, [Measured(slot, "autodiff", how, found) for slot, found in points.items()])


@LEDGER.claim(
    "jing2022:thm3-solved",
    where="below Theorem 3",
    says="as (σ_1)² = (σ_2)² + C, dσ_1/dt = {slope}, x for vᵀXv",
    recorded="refuted",
    kind="misprint",
    why="(σ_2)² is (σ_1)² − C: the sign of C is turned.",
    given="the two layers aligned; C is written C_k",
    tried="With C for any constant, of either sign, the two formulas are right one by one, and not side by side.",
    seen=SEEN,
    counterexample=counterexamples.singular_values,
    slope=first * (first**2 + C_k) * x,
)
def solved() -> Iterator[Reading]:
    """Theorem 3 with σ₂ put in, and the flow of two scalar layers by torch."""
    slope = (second**2 * first * x).subs(second, sympy.sqrt(first**2 - C_k))
    points = []
    for one, two, value in ((1.3, 0.6, 0.8), (0.5, 1.1, 1.7)):
        layers = [torch.tensor(number, dtype=torch.float64, requires_grad=True) for number in (one, two)]
        # With X fixed the flow ascends ½ X (w₂ w₁)².
        (moved, _) = torch.autograd.grad(0.5 * value * (layers[0] * layers[1]) ** 2, layers)
        points.append(Point({"sigma_1": one, "C_k": one**2 - two**2, "x": value}, float(moved), 1e-9))
    yield Reading({"slope": sympy.expand(slope)}, [Measured("slope", "autodiff", "two scalar layers by hand", points)])


@LEDGER.claim(
    "jing2022:cor2",
    where="Corollary 2",
    says="with small augmentation and two linear layers the embedding becomes low-rank: {low}",
    recorded="conditional",
    why="Small singular values grow later, the later the smaller they begin, and for a time the embedding is nearly of"
    " low rank. Where training ends every mode is kept that is kept without the second layer, and InfoNCE keeps all.",
    given="population InfoNCE, squared distances, λ_i > 0",
    seen=SEEN,
    low=True,
)
def corollary2() -> Iterator[Reading]:
    """The landscape in W₂W₁, and Theorem 3 solved for a fixed X; two layers by hand, to the end and stopped before."""
    ever = collapse(catalogue("infonce").expand(4)).dimensional
    assert ever is not None  # noqa: S101 (told the type checker)
    with one_thread():
        late, early = _two_layers(), _two_layers(until=0.5)
    ends = Point({}, late < 0.1)
    quantity = "smaller over larger singular value of W₂W₁ below 1/10: two layers by hand"
    at_end = Measured("low", "trained", f"{quantity}, to the end", [ends], seed=0, note=f"{late:.2g}")
    yield Reading({"low": bool(ever.holds((0.9, 0.5), (0.1, 0.5)))}, [at_end], "where training ends")
    t, start, slow = sympy.symbols("t s r", positive=True)
    # dσ/dt = σ³ x, of which σ² = s²/(1 − 2 s² x t): the faster one reaches any size while the other is finite.
    size = start**2 / (1 - 2 * start**2 * t)
    assert sympy.simplify(sympy.diff(sympy.sqrt(size), t) - size ** sympy.Rational(3, 2)) == 0  # noqa: S101
    ratio = sympy.limit(size.subs(t, slow * t) / size, t, 1 / (2 * start**2), "-")
    seen = Point({}, early < 0.1)
    before = Measured("low", "trained", f"{quantity}, the larger half grown", [seen], seed=0, note=f"{early:.2g}")
    yield Reading({"low": bool(ratio == 0)}, [before], "at a time before, from small weights")


def _two_layers(until: float | None = None) -> float:
    """Smaller over larger singular value of W₂W₁ at the minimum, or when the larger is a part of what it will be."""
    given = Covariances(np.diag([0.9, 0.5]), np.diag([0.1, 0.5]))
    (one, two), weights = given.nodes(7, positive=True)
    (far,), others = given.nodes(11, views=1, positive=True)
    seen = [torch.tensor(np.array(part)) for part in (one[:, 0], two[:, 0], weights, far[:, 0], others)]

    def value(flat: torch.Tensor) -> torch.Tensor:
        W = flat[4:].reshape(2, 2) @ flat[:4].reshape(2, 2)
        views_ = [part if part.ndim == 1 else part @ W.T for part in seen]
        return TORCH_LOSSES["infonce"].evaluate(*views_, parameters={})

    start = np.concatenate([np.diag([0.1, 0.1]).ravel()] * 2) + 1e-3
    if until is None:
        flat = lowest(value, [start * 5])
    else:
        (whole, _) = _sizes(lowest(value, [start * 5]))
        at = torch.tensor(start)
        while _sizes(at.numpy())[0] < until * whole:
            at.requires_grad_()
            (slope,) = torch.autograd.grad(value(at), at)
            at = (at - 0.2 * slope).detach()
        flat = at.numpy()
    large, small = _sizes(flat)
    return small / large


def _sizes(flat: Any) -> tuple[float, float]:
    large, small = np.linalg.svd(flat[4:].reshape(2, 2) @ flat[:4].reshape(2, 2), compute_uv=False)
    return float(large), float(small)
