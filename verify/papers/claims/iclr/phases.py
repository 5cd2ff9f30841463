"""Sec. 4.2, Fig. 3: which of two modes collapse under directed augmentation, and what that does downstream.

x = (x_1, x_2), content and style, of variance 1 each; the augmentation has the variances σ²(1 − θ) and σ²θ; β = ½.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import sympy
from scipy.optimize import brentq

from derive import catalogue
from derive.algebra.signs import sign
from derive.landscape.collapse import collapse
from derive.landscape.landscape import a_i, c_i
from verify.papers.claims.claim import Measured, Point, Reading
from verify.papers.claims.counterexamples import landau as counterexamples
from verify.papers.claims.iclr.landau import height, slope, to_all_orders
from verify.papers.claims.iclr.ledger import ICLR
from verify.papers.claims.iclr.table1_minima import GONE, Trained

if TYPE_CHECKING:
    from collections.abc import Iterator

sigma, theta, T = sympy.symbols("sigma theta T", positive=True)
HALF = sympy.Rational(1, 2)
RIDGE = 0.001


@ICLR.claim(
    "iclr:phase-diagram",
    where="Fig. 3, top",
    says="β = ½, unit features: the content is collapsed where {content}, the style where {style}, and the four phases"
    " meet at θ = ½, σ² = {corner}; T is the strength of an augmentation at which theory sees the mode collapse",
    recorded="conditional",
    given="β-InfoNCE at β = ½, a = 1, the global minimum of a linear model with d1 ≥ 2.",
    why="B is βA0 − (1 − β)C, for the entropy term that β weighs brings A0 and C alike: at β = ½ a mode collapses where"
    " c_i = a_i. By the printed B it would at c_i = a_i/(1 − β), twice as strong.",
    counterexample=counterexamples.between_the_two_lines,
    content=sympy.Ge(sigma**2 * (1 - theta), T),
    style=sympy.Ge(sigma**2 * theta, T),
    corner=2 * T,
)
def phase_diagram() -> Iterator[Reading]:
    """Sec. 4.2 gives two strengths, one by its leading term and one in words; each is a reading of the theory."""
    condition = collapse(catalogue("beta-infonce").set({"beta": HALF}).expand(4)).dimensional
    assert condition is not None  # noqa: S101 (told the type checker)
    margin = (condition.formula.lhs - condition.formula.rhs).subs(a_i, 1)
    (limit,) = sympy.solve(margin, c_i)
    assert sympy.diff(margin, c_i) < 0  # noqa: S101 (the condition is c_i ≥ limit)
    strengths = {"content": sigma**2 * (1 - theta), "style": sigma**2 * theta}
    derived: dict[str, Any] = {slot: sympy.Ge(strength, limit) for slot, strength in strengths.items()}
    # Both strengths at once: their sum is σ².
    derived["corner"] = sympy.expand(sum(strengths.values())).subs(sigma, sympy.sqrt(2 * limit))
    measured = list(_seen())
    for name, strength in (
        ("the theory is the leading term as printed, A0 − (1 − β)C", 1 / (1 - HALF)),
        (
            "the theory is Sec. 4.2 in words, a collapse where the augmentation is as strong as the feature, c_i = a_i",
            sympy.S.One,
        ),
    ):
        yield Reading(derived, measured, name=name, definitions={T: strength})


def _seen() -> Iterator[Measured]:
    """Which modes are zero at the minimum, in all four phases and between the two candidates for the lines."""
    points: dict[str, list[Point]] = {"content": [], "style": []}
    for strengths in ((0.5, 0.5), (0.8, 1.3), (1.5, 0.7), (1.3, 1.5), (2.5, 1.2), (1.4, 0.85)):
        powers = np.diag(Trained("beta-infonce", (1.0, 1.0), strengths, {"beta": 0.5}).gram)
        letters = {"sigma": np.sqrt(sum(strengths)), "theta": strengths[1] / sum(strengths)}
        for slot, power in zip(points, powers, strict=True):
            points[slot].append(Point(letters, bool(power < GONE)))
    for slot, found in points.items():
        yield Measured(
            slot, "trained", f"whether the {slot} is zero where the torch loss written by hand is lowest", found
        )
    square = float(brentq(lambda one: slope(0.0, 1.0, one / 2, 0.5), 0.5, 8.0, xtol=1e-12))
    yield Measured("corner", "exact", "σ² at which the loss turns at w = 0, θ = ½, on quadrature nodes",
                   [Point({}, square, 1e-6)])  # fmt: skip
    squares = (1.5, 1.9, 2.1, 2.5)
    ends = [Trained("beta-infonce", (1.0, 1.0), (one / 2, one / 2), {"beta": 0.5}).eigenvalues for one in squares]
    kept = max(one for one, end in zip(squares, ends, strict=True) if end[0] > GONE)
    gone = min(one for one, end in zip(squares, ends, strict=True) if end[-1] < GONE)
    yield Measured("corner", "trained", "σ² between both modes kept and both gone, θ = ½",
                   [Point({}, (kept + gone) / 2, (gone - kept) / 2)])  # fmt: skip


@ICLR.claim(
    "iclr:downstream",
    where="Fig. 3, bottom",
    says="the error of the downstream ridge regression on the content {content} when the content collapses (θ = ½) and"
    " {style} when the style does (θ = 1)",
    recorded="conditional",
    given="The global minimum of a linear model, x₁ and x₂ independent, y = x₁, ridge 0.001; error over the"
    " population.",
    why="Over the whole population the style is independent of the content, and of a linear regressor that has both its"
    " collapse changes nothing; on a finite labelled sample the two are correlated by chance, and the style misleads.",
    counterexample=counterexamples.ridge_with_and_without_style,
    content="rises",
    style="falls",
)
def downstream() -> Iterator[Reading]:
    """The regressor of y = x_1 on z = W x̂, G = argmin mean|G z − y|² + 0.001 |G|²; its error on the population.

    W is that of the minimum. At θ = 1 the content is not augmented and its weight runs away; the modes are independent
    of one another, so that the style is looked at for given weights of the content.
    """
    eigenvalue = to_all_orders("beta-infonce", beta=HALF).heights[0] / (a_i + c_i)
    u, v, ridge, m12 = sympy.symbols("u v rho m_12", positive=True)
    m11, m22 = sympy.symbols("m_11 m_22", positive=True)
    # The eigenvalue falls with the augmentation, and is zero where that is as strong as the data.
    weaker = sympy.limit(sympy.diff(eigenvalue.subs(a_i, 1), c_i), c_i, 1, "-") < 0
    gone = sympy.simplify(eigenvalue.subs({a_i: 1, c_i: 1})) == 0
    for name, moments, given in (
        ("the regressor is fitted on the population", {m11: 1, m22: 1, m12: 0}, sympy.S.One),
        ("the regressor is fitted on a finite labelled sample", {}, m11 * m22 - m12**2),
    ):
        error = _error(u, v, ridge, (m11, m22, m12)).subs(moments)
        # The content close to where both are gone, u = v → 0; the style at a given u, against none.
        near = -sympy.diff(error.subs(v, u), u).subs(u, 0)
        change = sympy.factor(error.subs(v, 0) - error)
        derived = {
            "content": _word(sign(sympy.factor(near)) if weaker and gone else None),
            "style": _word(sign(change, given) if change else 0),
        }
        yield Reading(derived, list(_errors(24 if not moments else None)), name=name,
                      how="the normal equations solved, with the eigenvalues of W to all orders")  # fmt: skip


def _error(u: Any, v: Any, ridge: Any, moments: tuple[Any, Any, Any]) -> Any:
    """E (G z − x_1)² of the population, z = (√u x_1, √v x_2), G from a sample of the given second moments M.

    As a regression on x itself, of the coefficients g = D^½ G, D = diag(u, v), it has (D M + ρ) g = D M e_1.
    """
    m11, m22, m12 = moments
    D, M = sympy.diag(u, v), sympy.Matrix([[m11, m12], [m12, m22]])
    g = (D * M + ridge * sympy.eye(2)).adjugate() * D * M[:, 0] / (D * M + ridge * sympy.eye(2)).det()
    return sympy.factor((g[0] - 1) ** 2 + g[1] ** 2)


def _word(found: int | None) -> str:
    return "open" if found is None else {1: "rises", -1: "falls", 0: "stays"}[found]


def _errors(sample: int | None) -> Iterator[Measured]:
    """Before and after each collapse, with the weights where the loss written by hand is lowest."""
    rng = np.random.default_rng(0)
    contents, styles = [], []
    for _ in range(1 if sample is None else 5):
        x = None if sample is None else rng.standard_normal((sample, 2))
        u = [height(1.0, strength, 0.5) for strength in (0.8, 0.95, 1.1)]
        contents.append(_change([_fitted(x, one, one) for one in u]))
        v = [height(1.0, strength, 0.5) for strength in (0.8, 1.1)]
        styles += [_change([_fitted(x, content, one) for one in v]) for content in (0.3, 3.0)]
    how = "the whole population" if sample is None else f"5 samples of {sample}, seed 0"
    for slot, words in (("content", contents), ("style", styles)):
        yield Measured(slot, "exact", f"error before and after the collapse, on quadrature nodes; {how}",
                       [Point({}, one) for one in words], seed=None if sample is None else 0)  # fmt: skip
    powers = [
        np.diag(Trained("beta-infonce", (1.0, 1.0), (strength, strength), {"beta": 0.5}).gram)
        for strength in (0.8, 1.1)
    ]
    x = None if sample is None else rng.standard_normal((sample, 2))
    yield Measured("content", "trained", f"the same with the torch loss minimised; {how}",
                   [Point({}, _change([_fitted(x, *one) for one in powers]))])  # fmt: skip
    yield Measured("style", "trained", f"the same with the torch loss minimised; {how}",
                   [Point({}, _change([_fitted(x, 1.0, one[1]) for one in powers]))])  # fmt: skip


def _fitted(x: Any, u: float, v: float) -> float:
    """The regressor fitted on data x (n, 2), or on Gauss-Hermite nodes for the population."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(3)
    grid = np.stack(np.meshgrid(nodes, nodes, indexing="ij"), -1).reshape(-1, 2)
    p = np.outer(weights, weights).ravel() / weights.sum() ** 2
    data, share = (grid, p) if x is None else (x, np.full(len(x), 1 / len(x)))
    scale = np.sqrt(np.maximum([u, v], 0.0))
    z = data * scale
    G = np.linalg.solve((z * share[:, None]).T @ z + RIDGE * np.eye(2), (z * share[:, None]).T @ data[:, 0])
    return float(p @ ((grid * scale) @ G - grid[:, 0]) ** 2)


def _change(errors: list[float]) -> str:
    steps = np.diff(errors)
    if (abs(steps) < 1e-12).all():
        return "stays"
    return "rises" if (steps > 0).all() else "falls" if (steps < 0).all() else "neither"
