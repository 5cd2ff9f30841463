"""Logarithms of sums over a finite sample, by hand: through order 4 by cumulants, far out by the largest exponent.

With weights p_k = w_k/Σ_j w_j,  log Σ_k w_k e^(q_k) = const + Σ p_k q_k + ½ (Σ p_k q_k² − (Σ p_k q_k)²) + O(W⁶).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import sympy

from derive import Mean, exp, half_sq, inner, log
from statements.functions import Peaks
from statements.moments import mean, mean_of_product
from statements.parts import CHI, CHI_POS, X_POS, Part, X, _half_square, _inner, chi, chi_pos, x, x_pos
from statements.polynomials import Polynomial

N = sympy.Symbol("N")
Forms = list[tuple[Any, Any]]


def _through4(fixed: Sequence[tuple[Any, Forms]], drawn: Sequence[tuple[Any, Forms]], n: Any) -> Polynomial:
    """Of log(Σ_fixed w e^q + Σ_draws Σ_drawn w e^q), whose anchors are independent of the draws.

    Args:
        fixed: weights and exponents that occur once.
        drawn: the same for one draw, whose views have datum 1.
        n: how many draws there are.

    """
    total = sum((w for w, _ in fixed), sympy.S.Zero) + n * sum((w for w, _ in drawn), sympy.S.Zero)
    alone = [(w / total, form) for w, form in fixed]
    each = [(w / total, form) for w, form in drawn]
    other = [(p, _of_another_draw(form)) for p, form in each]
    result = Polynomial()
    for p, form in alone:
        result += p * mean(form, bias=False) + p / 2 * mean_of_product(form, form, bias=False)
    for p, form in each:
        result += n * p * mean(form, bias=False) + n * p / 2 * mean_of_product(form, form, bias=False)
    pairs = [(sympy.S.One, alone, alone), (2 * n, alone, each), (n, each, each), (n * (n - 1), each, other)]
    for times, left, right in pairs:
        for p, form in left:
            for q, beside in right:
                result -= times * p * q / 2 * mean_of_product(form, beside, bias=False)
    return Polynomial({key: sympy.cancel(value) for key, value in result.terms.items()})


def _of_another_draw(form: Forms) -> Forms:
    def moved(view: tuple[int, int]) -> tuple[int, int]:
        return (view[0] + 1, view[1]) if view[0] else view

    return [(weight, (moved(u), moved(v))) for weight, (u, v) in form]


def _part(node: Any, fixed: Sequence[tuple[Any, Forms]], drawn: Sequence[tuple[Any, Forms]], n: Any) -> Part:
    peaks = Peaks(sympy.S.One, tuple(tuple(form) for _, form in fixed), n, tuple(tuple(form) for _, form in drawn))
    return Part(node, _through4(fixed, drawn, n), Polynomial(), (peaks,), known=False)


def negatives(t: sympy.Expr, alpha: sympy.Expr) -> Part:  # noqa: ARG001 (all take both)
    """log((N − 1) mean e^(t⟨f(x), f(χ)⟩)) over N − 1 negatives."""
    n = N - 1
    node = log(n * Mean(exp(t * inner(x, chi)), over=chi, count=n))
    return _part(node, [], [(sympy.S.One, _inner(X, CHI, t))], n)


def negatives_and_positive(t: sympy.Expr, alpha: sympy.Expr) -> Part:
    """The same with the positive beside them, of weight α."""
    n = N - 1
    node = log(n * Mean(exp(t * inner(x, chi)), over=chi, count=n) + alpha * exp(t * inner(x, x_pos)))
    return _part(node, [(alpha, _inner(X, X_POS, t))], [(sympy.S.One, _inner(X, CHI, t))], n)


def distances(t: sympy.Expr, alpha: sympy.Expr) -> Part:  # noqa: ARG001
    """log((N − 1) mean e^(−t ½|f(x) − f(χ)|²)) over N − 1 negatives."""
    n = N - 1
    node = log(n * Mean(exp(-t * half_sq(x, chi)), over=chi, count=n))
    return _part(node, [], [(sympy.S.One, _half_square(X, CHI, -t))], n)


def distances_and_positive(t: sympy.Expr, alpha: sympy.Expr) -> Part:
    """The same with the positive beside them, of weight α."""
    n = N - 1
    node = log(n * Mean(exp(-t * half_sq(x, chi)), over=chi, count=n) + alpha * exp(-t * half_sq(x, x_pos)))
    return _part(node, [(alpha, _half_square(X, X_POS, -t))], [(sympy.S.One, _half_square(X, CHI, -t))], n)


def two_views(t: sympy.Expr, alpha: sympy.Expr) -> Part:
    """Both views of each negative, and the positive of weight α."""
    n = N - 1
    terms = exp(t * inner(x, chi)) + exp(t * inner(x, chi_pos))
    node = log(n * Mean(terms, over=(chi, chi_pos), count=n) + alpha * exp(t * inner(x, x_pos)))
    drawn = [(sympy.S.One, _inner(X, CHI, t)), (sympy.S.One, _inner(X, CHI_POS, t))]
    return _part(node, [(alpha, _inner(X, X_POS, t))], drawn, n)


def squared_mean(t: sympy.Expr, alpha: sympy.Expr) -> Part:  # noqa: ARG001
    """The square of the mean inner product over N − 1 draws, no logarithm: ⟨x, χ⟩² where both draws are one."""
    n = N - 1
    node = t * Mean(inner(x, chi), over=chi, count=n) ** 2
    return Part(node, t / n * mean_of_product(_inner(X, CHI), _inner(X, CHI), bias=False))


SAMPLES: dict[str, Callable[[sympy.Expr, sympy.Expr], Part]] = {
    "negatives": negatives,
    "negatives and positive": negatives_and_positive,
    "distances": distances,
    "distances and positive": distances_and_positive,
    "two views": two_views,
    "squared mean": squared_mean,
}
