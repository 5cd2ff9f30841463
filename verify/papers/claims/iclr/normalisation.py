"""Sec. 3.2, Propositions 3 and 4 and Theorem 2, with their proofs in Apps. E.4 and E.5: the effect of normalisation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import sympy
import torch

from derive import Loss, Mean, inner
from derive.landscape.landscape import a_i, s_i
from derive.landscape.stationary import rho
from numeric.sampling import Covariances
from verify.papers.claims.claim import Measured, Point, Reading
from verify.papers.claims.counterexamples import normalisation as counterexamples
from verify.papers.claims.formulas import A0, M, Tr, W, formula_of, gradient_of
from verify.papers.claims.formulas import B as anyB
from verify.papers.claims.formulas import Sigma as anySigma
from verify.papers.claims.iclr.ledger import ICLR
from verify.papers.claims.iclr.penalised import (
    DEGENERATE,
    GENERIC,
    OF_ONE_VALUE,
    B,
    End,
    Sigma,
    any_direction,
    at_ends,
    at_norm,
    c,
    d_M,
    degenerate,
    generic,
    half,
    in_full,
    kappa,
    on_modes,
    points,
    printed,
    x,
)
from verify.papers.claims.measuring import TOLERANCE, random_point

of_W = Tr(W * anySigma * W.T)


@ICLR.claim(
    "iclr:eq40",
    where="Eqs. (39), (40), App. E.4",
    says="R = (E|Wx|² − c)² = {R}",
    recorded="holds",
    R=of_W**2 - 2 * c * of_W + c**2,
)
def penalty() -> Iterator[Reading]:
    """The second moment of Wx for data of zero mean."""
    found = Loss((Mean(inner(x, x), over=x) - c) ** 2).expand(4)
    exact, drawn = [], []
    for seed in (0, 1):
        W_, data = random_point(seed)
        letters = {"W": W_, "Sigma": data.Sigma, "c": 0.9}
        (y,), weights = data.nodes(2, views=1)
        exact.append(Point(letters, (weights @ _squares(W_, y[:, 0]) - 0.9) ** 2, TOLERANCE))
        (y,) = data.draw(np.random.default_rng([seed, 1]), (400_000,), 1)
        squares = _squares(W_, y)
        off, error = squares.mean() - 0.9, squares.std() / np.sqrt(len(squares))
        drawn.append(Point(letters, off**2, 2 * abs(off) * error))
    measured = [
        Measured("R", "exact", "(E|Wx|² − c)² on cubature nodes", exact),
        Measured("R", "monte-carlo", "(E|Wx|² − c)², 400,000 draws", drawn, noisy=True, seed=0),
    ]
    yield Reading({"R": formula_of(found) + found.constant}, measured)


def _squares(W_: Any, y: Any) -> Any:
    return ((y @ W_.T) ** 2).sum(-1)


@ICLR.claim(
    "iclr:eq41",
    where="Eq. (41), App. E.4",
    says="Eq. (10) for any c is L = {L}",
    recorded="refuted",
    kind="misprint",
    why="The square is that of Tr[WΣWᵀ] − c; c = 1 was put into it. Eqs. (40) and (42) have the c, and Eq. (44) is"
    " right.",
    given="The landscape of Eq. (10), B symmetric, any c and κ; exact, since Eq. (3) ends at order 4 there.",
    tried="At c = 1, which Sec. 3.2 sets after Eq. (13), it holds; App. E.4 proves Proposition 3, which has c.",
    counterexample=counterexamples.penalised_loss,
    L=-Tr(W * anyB * W.T) + Tr(W * anySigma * W.T * W * anySigma * W.T) + kappa * (of_W**2 - 2 * of_W + 1),
)
def loss() -> Iterator[Reading]:
    """The definition of Eq. (10): Eq. (3) with a variance, and the penalty R."""
    found = printed().with_norm_penalty().expand(4)
    places = [Point(at, float(value(torch.from_numpy(at["W"]))), TOLERANCE) for at, value in _by_hand()]
    measured = [Measured("L", "exact", "Eq. (3) + κ R on cubature nodes, B, Σ and c generic", places)]
    yield Reading({"L": _with_B(formula_of(found)) + found.constant}, measured)


def _with_B(value: sympy.Expr) -> sympy.Expr:
    """The letter B in place of A0, which it stands for."""
    return value.xreplace({A0: anyB})


def _by_hand() -> Iterator[tuple[dict[str, Any], Callable[[torch.Tensor], torch.Tensor]]]:
    """Eq. (3) + κR from expectations, as a function of W, at two places."""
    for seed in (0, 1):
        W_, data = random_point(seed)
        root = np.random.default_rng([seed, 2]).standard_normal((2, 2))
        at = {"W": W_, "B": root + root.T, "Sigma": data.Sigma, "kappa": 0.7, "c": 1.6}
        yield at, _value(at, data)


def _value(at: dict[str, Any], data: Covariances) -> Callable[[torch.Tensor], torch.Tensor]:
    (pair,), nodes = data.nodes(4, data=2, views=1)
    y, far, weights = (torch.from_numpy(np.array(one)) for one in (pair[:, 0], pair[:, 1], nodes))
    B_ = torch.from_numpy(at["B"])

    def value(W_: torch.Tensor) -> torch.Tensor:
        q = (((y - far) @ W_.T) ** 2).sum(-1)
        variance = weights @ q**2 - (weights @ q) ** 2
        norm = weights @ ((y @ W_.T) ** 2).sum(-1)
        total: torch.Tensor = -torch.trace(W_ @ B_ @ W_.T) + variance / 8 + at["kappa"] * (norm - at["c"]) ** 2
        return total

    return value


@ICLR.claim(
    "iclr:eq43",
    where="Eq. (43), App. E.4",
    says="for ρ = Tr[WΣWᵀ], dρ/dW = {slope}",
    recorded="refuted",
    kind="misprint",
    why="4ρWΣ is the derivative of ρ², which is what Eq. (44) then uses.",
    given="Any W and symmetric Σ.",
    tried="With ρ² on the left it holds, and the proof goes on with that.",
    counterexample=counterexamples.slope_of_the_norm,
    slope=4 * rho * W * anySigma,
)
def slope_of_norm() -> Iterator[Reading]:
    """The slope of E|Wx|² in W."""
    cases = []
    for seed in (0, 1):
        W_, data = random_point(seed)
        (y,), weights = data.nodes(2, views=1)
        cases.append(({"W": W_, "Sigma": data.Sigma}, _mean_square(y[:, 0], weights)))
    found = gradient_of(Loss(Mean(inner(x, x), over=x)).expand(2))
    yield Reading({"slope": found}, list(_slopes("slope", "E|Wx|²", cases)), definitions={rho: of_W})


def _mean_square(y: Any, weights: Any) -> Callable[[torch.Tensor], torch.Tensor]:
    nodes, p = (torch.from_numpy(np.array(one)) for one in (y, weights))
    return lambda W_: p @ ((nodes @ W_.T) ** 2).sum(-1)


def _slopes(
    slot: str, what: str, cases: Sequence[tuple[dict[str, Any], Callable[[torch.Tensor], torch.Tensor]]]
) -> Iterator[Measured]:
    """Differentiated by torch, and by differences."""
    found = [(at, value, torch.from_numpy(at["W"])) for at, value in cases]
    by_torch = [Point(at, torch.func.grad(value)(W_).numpy(), TOLERANCE) for at, value, W_ in found]
    yield Measured(slot, "autodiff", f"the derivative in W of {what} on cubature nodes", by_torch)
    yield Measured(
        slot,
        "exact",
        f"differences of {what} on cubature nodes",
        [Point(at, _differences(value, W_), TOLERANCE) for at, value, W_ in found],
        note="of two widths, exact for polynomials of degree 4",
    )


def _differences(value: Callable[[torch.Tensor], torch.Tensor], W_: torch.Tensor) -> Any:
    """(4 D(h) − D(2h))/3 of the central differences D, whose error term of third order cancels."""
    slope = np.zeros(tuple(W_.shape))
    for place in np.ndindex(*W_.shape):
        step = torch.zeros_like(W_)
        step[place] = 0.5
        one, two = ((value(W_ + k * step) - value(W_ - k * step)).item() / k for k in (1, 2))
        slope[place] = (4 * one - two) / 3
    return slope


@ICLR.claim(
    "iclr:eq44",
    where="Eq. (44), App. E.4",
    says="the gradient of Eq. (10), which vanishes at its stationary points, is {gradient}, ρ = Tr[WΣWᵀ]",
    recorded="holds",
    gradient=-2 * W * (anyB + 2 * kappa * c * anySigma - 2 * kappa * rho * anySigma)
    + 4 * W * anySigma * W.T * W * anySigma,
)
def zero_gradient() -> Iterator[Reading]:
    """From the words of the expansion."""
    found = _with_B(gradient_of(printed().with_norm_penalty().expand(4)))
    yield Reading(
        {"gradient": found}, list(_slopes("gradient", "Eq. (3) + κR", list(_by_hand()))), definitions={rho: of_W}
    )


@ICLR.claim(
    "iclr:prop3",
    where="Proposition 3, Eq. (45)",
    says="every stationary point of Eq. (10) has WᵀW = {gram}, ρ = Tr[WΣWᵀ], for a mask M (A0 and C commute)",
    recorded="conditional",
    why="Modes that share an eigenvalue of Σ⁻¹B can be kept in any combination. Where their eigenvalues of Σ differ,"
    " WᵀW then does not commute with Σ, and is ½Σ^(−½)(…)Σ^(−½) with a projection in place of the mask. Isotropic data,"
    " where all s_i are equal too, are no exception: of the modes one may choose those that are kept.",
    given="All stationary points of Eq. (10), B and Σ commuting, Σ ≻ 0, κ > 0; at most min(d0, d1) modes.",
    counterexample=counterexamples.a_mixture_of_modes,
    gram=half * Sigma**-1 * (B + 2 * kappa * (c - rho) * Sigma) * M * Sigma**-1,
)
def proposition_3() -> Iterator[Reading]:
    """The engine's list of all stationary points, its Λ₁ exchanged for ρ."""
    h = at_norm(points())
    yield Reading({"gram": on_modes(h / s_i)}, [at_ends("gram", "WᵀW", generic(), lambda end: end.gram)], GENERIC)
    yield Reading(
        {"gram": any_direction(h)},
        [at_ends("gram", "WᵀW", degenerate(), lambda end: end.gram)],
        DEGENERATE,
        OF_ONE_VALUE,
    )


@ICLR.claim(
    "iclr:prop3-text",
    where="after Proposition 3",
    says="compared with the unnormalised case the term {term} emerges beside B_M, c being that of Proposition 3",
    recorded="refuted",
    kind="misprint",
    why="c − ρ stands there, as in Proposition 3; 1 − ρ is that for c = 1. So with the sentence after it: the norm"
    " shrinks where ρ > c, grows where ρ < c and stays where ρ = c.",
    given="All stationary points of Eq. (10), B and Σ commuting, κ finite, M their mask.",
    tried="At c = 1 it holds, and a norm of 1 is spoken of in the paragraph before; Proposition 3, which the sentence"
    " explains, has c, and c = 1 is set for what follows Eq. (13).",
    counterexample=counterexamples.emerging_term,
    term=2 * kappa * (1 - rho) * Sigma * M,
)
def emerging_term() -> Iterator[Reading]:
    """2ΣWᵀWΣ is B_M at the stationary points of Eq. (3)."""
    measured = at_ends("term", "2ΣWᵀWΣ − BM", generic(), End.correction)
    yield Reading({"term": on_modes(2 * at_norm(points()) * s_i - a_i)}, [measured])


@ICLR.claim(
    "iclr:prop4",
    where="Proposition 4, Eq. (50)",
    says="at every stationary point c − ρ = {gap}",
    recorded="holds",
    gap=(c - half * Tr(Sigma**-1 * B * M)) / (1 + kappa * d_M),
)
def proposition_4() -> Iterator[Reading]:
    """Where eigenvalues of Σ⁻¹B coincide the trace is the same for every choice of directions."""
    found = points()
    every = [*generic(), *degenerate()]
    measured = [at_ends("gap", "c − Tr[WΣWᵀ]", every, lambda end: end.problem.c - end.norm)]
    yield Reading({"gap": c - in_full(found.trace, found)}, measured)


@ICLR.claim(
    "iclr:eq42",
    where="Eq. (42), App. E.4",
    says="Eq. (41) equals {L}, ρ = Tr[WΣWᵀ]",
    recorded="conditional",
    why="Of Eq. (10) it leaves out the constant κc², which no stationary point sees. Eq. (41) as printed has 1 in"
    " place of c, and differs from it by a multiple of ρ as well unless c = 1.",
    given="Eq. (10) for any c, B symmetric, through order 4, where it ends.",
    counterexample=counterexamples.a_constant_left_out,
    L=-Tr(W * (anyB + 2 * kappa * c * anySigma) * W.T) + Tr(W * anySigma * W.T * W * anySigma * W.T) + kappa * rho**2,
)
def completed_square() -> Iterator[Reading]:
    """Eq. (10) by the engine, without and with its constant, and with the norm 1 in the place of c."""
    found = printed().with_norm_penalty().expand(4)
    whole = _with_B(formula_of(found))
    at_one = whole.subs(c, 1) + found.constant.subs(c, 1)
    cases = list(_by_hand())
    for name, derived, less, norm in (
        ("Eq. (10) for any c, up to the constant κc²", whole, True, None),
        ("Eq. (10) for any c, as it stands", whole + found.constant, False, None),
        ("Eq. (41) as printed, with 1 in place of c", at_one, False, 1.0),
    ):
        places: list[Point] = []
        for at, _ in cases:
            here = at | {"c": norm or at["c"]}
            value = float(_value(here, random_point(len(places))[1])(torch.from_numpy(at["W"])))
            norm_at = {"rho": float(np.trace(at["W"] @ at["Sigma"] @ at["W"].T))}
            places.append(Point(at | norm_at, value - less * at["kappa"] * at["c"] ** 2, TOLERANCE))
        measured = [Measured("L", "exact", "Eq. (3) + κR on cubature nodes", places)]
        yield Reading({"L": derived}, measured, name=name, definitions={rho: of_W})
