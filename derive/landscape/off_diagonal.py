"""What is known of collapse where no rotation of the embedding is lowest for all sums over its coordinates.

Entries on the diagonal of W X Wᵀ are counted apart from those off it. Let

    −β Σ_r p_r + δ Σ_r p_r² + k (Σ_r p_r)²,   p_r = (W Y Wᵀ)_rr,

be all that the loss has on the diagonal and ν Σ_{r≠s} (W Z Wᵀ)_rs² all that it has off it; Y and Z positive definite,
β, δ, ν > 0 and k ≥ 0. Then no local minimum has a rank below d0, if W has d0 rows or more:

    With rank W < d0 some z ≠ 0 has W Z z = 0, and u_r + ε z in place of a row u_r leaves all entries off the diagonal
    as they are. With f_r the derivative of the rest by p_r, either f_r = 0, or u_rᵀ Y z = 0 and then zᵀ Y z f_r ≥ 0:
    in every row f_r ≥ 0. Stationary under the scale of a row means 2 p_r f_r + 4 ν Σ_s (W Z Wᵀ)_rs² = 0, so that both
    terms vanish. In a row that is not zero −β + 2 k Σ p = −2 δ p_r < 0; in one that is, −β + 2 k Σ p ≥ 0. Hence all
    rows are zero, against β > 0, or none is, and then all d1 ≥ d0 of them are orthogonal in Z, against the rank.

For β ≤ 0 no term is negative, and W = 0 is the minimum.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import sympy

from derive.algebra.scalars import normal_form
from derive.landscape.conditions import Condition
from derive.landscape.coordinates import added, as_matrix, principal_minors, square_root
from derive.landscape.landscape import MODE_I, Landscape

Decide = Callable[[sympy.Expr], sympy.Basic]


def without_lowest_rotation(case: Landscape, decided: Decide) -> tuple[Condition | None, Condition | None]:
    """Dimensional and complete collapse, each None where it is not known.

    Args:
        case: a landscape whose sums over coordinates have no lowest rotation, or have it for some d1 alone.
        decided: the Boolean value ≤ 0.

    """
    beta = descent_on_diagonal(case)
    if beta is None:
        return None, at_origin(case, decided)
    lost = decided(beta)
    return Condition(lost, "some"), Condition(lost, "all")


def at_origin(case: Landscape, decided: Decide) -> Condition | None:
    """When W = 0 is the minimum: never where the loss falls along each mode, else where no part of it is negative.

    The quartic has three parts: on the diagonal, where no entry is negative, off it, and in products of traces.
    """
    if case.sign(case.b()) == 1 and not case.has_bias:
        return Condition(sympy.false, "all")
    squares = all(
        case.sign(minor) in (0, 1)
        for form in (case.off_diagonal, case.products)
        for _, minor in principal_minors(as_matrix(form))
    )
    on_diagonal = all(case.sign(value) in (0, 1) for value in as_matrix(case.on_diagonal))
    return Condition(decided(case.b()), "all") if squares and on_diagonal and not case.has_bias else None


def descent_on_diagonal(case: Landscape) -> sympy.Expr | None:
    """β of a loss of the kind described above, whatever its sign; None for any other loss."""
    on, off = square_root(case.on_diagonal), square_root(case.off_diagonal)
    if on is None or off is None or case.has_bias:
        return None
    (delta, y), (nu, z) = on, off
    first = next(iter(y))
    beta = normal_form(-case.linear.get(first, sympy.S.Zero))
    k = normal_form(case.products.get((first, first), sympy.S.Zero))
    linear = {letter: -case.linear.get(letter, sympy.S.Zero) for letter in y.keys() | case.linear.keys()}
    of_one = all(normal_form(value - beta * y.get(letter, sympy.S.Zero)) == 0 for letter, value in linear.items())
    square = {(one, other): k * y[one] * y[other] for one in y for other in y}
    of_one = of_one and not any(added(case.products, square, -sympy.S.One).values())
    positive = [delta, nu, _on_a_mode(y), _on_a_mode(z)]
    held = all(case.sign(value) == 1 for value in positive) and -1 not in case.signs(k)
    return beta if of_one and held else None


def _on_a_mode(combination: Mapping[str, sympy.Expr]) -> sympy.Expr:
    return sympy.Add(*(weight * MODE_I[letter] for letter, weight in combination.items()))
