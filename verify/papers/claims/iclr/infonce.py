"""Sec. 3.1, Eqs. (1) to (6), and Proposition 1: what InfoNCE looks like near W = 0."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import sympy

from derive import Loss, Mean, catalogue, exp, half_sq, log, symbols, variance, views
from derive.expansion.moments import moment_order
from numeric.sampling import Covariances
from verify.papers.claims.canonical import scalar
from verify.papers.claims.claim import Measured, Point, Reading
from verify.papers.claims.counterexamples import infonce as counterexamples
from verify.papers.claims.formulas import A0, C, Sigma, Tr, W, formula_of
from verify.papers.claims.iclr.ledger import ICLR
from verify.papers.claims.measuring import TOLERANCE, averaged, exactly, random_point, square_distance
from verify.routes import autodiff
from verify.truths.settings import case

x, x_pos, chi = views("x, x_pos, chi")
# ½|W(x − χ)|² averaged over both; the variance of |W(x − χ)|² over both; the mean over x of its variance over χ.
mean_half, joint, within = sympy.symbols("m V V_chi")

MEAN_HALF = Loss(Mean(half_sq(x, chi), over=(x, chi)))
JOINT = Loss(variance(2 * half_sq(x, chi), over=(x, chi)))
WITHIN = Loss(Mean(variance(2 * half_sq(x, chi), over=chi), over=x))


@ICLR.claim(
    "iclr:eq2",
    where="Eqs. (1), (2)",
    says="Eq. (1), a sum over the N samples, can be written as Eq. (2): the difference of their expansions is"
    " {second} at"
    " order 2 and {fourth} at order 4",
    recorded="conditional",
    why="Eq. (1) is N times a mean over the data, and its denominator is N times a mean over the training set in which"
    " datum i stands with a view of its own: per datum, and up to the constant log N, Eq. (2) with that mean is the"
    " same at every N. With a mean over the law of the data in its place, which the expansions take, the two agree as"
    " N → ∞.",
    given="Orders 2 and 4 in W, Gaussian data, independent draws of the N data. Of the sum as printed the loss of one"
    " datum, −(N − 1)/N Tr[WA0Wᵀ] at order 2, stands N times.",
    counterexample=counterexamples.a_sum_over_a_batch,
    second=sympy.S.Zero,
    fourth=sympy.S.Zero,
)
def eq2() -> Iterator[Reading]:
    """Both losses expanded: their difference at N data, and as N → ∞."""
    N = sympy.Symbol("N")
    batch, population = catalogue("infonce-batch").expand(4), catalogue("infonce").expand(4)
    orders = {"second": 2, "fourth": 4}
    yield Reading(
        {slot: N * formula_of(batch, order=k) - formula_of(population, order=k) for slot, k in orders.items()},
        [one for slot, k in orders.items() for one in _differences(slot, k)],
        name="the sum over N data as printed, E_χ̂ over the law of the data, at finite N",
    )
    N_ = symbols("N")
    near = exp(-half_sq(x, x_pos))
    over_set = Loss(
        half_sq(x, x_pos) + log(((N_ - 1) * Mean(exp(-half_sq(x, chi)), over=chi, count=N_ - 1) + near) / N_)
    )
    same_set = over_set.expand(4)
    yield Reading(
        {slot: formula_of(batch, order=k) - formula_of(same_set, order=k) for slot, k in orders.items()},
        [one for slot, k in orders.items() for one in _on_a_training_set(slot, k)],
        name="per datum, up to the constant log N, E_χ̂ over the training set with datum i among the atoms, at every N",
    )
    yield Reading(
        {
            slot: formula_of(batch.set({"N": sympy.oo}), order=k) - formula_of(population, order=k)
            for slot, k in orders.items()
        },
        [one for slot, k in orders.items() for one in _extrapolated(slot, k)],
        name="per datum, up to the constant log N, as N → ∞",
    )


def _on_a_training_set(slot: str, order: int) -> Iterator[Measured]:
    """Both equations in numbers on random batches with x′ for the view of datum i itself, expanded in t at tW."""
    points = []
    for seed, size in ((0, 3), (1, 5)):
        rng = np.random.default_rng(seed)
        view, pair, other = rng.standard_normal((3, size, 2))
        t = 0.1 * np.exp(2j * np.pi * np.arange(32) / 32)[:, None, None]
        near = ((view - pair) ** 2).sum(1)
        apart = ((view[:, None] - other) ** 2).sum(-1)
        np.fill_diagonal(apart, near)
        terms = np.exp(-(t**2) * apart / 2)
        # Eq. (1): −log of the positive over the positive and the others; Eq. (2): a mean over all atoms.
        one = -np.log(np.exp(-(t[..., 0] ** 2) * near / 2) / terms.sum(-1)).mean(-1) - np.log(size)
        two = (t[..., 0] ** 2 * near / 2 + np.log(terms.mean(-1))).mean(-1)
        points.append(Point({}, float(((one - two) / t[:, 0, 0] ** order).mean().real), TOLERANCE))
    yield Measured(slot, "exact", f"order {order} of Eq. (1) less Eq. (2) on random batches of 3 and 5", points, seed=0)


def _differences(slot: str, order: int) -> Iterator[Measured]:
    """N times the mean over a batch less the population loss, at the same W and data."""
    for batch, population in zip(
        exactly(slot, "infonce-batch", order=order), exactly(slot, "infonce", order=order), strict=True
    ):
        alone = {point.at["W"].tobytes(): point.found for point in population.points}
        points = [
            Point(one.at, one.at["N"] * one.found - alone[one.at["W"].tobytes()], one.at["N"] * TOLERANCE)
            for one in batch.points
        ]
        yield Measured(slot, batch.route, f"N × Eq. (1) − Eq. (2), {batch.quantity}", points)


def _extrapolated(slot: str, order: int) -> Iterator[Measured]:
    """Coefficients at N = 2, 3, 4, 5 are those of a polynomial in 1/N, whose value at 0 is the limit."""
    (batch,) = exactly(slot, "infonce-batch", order=order, sizes=(2, 3, 4, 5), dimension=1, differentiate=False)
    (population,) = exactly(slot, "infonce", order=order, dimension=1, differentiate=False)
    points = []
    for alone in population.points:
        at = [one for one in batch.points if np.array_equal(one.at["W"], alone.at["W"])]
        limit = np.polynomial.Polynomial.fit([1 / one.at["N"] for one in at], [one.found for one in at], 3)(0.0)
        points.append(Point(alone.at, float(limit - alone.found), 100 * TOLERANCE))
    yield Measured(slot, batch.route, "extrapolated from N = 2 to 5 to 1/N = 0", points)


@ICLR.claim(
    "iclr:eq3-odd",
    where="Eq. (3)",
    says="the terms of first and third order in W vanish ({first}, {third}), the loss being invariant under W → RW:"
    " L(RW) − L(W) = {change}",
    recorded="holds",
    why="For R in O(d1), which holds −1. Rotations of determinant 1 alone would leave a term of third order where d1 ="
    " 3, the determinant of three representations.",
    first=sympy.S.Zero,
    third=sympy.S.Zero,
    change=sympy.S.Zero,
)
def odd_orders() -> Iterator[Reading]:
    """R ranges over O(d1), which holds −1; rotations of determinant 1 alone would leave det W (d1 = d0 = 3) alone."""
    loss = catalogue("infonce")
    odd = [weight for moment, weight in loss.moments(4).terms if moment_order(moment) % 2]
    change = 0 if loss.expand(4).rotation_invariant else sympy.Symbol("change")
    at = [case(loss, {}, seed=seed) for seed in range(3)]
    differentiated = [autodiff.measure(one, 4) for one in at]
    measured = [
        Measured(slot, "autodiff", f"coefficient of t^{k} along a ray",
                 [Point({}, one.coefficients[k], TOLERANCE) for one in differentiated if one])
        for slot, k in (("first", 1), ("third", 3))
    ]  # fmt: skip
    turned = []
    for seed, one in enumerate(at):
        R, _ = np.linalg.qr(np.random.default_rng(seed).standard_normal((2, 2)))
        values = [_infonce_in_numbers(W_, one.setting.covariances) for W_ in (one.setting.W, R @ one.setting.W)]
        turned.append(Point({}, values[1] - values[0], TOLERANCE))
    measured.append(Measured("change", "exact", "L(RW) − L(W) on quadrature nodes, R ∈ O(2)", turned))
    yield Reading({"first": sympy.Add(*odd), "third": sympy.Add(*odd), "change": sympy.sympify(change)}, measured)


def _infonce_in_numbers(W_: Any, data: Any) -> float:
    """Eq. (2) on a product grid of Gauss-Hermite nodes, whose weights are positive."""
    (u, u_pos), p = data.nodes(13, positive=True)
    (v,), q = data.nodes(25, views=1, positive=True)
    z, z_pos, y = u[:, 0] @ W_.T, u_pos[:, 0] @ W_.T, v[:, 0] @ W_.T
    pull = ((z - z_pos) ** 2).sum(-1) / 2
    push = np.log(np.exp(-((z[:, None] - y[None]) ** 2).sum(-1) / 2) @ q)
    return float(p @ (pull + push))


@ICLR.claim(
    "iclr:eq4-energy",
    where="Eq. (4)",
    says="E ½|f(x) − f(x′)|² = {energy}",
    recorded="holds",
    energy=Tr(W * C * W.T),
)
def energy() -> Iterator[Reading]:
    """For f(x) = W x, x = x̂ + ε: the engine's second order, which ends there."""
    loss = Loss(half_sq(x, x_pos))
    measured = averaged(
        "energy", "E ½|W(x − x′)|²", lambda W_, u, u_pos, *_: square_distance(W_, u, u_pos) / 2, degree=2
    )
    yield Reading({"energy": formula_of(loss.expand(4))}, measured)


@ICLR.claim(
    "iclr:eq5",
    where="Eq. (5), with Var as in Eq. (24)",
    says="E_x log E_χ exp(−½|W(x − χ)|²) = {entropy} + O(‖W‖⁶), m being E ½|W(x − χ)|², V the variance of"
    " |W(x − χ)|² over x and χ, and V_χ the mean over x of its variance over χ",
    recorded="refuted",
    kind="error",
    why="At fixed x the second cumulant is a variance over χ, and its mean over x is what enters. Eq. (24) takes the"
    " variance over x and χ together, which also counts how the mean over χ moves with x.",
    given="Any law of x and χ, independent of one another, with moments of order 6, of which the remainder is; through"
    " order 4 in W.",
    tried="With Var the mean over x of the variance over χ, Eq. (5) holds; Eqs. (24) to (29) and Proposition 1 then"
    " do not, for they take the variance over both, which is 8 Tr[WΣWᵀWΣWᵀ] where this one is 6. No one meaning of"
    " Var makes both right.",
    falls=("iclr:infonce-quartic", "iclr:eq8", "the factor ½ of iclr:thm1, iclr:eq9 and what is built on them"),
    counterexample=counterexamples.variance_at_fixed_x,
    entropy=-mean_half + joint / 8,
)
def entropy() -> Iterator[Reading]:
    """The engine's expansion, written as a combination of the mean and of the mean over x of the variance over χ."""
    expansion = formula_of(Loss(log(Mean(exp(-half_sq(x, chi)), over=chi))).expand(4))
    definitions = {
        symbol: formula_of(loss.expand(4))
        for symbol, loss in ((mean_half, MEAN_HALF), (joint, JOINT), (within, WITHIN))
    }
    u, v = sympy.symbols("u v")
    remainder = scalar(expansion - (u * definitions[mean_half] + v * definitions[within]))
    found = sympy.solve(sympy.Poly(remainder, *(remainder.free_symbols - {u, v})).coeffs(), [u, v], dict=True)[0]
    measured = [
        Measured(
            "entropy", one.route, one.quantity,
            [Point({**point.at, **_averages(point.at)}, point.found, TOLERANCE) for point in one.points],
        )
        for one in exactly("entropy", Loss(log(Mean(exp(-half_sq(x, chi)), over=chi))), order=4, only=False)
    ]  # fmt: skip
    yield Reading({"entropy": found[u] * mean_half + found[v] * within}, measured, definitions=definitions)


def _averages(at: Mapping[str, Any]) -> dict[str, Any]:
    """The three averages at a W, from their meaning, on cubature nodes for x and for χ."""
    data = Covariances(at["A_0"], at["C"])
    (u,), p = data.nodes(5, views=1)
    q = square_distance(at["W"], u[:, None, 0], u[None, :, 0])
    mean, mean_at_x = p @ q @ p, q @ p
    return {
        str(mean_half): mean / 2,
        str(joint): p @ q**2 @ p - mean**2,
        str(within): p @ (q**2 @ p - mean_at_x**2),
    }


@ICLR.claim(
    "iclr:eq6",
    where="Eq. (6)",
    says="E_x E_χ ½|W(x − χ)|² = {repulsion}",
    recorded="holds",
    repulsion=Tr(W * C * W.T) + Tr(W * A0 * W.T),
)
def repulsion() -> Iterator[Reading]:
    """For data of zero mean."""
    measured = averaged("repulsion", "E ½|W(x − χ)|²", lambda W_, u, _, v, __: square_distance(W_, u, v) / 2, degree=2)
    yield Reading({"repulsion": formula_of(MEAN_HALF.expand(4))}, measured)


@ICLR.claim(
    "iclr:infonce-hessian",
    where="after Eq. (6)",
    says="InfoNCE, Eq. (2): the second-order term is {second}; C cancels",
    recorded="holds",
    second=-Tr(W * A0 * W.T),
)
def hessian() -> Iterator[Reading]:
    """Eq. (2) is a population loss: there is one sampling. Eq. (1) has (N − 1)/N of it, see iclr:eq2."""
    expansion = catalogue("infonce").expand(4)
    yield Reading({"second": formula_of(expansion, order=2)}, exactly("second", "infonce", order=2, dimension=3))


@ICLR.claim(
    "iclr:infonce-quartic",
    where="Eq. (3) with Proposition 1",
    says="InfoNCE on Gaussian data to fourth order: L = {L}",
    recorded="refuted",
    kind="error",
    why="The quartic term is the mean over x of a variance over χ, ¾ of the variance over both that Eq. (24) takes.",
    given="Eq. (2) with means over the law of the data, zero mean, Gaussian, any dimension; through order 4 in W.",
    tried="With Var in Eq. (3) the mean over x of the variance over χ, Eq. (3) is right and Proposition 1 wrong by"
    " the same factor; the two together give the coefficient 1 under neither. A batch of N has ¾ as N → ∞"
    " (iclr:eq8).",
    falls=("the factor ½ of iclr:thm1, iclr:eq9 and what is built on them", "iclr:stationary-loss"),
    counterexample=counterexamples.fourth_order,
    L=-Tr(W * A0 * W.T) + Tr(W * Sigma * W.T * W * Sigma * W.T),
)
def quartic() -> Iterator[Reading]:
    """Eq. (2) by the engine."""
    yield Reading(
        {"L": formula_of(catalogue("infonce").expand(4))}, exactly("L", "infonce", order=4, only=False, dimension=3)
    )


@ICLR.claim(
    "iclr:prop1",
    where="Proposition 1, Eqs. (28), (29)",
    says="for Gaussian data −Tr[WBWᵀ] + ⅛ Var[|W(x − χ)|²], Var over x and χ, is −Tr[WBWᵀ] + {quartic}",
    recorded="holds",
    why="With Var over x and χ, as Eq. (24) takes it. With the Var that makes Eq. (5) right, the mean over x of the"
    " variance over χ, it would be ¾ of that: see iclr:eq5.",
    quartic=Tr(W * Sigma * W.T * W * Sigma * W.T),
)
def proposition_1() -> Iterator[Reading]:
    """A statement about the variance over both, whatever its place in a loss: see iclr:eq5 for that."""
    yield Reading(
        {"quartic": formula_of(JOINT.expand(4)) / 8},
        [*_joint_variance(), *_sampled_variance()],
    )


def _joint_variance() -> Iterator[Measured]:
    points = [
        Point(one.at, _averages(one.at)[str(joint)] / 8, TOLERANCE)
        for measured in exactly("quartic", "infonce", order=2)[:1]
        for one in measured.points
    ]
    yield Measured("quartic", "exact", "⅛ Var on cubature nodes", points)


def _sampled_variance(draws: int = 1_000_000) -> Iterator[Measured]:
    W_, data = random_point(0)
    (u, v), _ = data.draw(np.random.default_rng(1), (2, draws))
    q = square_distance(W_, u, v)
    spread = (q - q.mean()) ** 2
    letters = {"W": W_, "A_0": data.A0, "C": data.C, "Sigma": data.Sigma}
    point = Point(letters, float(spread.mean() / 8), float(spread.std() / np.sqrt(draws) / 8))
    yield Measured("quartic", "monte-carlo", f"⅛ Var of {draws:,} draws", [point], noisy=True, seed=1)


@ICLR.claim(
    "iclr:eq27",
    where="Eq. (27)",
    says="E[(Tr[W(x − χ)(x − χ)ᵀWᵀ])²] = {moment}",
    recorded="holds",
    why="The first term of Eq. (24), whose variance is over x and χ together: not the one that Eq. (5) needs, see"
    " iclr:eq5.",
    moment=4 * Tr(W * Sigma * W.T) ** 2 + 8 * Tr(W * Sigma * W.T * W * Sigma * W.T),
)
def fourth_moment() -> Iterator[Reading]:
    """A Wick contraction of the fourth moment of the Gaussian vector x − χ."""
    loss = Loss(Mean((2 * half_sq(x, chi)) ** 2, over=chi))
    measured = averaged(
        "moment", "E |W(x − χ)|⁴", lambda W_, u, _, v, __: square_distance(W_, u, v) ** 2, degree=4, draws=1_000_000
    )
    yield Reading({"moment": formula_of(loss.expand(4))}, measured)
