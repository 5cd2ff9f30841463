"""Tian 2022: contrastive learning as weighted pairs (α-CL), and the linear encoder as principal components."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import sympy

from derive import catalogue
from derive.landscape.collapse import collapse
from verify.papers.claims.claim import Ledger, Measured, Point, Reading
from verify.papers.claims.iclr.table1_minima import Trained
from verify.papers.claims.others import softmax

if TYPE_CHECKING:
    from collections.abc import Iterator

LEDGER = Ledger(
    "tian2022",
    "Understanding Deep Contrastive Learning via Coordinate-wise Optimization",
    "Yuandong Tian, NeurIPS 2022, arXiv:2201.12680",
)
ABSTRACT = "the abstract, of the first version and of the last; no formula"
(x_1, x_2), (y_1, y_2), (a_12, a_21) = softmax.x, softmax.x_pos, softmax.alpha
EPSILON = 0.4


@LEDGER.claim(
    "tian2022:gradient",
    where="Theorem 1 and the row of InfoNCE in Table 1",
    says="InfoNCE descends as tr C_α ascends with α held, α_ij = exp(−d_ij²/τ)/[ε exp(−d_i²/τ) + Σ_k exp(−d_ik²/τ)]:"
    " for two data of one dimension dW/dt = {X} W",
    recorded="holds",
    given="d² is half a squared distance, τ = 1, ε = 2/5; x_i′ = y_i; positives weighted with Σ_j α_ij",
    seen=ABSTRACT,
    from_memory=True,
    X=(a_12 + a_21) * (x_1 - x_2) ** 2 - a_12 * (y_1 - x_1) ** 2 - a_21 * (y_2 - x_2) ** 2,
)
def gradient() -> Iterator[Reading]:
    """The loss differentiated in the distances, and by torch."""
    points = [Point(*softmax.measured_at(seed, EPSILON), 1e-9) for seed in (0, 1, 2)]
    measured = Measured(
        "X", "autodiff", "−(dL/dW)/W of the batch's loss by hand, ε = 2/5", points, note="seeds 0, 1, 2"
    )
    yield Reading({"X": softmax.second_moments(sympy.Rational(2, 5))}, [measured])


LEDGER.about(
    "infonce-batch",
    "tian2022:covariance",
    where="the contrastive covariance at equal α",
    says="at W = 0, where all α_ij are equal, the contrastive covariance is that of means over augmentations: B = {B}",
    recorded="holds",
    given="InfoNCE of a batch of N independent data, a mean over anchors",
    seen=ABSTRACT,
    from_memory=True,
    B=r"\frac{N-1}{N} A_0",
)


@LEDGER.claim(
    "tian2022:pca",
    where="abstract",
    says="with fixed α the max player is principal component analysis for a linear network, and its optimum is of rank"
    " 1: {rank}",
    recorded="holds",
    given="one linear layer of a given norm; the largest eigenvalue is simple",
    seen=ABSTRACT,
    rank=True,
)
def pca() -> Iterator[Reading]:
    """See `_held`."""
    yield _held("rank", "")


@LEDGER.claim(
    "tian2022:almost-pca",
    where="title and abstract of the first version; rank 1 is in that of the last",
    says="the max player, who does representation learning in contrastive learning, reduces to principal component"
    " analysis, which is of rank 1: {rank}",
    recorded="conditional",
    why="With α held a quadratic form is maximised, and one direction takes all of the norm. α of InfoNCE follows the"
    " representation, and at its minima every mode is kept that two views share: the rank is that of A0.",
    given="one linear layer of a given norm where α is fixed; f = Wx in squared distances where it follows",
    seen=ABSTRACT,
    rank=True,
)
def almost_pca() -> Iterator[Reading]:
    """With α held, and the landscape with α that follows beside InfoNCE by hand."""
    yield _held("rank", "α is held fixed")
    lost = collapse(catalogue("infonce").expand(4)).dimensional
    assert lost is not None  # noqa: S101 (told the type checker)
    found = Trained("infonce", (0.9, 0.5), (0.1, 0.5))
    kept = Measured(
        "rank", "trained", "whether W is of rank 1 where InfoNCE by hand is lowest",
        [Point({}, found.dimensional)], seed=0, note=f"eigenvalues of WᵀW {np.round(found.eigenvalues, 4)}",
    )  # fmt: skip
    derived = {"rank": bool(lost.holds((0.9, 0.5), (0.1, 0.5)))}
    yield Reading(derived, [kept], "α follows the representation, as that of InfoNCE does")


def _held(slot: str, name: str) -> Reading:
    """Tr[W X Wᵀ] at a fixed norm: linear in the shares, and ascended."""
    p, x, rest = sympy.symbols("p x rest", positive=True)
    # Σ p_i x_i over shares with Σ p_i = 1: the share of the largest eigenvalue, rest + x, grows to the end.
    held = sympy.diff(p * (rest + x) + (1 - p) * rest, p).is_positive
    rng = np.random.default_rng(0)
    root = rng.standard_normal((3, 3))
    moments, W = root @ root.T, rng.standard_normal((3, 3))
    for _ in range(4000):
        W = W + 0.01 * W @ moments
        W /= np.linalg.norm(W)
    sizes = np.linalg.svd(W, compute_uv=False)
    seen = Measured(
        slot, "trained", "whether W is of rank 1 where it ends, ascending Tr[W X Wᵀ] at a fixed norm",
        [Point({}, bool(sizes[1] < 1e-3))], seed=0, note=f"singular values {np.round(sizes, 6)}",
    )  # fmt: skip
    return Reading({slot: bool(held)}, [seen], name, how="a linear function of the shares")
