"""Yeh et al. 2022: decoupled contrastive learning, the multiplier that a positive in the denominator brings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import sympy
import torch

from derive import catalogue
from verify.papers.claims.claim import Ledger, Measured, Point, Reading
from verify.papers.claims.counterexamples import others as counterexamples
from verify.papers.claims.formulas import formula_of
from verify.papers.claims.measuring import curvature, exactly

if TYPE_CHECKING:
    from collections.abc import Iterator

LEDGER = Ledger(
    "yeh2022",
    "Decoupled Contrastive Learning",
    "Chun-Hsiao Yeh, Cheng-Yao Hong, Yen-Chi Hsu, Tyng-Luh Liu, Yubei Chen, Yann LeCun, ECCV 2022, arXiv:2110.06848",
)
PAGE = "the authors' page of the paper, as text, with its Eqs. (1) to (4)"
ABSTRACT = "the abstract and the authors' page of the paper, as text; no formula"
# Embeddings of one dimension: the anchor, its positive, and both views of one other datum.
z_1, z_2, n_1, n_2 = sympy.symbols("z_1 z_2 n_1 n_2", real=True)
tau, sigma = sympy.symbols("tau sigma", positive=True)
# The multiplier, and what each negative has of U, the sum over the negatives.
q, u_1, u_2 = sympy.symbols("q u_1 u_2", positive=True)
_own = sympy.exp(z_1 * z_2 / tau)
_far = [sympy.exp(z_1 * one / tau) for one in (n_1, n_2)]
_U = sympy.Add(*_far)
MEANT = {q: 1 - _own / (_own + _U), u_1: _far[0] / _U, u_2: _far[1] / _U}
GRADIENTS = {"anchor": z_1, "positive": z_2, "negative": n_1}


def _gradients(*, positive: bool) -> Reading:
    """−∇ of −z_1 z_2/τ + log(U + e^(z_1 z_2/τ)), or without the positive: by SymPy, and by torch's cross entropy."""
    loss = -z_1 * z_2 / tau + sympy.log(_U + (_own if positive else 0))
    points: dict[str, list[Point]] = {slot: [] for slot in GRADIENTS}
    for seed in (0, 1, 2):
        z = torch.randn(4, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).requires_grad_()
        logits = z[0] * z[1:] / 0.7
        told = logits if positive else logits[1:]
        value = torch.logsumexp(told, 0) - logits[0]
        (slope,) = torch.autograd.grad(value, z)
        weights = torch.softmax(logits.detach()[1:], 0)
        share = float(1 - torch.softmax(logits.detach(), 0)[0])
        at: dict[str, Any] = dict(zip(("z_1", "z_2", "n_1", "n_2"), z.tolist(), strict=True))
        at |= {"tau": 0.7, "q": share, "u_1": float(weights[0]), "u_2": float(weights[1])}
        for slot, place in zip(GRADIENTS, (0, 1, 2), strict=True):
            points[slot].append(Point(at, float(-slope[place]), 1e-10))
    derived = {slot: -sympy.diff(loss, of) for slot, of in GRADIENTS.items()}
    measured = [
        Measured(slot, "autodiff", "−∇ of the loss of one anchor, by torch", places, note="τ = 0.7; seeds 0, 1, 2")
        for slot, places in points.items()
    ]
    return Reading(derived, measured, definitions=MEANT)


@LEDGER.claim(
    "yeh2022:prop1",
    where="Proposition 1, Eqs. (3), (4)",
    says="with q = 1 − e^(⟨z₁,z₂⟩/τ)/(e^(⟨z₁,z₂⟩/τ) + U) and u_j = e^(⟨z₁,n_j⟩/τ)/U, −∇ of InfoNCE's loss of one anchor"
    " is {anchor} in the anchor z₁, {positive} in its positive z₂, {negative} in the negative n₁",
    recorded="holds",
    given="written out for embeddings of one dimension and one other datum with the views n₁ and n₂; in the embeddings"
    " as they enter the loss, not through a normalisation before it",
    seen=PAGE,
    anchor=q / tau * (z_2 - u_1 * n_1 - u_2 * n_2),
    positive=q / tau * z_1,
    negative=-q / tau * u_1 * z_1,
)
def coupled() -> Iterator[Reading]:
    """The loss differentiated."""
    yield _gradients(positive=True)


@LEDGER.claim(
    "yeh2022:decoupled",
    where="the loss without the positive in its denominator, L_DC",
    says="removing the positive from the denominator removes the multiplier: −∇ is {anchor} in z₁, {positive} in z₂,"
    " {negative} in n₁",
    recorded="holds",
    given="as in yeh2022:prop1",
    seen=ABSTRACT,
    from_memory=True,
    anchor=(z_2 - u_1 * n_1 - u_2 * n_2) / tau,
    positive=z_1 / tau,
    negative=-u_1 * z_1 / tau,
)
def decoupled() -> Iterator[Reading]:
    """The same of L_DC."""
    yield _gradients(positive=False)


@LEDGER.claim(
    "yeh2022:coupling",
    where="below Proposition 1",
    says="the multiplier {positive} as the positive comes closer, {negative} as a negative goes away and {batch} with"
    " fewer negatives",
    recorded="holds",
    given="q of one anchor; similarities are inner products over τ; small batches taken for fewer negatives, all others"
    " being as they are",
    seen=PAGE,
    positive="falls",
    negative="falls",
    batch="falls",
)
def coupling() -> Iterator[Reading]:
    """Signs of dq in the similarity of the positive and of a negative, and of what one negative more adds."""
    s, r, U, more = sympy.symbols("s r U more", positive=True)
    value = 1 - sympy.exp(s) / (sympy.exp(s) + sympy.exp(r) + U)
    nearer, farther = sympy.simplify(sympy.diff(value, s)), sympy.simplify(-sympy.diff(value, r))
    fewer = sympy.simplify(value - value.subs(U, U + more))
    rng = np.random.default_rng(0)
    places: dict[str, list[Point]] = {"positive": [], "negative": [], "batch": []}
    for _ in range(20):
        logits = rng.standard_normal(8) / 0.5

        def share(values: Any) -> float:
            return float(1 - np.exp(values[0]) / np.exp(values).sum())

        step = 0.3 * np.eye(8)
        changes = (share(logits + step[0]), share(logits - step[1]), share(logits[:-1]))
        for slot, changed in zip(places, changes, strict=True):
            places[slot].append(Point({}, "falls" if changed < share(logits) else "grows"))
    signs = zip(places, (nearer, farther, fewer), strict=True)
    yield Reading(
        {slot: "falls" if one.is_negative else "grows" for slot, one in signs},
        [Measured(slot, "exact", "q of random similarities before and after", one, seed=0)
         for slot, one in places.items()],
    )  # fmt: skip


@LEDGER.claim(
    "yeh2022:batch-size",
    where="the authors' page, in short",
    says="removing the positive from the denominator eliminates the sensitivity to the batch size: the landscape"
    " depends on N: {depends}",
    recorded="conditional",
    why="At order 2, where modes grow from small weights, L_DC is −Tr[WA0Wᵀ]/τ at every N, where NT-xent has the factor"
    " (2N − 2)/(2N − 1). Its fourth order, (2N − 3)/(4τ²(N − 1)) Tr[(WΣWᵀ)²] − Tr[WA0WᵀWΣWᵀ]/(4τ²(N − 1)), depends on"
    " N, and so do its minima, the less the larger N is.",
    given="inner products over τ without normalisation, N independent data, means over batches",
    seen=ABSTRACT,
    counterexample=counterexamples.a_variance_over_a_batch,
    depends=False,
)
def batch_size() -> Iterator[Reading]:
    """The orders of the catalogue's loss differentiated in N; and measured at several N."""
    N, loss = sympy.Symbol("N"), catalogue("dcl").expand(4)
    second, fourth = (formula_of(loss, order=k) for k in (2, 4))
    curved = [curvature("dcl", 1.0, 2.0, {"tau": 1, "N": size}) for size in (2, 3, 4)]
    yield Reading(
        {"depends": second.has(N)},
        [Measured("depends", "exact", "whether the curvature at W = 0 differs at N = 2, 3, 4",
                  [Point({}, bool(np.ptp(curved) > 1e-9))], note=f"{curved[0]:.6g} at N = 2")],
        "of the curvature at W = 0",
    )  # fmt: skip
    found = exactly("depends", "dcl", order=4, given={"tau": 1}, sizes=(2, 3), seeds=(0,), differentiate=False)
    (two, three) = (point.found for point in found[0].points)
    yield Reading(
        {"depends": fourth.has(N)},
        [Measured("depends", "exact", "whether order 4 differs at N = 2 and 3, by Cauchy's integral",
                  [Point({}, bool(abs(two - three) > 1e-6))], note=f"{two:.6g} and {three:.6g}")],
        "of the loss through fourth order",
    )  # fmt: skip


@LEDGER.claim(
    "yeh2022:weights",
    where="L_DCW, the weighting of positives",
    says="the weights 2 − e^(⟨z₁,z₂⟩/σ)/E e^(⟨z₁,z₂⟩/σ) of the positives have the mean {mean}, and tend to {limit} as σ"
    " → ∞, where L_DCW is L_DC",
    recorded="holds",
    given="the mean over the batch, written out for three data",
    seen=ABSTRACT,
    from_memory=True,
    mean=sympy.S.One,
    limit=sympy.S.One,
)
def weights() -> Iterator[Reading]:
    """Both by SymPy, and in numbers of random unit vectors."""
    similar = sympy.symbols("s_1 s_2 s_3", real=True)
    raised = [sympy.exp(one / sigma) for one in similar]
    of = [2 - 3 * one / sympy.Add(*raised) for one in raised]
    rng = np.random.default_rng(0)
    z = rng.standard_normal((2, 50, 4))
    z /= np.linalg.norm(z, axis=-1, keepdims=True)
    cosines = (z[0] * z[1]).sum(-1)

    def numbers(width: float) -> Any:
        return 2 - np.exp(cosines / width) / np.exp(cosines / width).mean()

    widest = numbers(1e6)
    yield Reading(
        {"mean": sympy.simplify(sympy.Add(*of) / 3), "limit": sympy.limit(of[0], sigma, sympy.oo)},
        [
            Measured("mean", "exact", "of 50 pairs of unit vectors, σ = ½",
                     [Point({}, float(numbers(0.5).mean()), 1e-12)], seed=0),
            Measured("limit", "exact", "the weights of 50 pairs at σ = 10⁶",
                     [Point({}, float(one), 1e-5) for one in (widest.min(), widest.max())], seed=0),
        ],
    )  # fmt: skip
