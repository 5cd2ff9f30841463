"""Sec. 4.1: what rotation symmetry implies for a loss, and which losses have it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations_with_replacement, product
from typing import Any

import numpy as np
import sympy

from derive import Loss, Mean, NotAnalyticError, catalogue, inner, sqrt, views
from numeric.sampling import random_covariances
from verify.papers.claims.claim import Measured, Point, Reading
from verify.papers.claims.counterexamples import symmetry as counterexamples
from verify.papers.claims.iclr.ledger import ICLR
from verify.papers.claims.measuring import TOLERANCE
from verify.truths.settings import case, truth_of

INDICES = {name: sympy.Symbol(name, integer=True) for name in "ijklmn"}
d0, d1 = sympy.symbols("d_0 d_1", integer=True, positive=True)
W_, Z = sympy.IndexedBase("W"), sympy.IndexedBase("Z")


@ICLR.claim(
    "iclr:rotation",
    where="Sec. 4.1",
    says="a function of one vector, invariant under rotation, expands ({expands}) as a fᵀf + b(fᵀf)² + O(f⁶): it has"
    " {first},"
    " {second}, {third}, {fourth} free coefficients at orders 1 to 4",
    recorded="conditional",
    given="Functions of f in three dimensions or more under R ∈ O(d1).",
    why="Invariance alone gives no expansion: |f| is invariant, as is every function of f/|f|, which is what SimCLR's"
    " normalised loss is. The form is right, up to the constant, where the function is analytic at f = 0.",
    counterexample=counterexamples.an_invariant_cusp,
    expands=True,
    first=sympy.S.Zero,
    second=sympy.S.One,
    third=sympy.S.Zero,
    fourth=sympy.S.One,
)
def rotation() -> Iterator[Reading]:
    """Homogeneous polynomials that the generators of rotations annihilate, and, for the cusp, the engine's refusal."""
    slots = {"first": 1, "second": 2, "third": 3, "fourth": 4}
    counts = {slot: sympy.Integer(_invariant_polynomials(order)) for slot, order in slots.items()}
    averaged = [
        Measured(slot, "exact", f"rank of the average over random R ∈ O(3) of order-{order} polynomials",
                 [Point({}, float(_averaged_rank(order)))])
        for slot, order in slots.items()
    ]  # fmt: skip
    x, x_pos = views("x, x_pos")
    readings = {
        "the function is analytic at f = 0": Mean(inner(x, x_pos), over=(x, x_pos)) ** 2,
        "any invariant function": sqrt(Mean(inner(x, x), over=x)),
    }
    for name, expression in readings.items():
        try:
            Loss(expression).expand(4)
            expands = True
        except NotAnalyticError:
            expands = False
        yield Reading({"expands": expands, **counts}, [*averaged, _slopes_meet(cusp="any" in name)], name=name)


def _invariant_polynomials(order: int) -> int:
    """The dimension of the polynomials of an order in three coordinates that rotations leave alone.

    Those in the null space of x_a ∂_b − x_b ∂_a; −1 takes odd orders away where rotations of determinant −1 count, and
    none is left of them here anyway.
    """
    x = sympy.symbols("x1:4")
    powers = [one for one in product(range(order + 1), repeat=3) if sum(one) == order]
    basis = [sympy.prod(v**e for v, e in zip(x, one, strict=True)) for one in powers]
    rows = []
    for a, b in ((0, 1), (1, 2)):
        images = [sympy.Poly(x[a] * sympy.diff(f, x[b]) - x[b] * sympy.diff(f, x[a]), *x) for f in basis]
        rows += [[image.coeff_monomial(one) for image in images] for one in basis]
    return len(basis) - int(sympy.Matrix(rows).rank())


def _averaged_rank(order: int, turns: int = 4000) -> int:
    """The rank of f ↦ mean over R of f(R·) on polynomials, from values at fixed points: 0.05 is noise, 1 a rank."""
    generator = np.random.default_rng(order)
    R = np.linalg.qr(generator.standard_normal((turns, 3, 3)))[0]
    R = R * np.sign(generator.standard_normal((turns, 1, 1)))
    at = generator.standard_normal((40, 3))
    at /= np.linalg.norm(at, axis=1, keepdims=True)
    turned = at @ R
    monomials = [np.prod(turned[..., list(one)], -1).mean(0)
                 for one in combinations_with_replacement(range(3), order)]  # fmt: skip
    singular = np.linalg.svd(np.array(monomials), compute_uv=False)
    return int((singular > 0.1 * np.sqrt(len(at))).sum())


def _slopes_meet(*, cusp: bool) -> Measured:
    """Along a line through 0 in R³, for |f| and for |f|⁴."""
    direction = np.array([0.6, -0.3, 0.9])
    points = []
    for step in (1e-3, 1e-4):
        left, here, right = (float(np.linalg.norm(t * direction) ** (1 if cusp else 4)) for t in (-step, 0.0, step))
        points.append(Point({}, bool(abs(right - 2 * here + left) / step < 0.1)))
    return Measured("expands", "exact", f"whether the slopes of {'|f|' if cusp else '|f|⁴'} meet at 0", points)


_STUDIED = {
    "infonce": "infonce", "weighted": "weighted-infonce", "beta": "beta-infonce", "scl": "spectral",
    "bt": "barlow-twins", "vicreg": "vicreg",
}  # fmt: skip


_ALL: dict[str, Any] = dict.fromkeys(_STUDIED, True)


@ICLR.claim(
    "iclr:all-invariant",
    where="Sec. 4.1, after Eq. (16)",
    says="invariant under rotation of the representation, and so of the form of Eq. (16): InfoNCE {infonce},"
    " weighted InfoNCE"
    " {weighted}, β-InfoNCE {beta}, SCL {scl}, Barlow Twins {bt}, VICReg {vicreg}",
    recorded="refuted",
    kind="error",
    why="Barlow Twins (λ ≠ 1) and VICReg treat the diagonal of a correlation or covariance matrix apart from the"
    " rest, which"
    " singles out the coordinates of the representation. What the paper studies as VICReg, the energy with the penalty"
    " κ(E|f|² − c)², is invariant; Barlow Twins it takes as published, its λ included.",
    falls=("Eq. (16) for Barlow Twins and for VICReg as published: their quartic part is Σ_i (WΣWᵀ)_ii² and the like",),
    given="The losses as defined, R ∈ O(d1) acting on f; through order 4, and L(RW) = L(W) to all orders.",
    tried="VICReg as the paper models it, which is invariant, and Barlow Twins at λ = 1, which is too (‖WA0Wᵀ − I‖²);"
    " the paper keeps λ, 'the imbalance created by the λ term'.",
    counterexample=counterexamples.a_rotated_representation,
    **_ALL,
)
def all_invariant() -> Iterator[Reading]:
    """Whether all terms of the engine's expansion are traces; L(RW) − L(W) of the torch losses."""
    yield _invariance(_STUDIED, "VICReg as published")
    yield _invariance(_STUDIED | {"vicreg": "vicreg-soft"}, "VICReg as Sec. 3.2 models it: the energy with R")


def _invariance(studied: dict[str, str], label: str) -> Reading:
    derived, measured = {}, []
    turn = np.linalg.qr(np.random.default_rng(5).standard_normal((2, 2)))[0]
    for slot, name in studied.items():
        loss = catalogue(name)
        # The model has no term of covariances.
        given = {"nu": sympy.S.Zero} if name == "vicreg-soft" else {}
        derived[slot] = loss.set(given).expand(4).rotation_invariant
        at = case(loss, given, seed=1, size=3)
        values = []
        for W in (at.setting.W, turn @ at.setting.W):
            truth = truth_of(loss, at.values, replace(at.setting, W=W))
            values.append(truth.drawn(np.array([0.2]), 5, np.random.default_rng(2), 3))
        unmoved = bool(np.abs(values[1] - values[0]).max() < TOLERANCE)
        measured.append(
            Measured(
                slot,
                "exact",
                f"whether L(RW) = L(W) of {loss.name}, the torch loss on random batches",
                [Point({}, unmoved)],
                seed=2,
            )
        )
    return Reading(derived, measured, name=label)


def _form(first: str, second: str) -> sympy.Expr:
    """Σ over all indices of four entries of W and one of Z, by the names of their indices; W is d1×d0."""
    entries = [W_[tuple(INDICES[one] for one in pair)] for pair in first.split()]
    # An index runs over rows of W where it stands first, over columns where it stands second.
    ends = {pair[side]: end for pair in first.split() for side, end in ((0, d1), (1, d0))}
    summand = sympy.Mul(*entries, Z[tuple(INDICES[one] for one in second)])
    return sympy.Sum(summand, *((INDICES[one], 1, end) for one, end in sorted(ends.items())))


@ICLR.claim(
    "iclr:eq16",
    where="Eq. (16)",
    says="the quartic part of a rotation-invariant loss is {quartic}",
    recorded="refuted",
    kind="misprint",
    given="W of d1×d0, R ∈ O(d1) from the left, losses that are analytic at W = 0; G_ij = Σ_m W_mi W_mj.",
    tried="With W of d0×d1, so that first indices run over inputs, the W's are right and Z alone is wrong: Z_ijki"
    " leaves l free in one place and i three times.",
    why="For W d1×d0 and R acting from the left the summed-over first indices have to be the paired ones, W_mi W_mj"
    " W_nk W_nl,"
    " and Z needs four different indices, Z_ijkl; as printed l occurs once, i three times.",
    counterexample=counterexamples.indices,
    quartic=_form("im jm kn ln", "ijki"),
)
def eq16() -> Iterator[Reading]:
    """An invariant of the rows of W under O(d1) is a function of their inner products G_ij = Σ_m W_mi W_mj.

    This is the first fundamental theorem of the orthogonal group (Weyl 1939); at order 4 it leaves Σ Z_ijkl G_ij G_kl.
    """
    yield Reading({"quartic": _form("mi mj nk nl", "ijkl")}, [_quartic_of_infonce()], how="Weyl's theorem")


def _quartic_of_infonce() -> Measured:
    """InfoNCE at d0 = d1 = 2: Z from derivatives at W = 0, and order 4 along two rays.

    With G = w₁w₁ᵀ + w₂w₂ᵀ the part of Σ Z_ijkl G_ij G_kl that is of second order in each row is
    2 Σ Z_ijkl w₁_i w₁_j w₂_k w₂_l, so that ∂⁴L/∂w₁_i∂w₁_j∂w₂_k∂w₂_l = 8 Z_ijkl.
    """
    import torch
    from torch.func import jacfwd

    from verify.truths.taylor import cauchy, circle
    from verify.truths.torch_losses import infonce

    data = random_covariances(np.random.default_rng(4), 2)
    (x, x_pos), p = data.nodes(5)
    (chi,), q = data.nodes(5, views=1)
    u, u_pos, v = (torch.from_numpy(one[:, 0].copy()) for one in (x, x_pos, chi))
    weights, far_weights = (torch.from_numpy(np.array(one)) for one in (p, q))

    def loss(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        rows = torch.stack((one, other))
        z, z_pos, y = (view.to(rows.dtype) @ rows.mT for view in (u, u_pos, v))
        return infonce(z, z_pos, weights.to(rows.dtype), y, far_weights.to(rows.dtype))

    zero = torch.zeros(2, dtype=torch.float64)
    mixed = jacfwd(jacfwd(jacfwd(jacfwd(loss, 0), 0), 1), 1)(zero, zero).numpy() / 8
    ts, points = circle(0.3), []
    for seed in (5, 6):
        rows = np.random.default_rng(seed).standard_normal((2, 2)) / 2
        values = np.array([complex(loss(*torch.from_numpy(t * rows))) for t in ts])
        found = float(cauchy(values, ts, range(4, 5))[0])
        points.append(Point({"W": rows, "Z": mixed, "d_0": 2, "d_1": 2}, found, 1e-7))
    return Measured("quartic", "exact", "order 4 of InfoNCE along rays, by Cauchy's integral", points, seed=4)
