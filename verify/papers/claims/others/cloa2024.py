"""Li and Pimentel-Alarcón 2024, first version (CLOA): equal embeddings, and embeddings on a line, under InfoNCE."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import sympy
import torch

from derive import catalogue
from derive.algebra.signs import sign
from derive.sphere.pairs import pair_form
from numeric.sphere.low_ranks import slope_at_low_rank
from verify.papers.claims.claim import Ledger, Measured, Point, Reading
from verify.papers.claims.counterexamples import others as counterexamples

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

LEDGER = Ledger(
    "cloa2024",
    "Contrastive Learning with Orthonormal Anchors (CLOA), first version",
    "Huanran Li, Daniel Pimentel-Alarcón, arXiv:2403.18699v1",
)
SEEN = "the abstract of the first version; its theorems were not at hand, and the second version claims something else"
# Standard errors beyond which a sign is told from noise.
SURE = 6
GIVEN = "InfoNCE of a batch, every z_i′ a positive of z_i and negative of the others; unit vectors, any temperature"


def _at_ends(ends: Sequence[int]) -> sympy.Matrix:
    """The second derivatives of a batch's InfoNCE, τ = 1, in the angles on a circle, pairs at 0 or at π."""
    n = len(ends)
    first, second = sympy.symbols(f"f0:{n}", real=True), sympy.symbols(f"g0:{n}", real=True)
    loss = sympy.S.Zero
    for i in range(n):
        cosines = [sympy.cos(first[i] - second[j]) for j in range(n)]
        loss += (sympy.log(sympy.Add(*map(sympy.exp, cosines))) - cosines[i]) / n
    at = {angle: sympy.pi * end for angles in (first, second) for angle, end in zip(angles, ends, strict=True)}
    variables = [*first, *second]
    slopes = [sympy.diff(loss, one) for one in variables]
    assert all(slope.subs(at) == 0 for slope in slopes)  # noqa: S101
    return sympy.Matrix(2 * n, 2 * n, lambda i, j: sympy.diff(slopes[i], variables[j]).subs(at))


def _minimal(bends: sympy.Matrix) -> bool:
    """Whether no direction bends down."""
    values = bends.eigenvals()
    return all(sympy.re(sympy.N(one)) > -1e-12 for one in values)


def _by_torch(ends: Sequence[int], dimension: int = 3) -> tuple[float, float]:
    """The largest slope and the least second derivative of the same by hand, in tangents of the sphere, τ = 1."""
    poles = torch.zeros(len(ends), dimension, dtype=torch.float64)
    poles[:, 0] = torch.tensor([(-1.0) ** end for end in ends], dtype=torch.float64)

    def loss(flat: torch.Tensor) -> torch.Tensor:
        moved = flat.reshape(2, len(ends), dimension - 1)
        # Along the great circles: the curve in a tangent direction stays on the sphere through second order.
        size = (moved**2).sum(-1, keepdim=True)
        z, z_pos = torch.cat([poles[None, :, :1] * (1 - size / 2), moved], -1)
        cosines = z @ z_pos.T
        return torch.nn.functional.cross_entropy(cosines, torch.arange(len(ends)))

    at = torch.zeros(2 * len(ends) * (dimension - 1), dtype=torch.float64)
    slope = torch.func.grad(loss)(at).abs().max()
    bends = torch.func.hessian(loss)(at)
    return float(slope), float(torch.linalg.eigvalsh(bends)[0])


def _seen(slot: str, ends: Sequence[int]) -> Measured:
    _, least = _by_torch(ends)
    quantity = f"whether no direction bends down, {len(ends)} pairs on a sphere by hand, pairs at {list(ends)}"
    return Measured(slot, "autodiff", quantity, [Point({}, least > -1e-9)], note=f"least second derivative {least:.4f}")


@LEDGER.claim(
    "cloa2024:stationary",
    where="abstract",
    says="where all embeddings are equal the gradient of InfoNCE is zero: {stationary}",
    recorded="holds",
    given=GIVEN,
    seen=SEEN,
    stationary=True,
)
def stationary() -> Iterator[Reading]:
    """The expansion has no first order; and torch."""
    found = catalogue("infonce-batch").expand(2)
    slope, _ = _by_torch((0, 0, 0, 0))
    seen = Measured("stationary", "autodiff", "the slope of the batch's loss by hand", [Point({}, slope < 1e-12)])
    yield Reading({"stationary": all(term.order >= 2 for term in found.terms)}, [seen])


@LEDGER.claim(
    "cloa2024:equal",
    where="abstract",
    says="embeddings, when equalized, represent a local minimum for InfoNCE: {minimum}",
    recorded="refuted",
    kind="error",
    why="It is a saddle: the loss falls where the pairs move apart and each stays together, at second order already."
    " Beside equal unit vectors squared distances are those of the tangents, and −Tr[W A0 Wᵀ] leads.",
    falls=("the reason that the abstract gives for embeddings that merge into one point",),
    given=GIVEN,
    tried="Stationary it is. A minimum it is along the directions in which the two views of a datum come apart, and in"
    " all directions only where two views have nothing in common, A0 = 0.",
    seen=SEEN,
    counterexample=counterexamples.equal_embeddings,
    minimum=True,
)
def equal() -> Iterator[Reading]:
    """The sign of B of a batch, for the tangents are flat and squared distances add; and torch on the sphere."""
    B = catalogue("infonce-batch").expand(2).B
    falls = sign(B["A0"], ranges=catalogue("infonce-batch").expand(2).ranges) == 1 and B["C"] == 0
    yield Reading({"minimum": not falls}, [_seen("minimum", (0, 0, 0, 0))])


@LEDGER.claim(
    "cloa2024:rank-1",
    where="abstract",
    says="embeddings, when confined to a rank-1 linear subspace, represent a local minimum for InfoNCE: {minimum}",
    recorded="conditional",
    why="Two data at opposite ends are a minimum, the lowest there is. With three or more some end has several, and"
    " they move apart. Of a linear encoder with one mode the loss falls along every lost mode, like −|V|.",
    given=GIVEN,
    seen=SEEN,
    minimum=True,
)
def rank_one() -> Iterator[Reading]:
    """The definition on a circle differentiated twice in symbols, torch on the sphere; and a linear encoder."""
    for name, ends in (("two data, one at each end", (0, 1)), ("three data or more", (0, 0, 1))):
        yield Reading(
            {"minimum": _minimal(_at_ends(ends))}, [_seen("minimum", ends)], name, how="on a circle, in symbols"
        )
    form = pair_form(catalogue("infonce+normalised").filled())
    assert form is not None  # noqa: S101 (told the type checker)
    slope = slope_at_low_rank(form, 1)
    differences = _opened(0.05)
    off = float(differences.mean() / (differences.std(ddof=1) / np.sqrt(len(differences))))
    seen = [Point({}, off > 0)] if abs(off) > SURE else []
    measured = Measured(
        "minimum", "monte-carlo", "whether InfoNCE rises where a linear encoder of rank 1 gets a second mode",
        seen, seed=0, note=f"difference {differences.mean():.4f}, z = {off:.0f}",
    )  # fmt: skip
    yield Reading({"minimum": slope <= 0}, [measured], "f = Wx/|Wx|, W of rank 1", how="the slope along a lost mode")


def _opened(size: float) -> Any:
    """L(W with a second mode of a size) − L(W) of InfoNCE by hand, sample by sample; views equal, τ = 1."""
    rng = np.random.default_rng(0)
    data = rng.standard_normal((60, 400, 2))
    found = []
    for second in (0.0, size):
        f = data * np.array([1.0, second])
        f /= np.linalg.norm(f, axis=-1, keepdims=True)
        half = f[:, :200] @ f[:, 200:].transpose(0, 2, 1)
        found.append(np.log(np.exp(half).mean(-1)).mean(-1) - 1)
    return found[1] - found[0]
